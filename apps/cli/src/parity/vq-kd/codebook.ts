import type { Executor, HostTensor } from '@imglish/core';
import {
  assignmentOf,
  type Codebook,
  codebookUsage,
  countAssigned,
  emaUpdate,
  quantize,
  sphericalKMeans,
  type VqKdConfig,
  vqKd,
} from '@imglish/tokenizers';
import { add, mul, type Scalar, sum, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine.js';
import type { FixtureFile, FixtureSet, FixtureTensor } from '../fixture-set.js';
import { gradientsOf, lossAndGradients } from '../gradients.js';
import type { Report } from '../report.js';
import type { Suite } from '../suite.js';
import { configOf, patchesOf, settingsOf, shaped, vectorsOf } from './set.js';
import { loadWeights } from './tokenizer.js';

const QUANTIZER = 'quantizer.safetensors';
const EMA = 'ema.safetensors';
const KMEANS = /^kmeans.*\.safetensors$/;
const FEW = 'kmeans_few_samples.safetensors';
const USAGE = 'usage.safetensors';
const TRAIN = 'forward_train.safetensors';
const FORWARD = 'forward_eval.safetensors';

/** The codebook: nearest codes, its gradient, its moving average, its start, its usage. */
export const vqKdCodebook: Suite = {
  name: 'codebook',
  covers: (path) => [QUANTIZER, EMA, USAGE].includes(path) || KMEANS.test(path),
  async run(set, report, engine) {
    const settings = await settingsOf(set);
    const config = configOf(settings);
    await checkQuantizer(set, report, engine, config, settings.decay);
    await checkTraining(set, report, engine, config, settings.decay);
    for (const { path } of set.files.filter((file) => KMEANS.test(file.path))) {
      await checkKMeans(set, report, engine, config, settings.decay, path);
    }
  },
};

function codebookOf(
  { codes, codeDim }: VqKdConfig,
  rows: Float32Array,
  clusterSize: Float32Array = new Float32Array(codes),
): Codebook {
  return { codes, codeDim, rows: rows.slice(), clusterSize: clusterSize.slice() };
}

const rowsOf = ({ codes, codeDim, rows }: Codebook): HostTensor => ({
  dtype: 'float32',
  shape: [codes, codeDim],
  data: rows,
});

/** Quantizes vectors; z and codes of them. */
async function quantized(executor: Executor, vectors: HostTensor, codebook: Codebook) {
  const outputs = await executor.run(quantizeAlone, { vectors, codebook: rowsOf(codebook) });
  return {
    outputs,
    z: outputs.z!.data as Float32Array,
    codes: outputs.codes!.data as Int32Array,
  };
}

function quantizeAlone(inputs: Record<string, unknown>) {
  const { vectors, codebook } = inputs as Record<string, Tensor2D>;
  const { commitment, ...rest } = quantize(vectors!, codebook!);
  return { ...rest, loss: mul(commitment, 1 / vectors!.shape[0]) };
}

async function checkQuantizer(
  set: FixtureSet,
  report: Report,
  engine: Engine,
  config: VqKdConfig,
  decay: number,
): Promise<void> {
  const file = await set.tensors(QUANTIZER);
  const before = file['state.embedding.before']!.values;
  const codebook = codebookOf(config, before, file['state.cluster_size.before']!.values);
  const vectors = vectorsOf(file['in.z']!);
  const upstream = vectorsOf(file['in.upstream']!);
  await engine.withParameters({}, async (executor) => {
    const { outputs, z, codes } = await quantized(executor, vectors, codebook);
    report.equal(QUANTIZER, 'codes', [...codes], [...file['out.codes']!.values]);
    compareGrid(report, QUANTIZER, 'z_q', outputs.quantized!, file['out.z_q']!);
    report.loss(QUANTIZER, 'loss', outputs.loss!.data[0]!, file['out.loss']!.values[0]!);
    for (const [name, from] of [
      ['grad.from_upstream', [1, 0]],
      ['grad.from_loss', [0, 1]],
      ['grad.from_both', [1, 1]],
    ] as const) {
      const result = await executor.run(
        lossAndGradients(
          (inputs, { vectors }) => {
            const output = quantize(vectors as Tensor2D, inputs.codebook as Tensor2D);
            const pulled = mul(sum(mul(output.quantized, inputs.upstream!)), from[0]);
            const own = mul(output.commitment, from[1] / vectors!.shape[0]!);
            return add(pulled, own) as Scalar;
          },
          ({ vectors }) => ({ vectors: vectors! }),
        ),
        { vectors, upstream, codebook: rowsOf(codebook) },
      );
      compareGrid(report, QUANTIZER, name, gradientsOf(result).vectors!, file[name]!);
    }
    emaUpdate(codebook, assignmentOf(z, codes, codebook), { decay });
    compareState(
      report,
      QUANTIZER,
      codebook,
      file,
      'state.embedding.after',
      'state.cluster_size.after',
    );
  });
}

/** The training and evaluation forwards of whole models: codes, bins, what the codebook becomes. */
async function checkTraining(
  set: FixtureSet,
  report: Report,
  engine: Engine,
  config: VqKdConfig,
  decay: number,
): Promise<void> {
  const [ema, usage, train, evaluation] = await Promise.all(
    [EMA, USAGE, TRAIN, FORWARD].map((path) => set.tensors(path)),
  );
  await engine.withParameters(await loadWeights(set, config), async (executor) => {
    const encode = async (image: FixtureTensor, codebook: Codebook) => {
      const patches = patchesOf(image, config.patchSize);
      const outputs = await executor.run(
        function encode({ patches, codebook }, parameters) {
          const given = { ...parameters, 'quantize.embedding.weight': codebook! };
          const { z, codes } = vqKd(given, config, patches as Tensor3D);
          return { z, codes };
        },
        { patches, codebook: rowsOf(codebook) },
      );
      const codes = outputs.codes!.data as Int32Array;
      return { codes, assignment: assignmentOf(outputs.z!.data as Float32Array, codes, codebook) };
    };

    const begin = ema!['state0.embedding']!.values;
    const before = evaluation!['state.cluster_size.before']!.values;
    const once = codebookOf(config, begin, before);
    const first = await encode(train!['in.image']!, once);
    countAssigned(once, first.assignment.counts, { decay });
    const shape = [config.codes];
    const evaluated = evaluation!['state.cluster_size.after']!;
    report.close(FORWARD, 'cluster_size', { shape, values: once.clusterSize }, evaluated, 1e-5);
    const trained = codebookOf(config, begin, before);
    emaUpdate(trained, first.assignment, { decay });
    compareState(
      report,
      TRAIN,
      trained,
      train!,
      'state.embedding.after',
      'state.cluster_size.after',
    );

    const codebook = codebookOf(config, begin, ema!['state0.cluster_size']!.values);
    const unchanged = codebookOf(config, begin);
    const counted = new Float64Array(config.codes);
    for (let step = 0; ema![`in.image.${step}`]; step++) {
      const image = ema![`in.image.${step}`]!;
      const { codes, assignment } = await encode(image, codebook);
      report.equal(EMA, `codes ${step}`, [...codes], [...ema![`out.codes.${step}`]!.values]);
      const bins = [...ema![`out.bins.${step}`]!.values];
      report.equal(EMA, `bins ${step}`, [...assignment.counts], bins);
      emaUpdate(codebook, assignment, { decay });
      const [rows, sizes] = [`state${step + 1}.embedding`, `state${step + 1}.cluster_size`];
      compareState(report, EMA, codebook, ema!, rows, sizes);

      const used = await encode(image, unchanged);
      report.equal(
        USAGE,
        `codes ${step}`,
        [...used.codes],
        [...usage![`out.codes.${step}`]!.values],
      );
      countAssigned(unchanged, used.assignment.counts, { decay });
      used.assignment.counts.forEach((count, code) => {
        counted[code]! += count;
      });
    }
    report.equal(USAGE, 'count', [...counted], [...usage!['out.count']!.values]);
    const sizes = { shape, values: unchanged.clusterSize };
    report.close(USAGE, 'cluster_size', sizes, usage!['out.cluster_size']!, 1e-5);
    const json = await set.json<{ usage: { never_used: number } }>('losses.json');
    report.equal(USAGE, 'never used', codebookUsage(counted).dead.length, json.usage.never_used);
    const still = codebookUsage(unchanged.clusterSize).dead.length;
    report.equal(USAGE, 'cluster size 0', still, json.usage.never_used);
  });
}

async function checkKMeans(
  set: FixtureSet,
  report: Report,
  engine: Engine,
  config: VqKdConfig,
  decay: number,
  path: string,
): Promise<void> {
  const file = await set.tensors(path);
  // With fewer samples than codes, means repeat: rounding decides which of the equal ones is taken.
  const hasTies = path === FEW;
  const vectors = vectorsOf(file['in.z']!);
  const samples = file['out.samples']!;
  const starts = file['in.draw']!.values;
  const shape = [config.codes, config.codeDim];
  const { means, counts } = sphericalKMeans(
    samples.values,
    config.codeDim,
    starts,
    10,
    ({ iteration, means, counts }) => {
      const [expected, bins] = [
        file[`out.iter${iteration}.means`],
        file[`out.iter${iteration}.bins`],
      ];
      if (expected)
        report.close(path, `means ${iteration}`, { shape, values: means }, expected, 1e-5);
      if (bins && !hasTies) report.equal(path, `bins ${iteration}`, [...counts], [...bins.values]);
    },
  );
  report.close(path, 'codebook', { shape, values: means }, file['out.init.embedding']!, 1e-5);
  if (!hasTies) {
    const sizes = [...file['out.init.embedding_cluster_size']!.values];
    report.equal(path, 'embedding.cluster_size', [...counts], sizes);
  }
  const codebook = codebookOf(config, means);
  await engine.withParameters({}, async (executor) => {
    const { outputs, z, codes } = await quantized(executor, vectors, codebook);
    report.output(path, 'samples', shaped(outputs.z!, samples.shape), samples);
    compareGrid(report, path, 'z_q', outputs.quantized!, file['out.z_q']!);
    report.loss(path, 'loss', outputs.loss!.data[0]!, file['out.loss']!.values[0]!);
    if (!hasTies) report.equal(path, 'codes', [...codes], [...file['out.codes']!.values]);
    emaUpdate(codebook, assignmentOf(z, codes, codebook), { decay });
  });
  const after = file['state.embedding.after']!;
  report.close(path, 'state.embedding.after', { shape, values: codebook.rows }, after, 1e-5);
}

/** `[M, C]` beside the reference's `[B, C, G, G]`. */
function compareGrid(
  report: Report,
  path: string,
  name: string,
  { data }: Pick<HostTensor, 'data'>,
  reference: FixtureTensor,
): void {
  const expected = vectorsOf(reference);
  const { shape } = expected;
  report.output(path, name, { shape, values: data }, { shape, values: expected.data });
}

function compareState(
  report: Report,
  path: string,
  { codes, codeDim, rows, clusterSize }: Codebook,
  file: FixtureFile,
  rowsName: string,
  sizesName: string,
): void {
  const shape = [codes, codeDim];
  report.close(path, rowsName, { shape, values: rows }, file[rowsName]!, 1e-6);
  const sizes = { shape: [codes], values: clusterSize };
  report.close(path, sizesName, sizes, file[sizesName]!, 1e-5);
}
