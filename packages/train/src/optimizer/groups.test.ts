import { readFileSync } from 'node:fs';
import { ConfigError } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { layerId, parameterGroups } from './groups.js';

const golden = new URL('../../../../fixtures/golden/', import.meta.url);

interface Entry {
  layer_id: number;
  lr_scale: number;
  weight_decay: number;
  lr_scale_with_task_head_lr_weight_20: number;
}

const fixture: {
  layer_decay: number;
  num_layers: number;
  weight_decay: number;
  heads: Record<string, Record<string, Entry>>;
} = JSON.parse(readFileSync(new URL('optim/param_groups.json', golden), 'utf8'));

/** Names and shapes of a head's weights, from the header of its safetensors file. */
function shapes(head: string): Record<string, { shape: number[] }> {
  const file = readFileSync(new URL(`weights/${head}.safetensors`, golden));
  const header = file.subarray(8, 8 + Number(file.readBigUInt64LE(0))).toString();
  const { __metadata__, ...tensors } = JSON.parse(header);
  return tensors;
}

describe('parameterGroups', () => {
  it.each(Object.entries(fixture.heads))('is the reference on %s', (head, expected) => {
    const { num_layers: layers, layer_decay: layerDecay, weight_decay: weightDecay } = fixture;
    const parameters = shapes(head);
    expect(Object.keys(parameters).sort()).toEqual(Object.keys(expected).sort());
    const decayed = parameterGroups(parameters, { layers, layerDecay, weightDecay });
    const heads = parameterGroups(parameters, { weightDecay, taskHeadLrWeight: 20 });
    for (const [name, entry] of Object.entries(expected)) {
      expect(layerId(name, layers), name).toBe(entry.layer_id);
      expect(decayed[name]!.lrScale, name).toBeCloseTo(entry.lr_scale, 15);
      expect(decayed[name]!.weightDecay, name).toBe(entry.weight_decay);
      expect(heads[name]!.lrScale, name).toBe(entry.lr_scale_with_task_head_lr_weight_20);
      expect(heads[name]!.weightDecay, name).toBe(entry.weight_decay);
    }
  });

  it('refuses what cannot be', () => {
    const parameters = { 'layers.3.w': { shape: [2, 2] } };
    const make = (options: Parameters<typeof parameterGroups>[1]) => () =>
      parameterGroups(parameters, options);
    expect(make({ weightDecay: -1 })).toThrow(ConfigError);
    expect(make({ weightDecay: 0, layerDecay: 0 })).toThrow(/layerDecay/);
    expect(make({ weightDecay: 0, layerDecay: 0.5 })).toThrow(/layers/);
    expect(make({ weightDecay: 0, layerDecay: 0.5, layers: 3 })).toThrow(/layers\.3\.w/);
    expect(make({ weightDecay: 0, taskHeadLrWeight: 0.5 })).toThrow(/taskHeadLrWeight/);
    expect(make({ weightDecay: 0, taskHeadLrWeight: 2, layerDecay: 0.5, layers: 4 })).toThrow(
      /not both/,
    );
  });
});
