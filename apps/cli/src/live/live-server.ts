import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freemem } from 'node:os';
import { ConfigError } from '@imglish/core';
import type { Observer } from '@imglish/train/node';
import { livePage } from './live-page.js';
import { RunHistory } from './run-view.js';

export const LIVE_PORT = 6116;

export interface LiveOptions {
  title: string;
  /** Steps of the whole run. */
  total: number;
  /** 0 for any that is free. */
  port: number;
}

export interface LiveServer extends Observer {
  readonly url: string;
}

/**
 * Serves the page of a run on this machine, and to nobody else: `ssh -L` brings it to another one.
 *
 * @throws ConfigError `config/port` for a port that is not to be had.
 */
export async function liveServer({ title, total, port }: LiveOptions): Promise<LiveServer> {
  const history = new RunHistory(title, total);
  const server = createServer((request, response) => {
    if (request.url !== '/' || request.method !== 'GET') {
      response.writeHead(404).end();
      return;
    }
    const memory = {
      used: process.memoryUsage.rss(),
      peak: 1024 * process.resourceUsage().maxRSS,
      free: freemem(),
    };
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
    });
    response.end(livePage(history, memory));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((cause) => {
    throw new ConfigError({
      code: 'config/port',
      where: '--live',
      expected: 'a port that is free',
      got: `${port}: ${(cause as Error).message}`,
      fix: 'Name another one: --live 0 takes any that is free.',
      cause,
    });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    past: (metrics) => history.add(metrics, true),
    step: async (metrics) => history.add(metrics),
    warn: (warning) => history.warn(warning),
    message: (text) => history.say(text),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
