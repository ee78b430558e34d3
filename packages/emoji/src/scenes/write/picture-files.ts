import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { IoError, type RgbImage } from '@imglish/core';
import sharp, { type Sharp } from 'sharp';

/** A picture as JPEG: quality 95, colour at full resolution. */
export async function encodeJpeg(image: RgbImage): Promise<Uint8Array> {
  return rgb(image).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
}

/** A picture as PNG. */
export async function encodeScenePng(image: RgbImage): Promise<Uint8Array> {
  return rgb(image).png({ compressionLevel: 6 }).toBuffer();
}

/** Labels, one byte for each pixel, as a greyscale PNG. */
export async function encodeLabels(
  labels: Uint8Array,
  width: number,
  height: number,
): Promise<Uint8Array> {
  return sharp(labels, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png({ compressionLevel: 6 })
    .toBuffer();
}

function rgb({ width, height, data }: RgbImage): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** Writes files below a folder, several at a time, and makes the folders they need. */
export class FileWriter {
  readonly #root: string;
  readonly #atOnce: number;
  readonly #folders = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #failure: unknown;

  constructor(root: string, atOnce = 8) {
    this.#root = root;
    this.#atOnce = atOnce;
  }

  /**
   * Begins to write what `content` will give to each of the files; waits while too many are under way.
   *
   * @throws IoError `io/write`, also for files begun before.
   */
  async begin(content: Promise<Uint8Array> | Uint8Array, ...files: string[]): Promise<void> {
    const job = this.#write(content, files)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#running.delete(job));
    this.#running.add(job);
    if (this.#running.size >= this.#atOnce) await Promise.race(this.#running);
    this.#check();
  }

  /** Writes a text. */
  async text(file: string, text: string): Promise<void> {
    await this.begin(new TextEncoder().encode(text), file);
  }

  /** Waits until everything is written. */
  async finish(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #write(content: Promise<Uint8Array> | Uint8Array, files: string[]): Promise<void> {
    const bytes = await content;
    for (const file of files) {
      const target = path.join(this.#root, file);
      try {
        const folder = path.dirname(target);
        if (!this.#folders.has(folder)) {
          await mkdir(folder, { recursive: true });
          this.#folders.add(folder);
        }
        await writeFile(target, bytes);
      } catch (cause) {
        throw new IoError({
          code: 'io/write',
          where: 'writeScenes',
          expected: `to write ${target}`,
          got: (cause as NodeJS.ErrnoException).code ?? String(cause),
          cause,
        });
      }
    }
  }
}
