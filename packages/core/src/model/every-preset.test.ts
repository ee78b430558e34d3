import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { dispose, type Scalar, square, sum, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { valuesOf } from '../../test/numbers.js';
import { pixelsOf, randomParameters, reduced, textOf } from '../../test/small-model.js';
import { valueAndGradients } from '../autodiff/autodiff.js';
import { bytesSink, bytesSource } from '../bytes/bytes.js';
import { loadCheckpoint } from '../checkpoint/load-checkpoint.js';
import { loadTensors } from '../checkpoint/load-tensors.js';
import { openSafetensors, writeSafetensors } from '../checkpoint/safetensors.js';
import { tensorEntry } from '../checkpoint/tensor-file.js';
import type { Parameters } from '../parameters/parameters.js';
import { type Beit3Inputs, beit3 } from './beit3.js';
import type { Variant } from './config.js';
import { PRESET_NAMES } from './presets.js';
import { backboneSpecs } from './specs.js';

const VARIANT_NAMES: Variant[] = ['released', 'paper'];
const PASSES = ['image', 'text', 'pair'] as const;

const MODELS = PRESET_NAMES.flatMap((name) => VARIANT_NAMES.map((variant) => ({ name, variant })));

async function savedAndLoaded(parameters: Parameters, specs: ReturnType<typeof backboneSpecs>) {
  const sink = bytesSink();
  const entries = Object.entries(parameters).map(([name, tensor]) =>
    tensorEntry(name, 'F32', tensor.shape, Float32Array.from(tensor.dataSync())),
  );
  await writeSafetensors(sink, entries);
  const file = await openSafetensors(bytesSource(sink.bytes()));
  return loadTensors(loadCheckpoint(file, { specs }));
}

describe.each(MODELS)('$name, $variant, made small', ({ name, variant }) => {
  const config = reduced(name, variant);
  const specs = backboneSpecs(config);
  const parameters = randomParameters(specs);
  const image = { pixels: pixelsOf(config, 2) };
  const textIds = textOf(config, 2, 4);
  const inputs: Record<(typeof PASSES)[number], Beit3Inputs> = {
    image: { image },
    text: { textIds },
    pair: { image, textIds },
  };
  const forward = (p: Parameters, pass: (typeof PASSES)[number]) =>
    tidy(() => valuesOf(beit3(p, config, inputs[pass]).sequence));

  it.each(PASSES)('%s: forward and backward', (pass) => {
    withoutLeaks(() => {
      const { loss, gradients } = valueAndGradients((p) => {
        const { sequence } = beit3(p, config, inputs[pass]);
        return { loss: sum(square(sequence)) as Scalar };
      }, parameters);
      expect(Number.isFinite(valuesOf(loss)[0])).toBe(true);
      for (const [parameter, gradient] of Object.entries(gradients)) {
        expect(gradient.shape).toEqual(specs[parameter]!.shape);
        expect(valuesOf(gradient).every(Number.isFinite), parameter).toBe(true);
      }
      const embedding = pass === 'text' ? 'text_embed.weight' : 'vision_embed.proj.weight';
      expect(valuesOf(gradients[`beit3.${embedding}`]!).some((x) => x !== 0)).toBe(true);
      dispose([loss, gradients]);
    });
  });

  it('gives the same after saving and loading', async () => {
    const loaded = await savedAndLoaded(parameters, specs);
    for (const pass of PASSES) expect(forward(loaded, pass)).toEqual(forward(parameters, pass));
    dispose(loaded);
  });
});
