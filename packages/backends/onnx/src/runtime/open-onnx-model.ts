import { BackendError, type HostTensor, type HostTensorMap } from '@imglish/core';

/** An input or output of a model; sizes that are free have a name. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

/** A model of anybody's. */
export interface OpenedOnnxModel {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** The float32 outputs of float32 and int32 inputs. */
  run(inputs: HostTensorMap): Promise<HostTensorMap>;
  dispose(): Promise<void>;
}

/**
 * Opens an ONNX file with onnxruntime-node, in this thread.
 *
 * @throws BackendError `backend/unavailable` where onnxruntime-node is not installed,
 * `backend/model-refused` for what it cannot open or run.
 */
export async function openOnnxModel(
  file: string,
  { threads }: { threads?: number } = {},
): Promise<OpenedOnnxModel> {
  const where = `openOnnxModel(${file})`;
  const ort = await import('onnxruntime-node').catch((cause: Error) => {
    throw new BackendError({
      code: 'backend/unavailable',
      where,
      expected: 'onnxruntime-node to be installed',
      got: cause.message,
      fix: 'Run `npm install onnxruntime-node@1.30.0`.',
      cause,
    });
  });
  const refused = (expected: string) => (cause: Error) => {
    const details = { code: 'backend/model-refused', where, expected, got: cause.message, cause };
    throw new BackendError(details);
  };
  const options = threads === undefined ? {} : { intraOpNumThreads: threads };
  const session = await ort.InferenceSession.create(file, options).catch(
    refused('a model that onnxruntime opens'),
  );
  const valuesOf = (metadata: typeof session.inputMetadata): OnnxValue[] =>
    metadata.map((value) => ({ name: value.name, shape: value.isTensor ? value.shape : [] }));
  return {
    inputs: valuesOf(session.inputMetadata),
    outputs: valuesOf(session.outputMetadata),
    async run(inputs) {
      const feeds = Object.entries(inputs).map(([name, { dtype, shape, data }]) => {
        return [name, new ort.Tensor(dtype, data, shape)] as const;
      });
      const outputs = await session
        .run(Object.fromEntries(feeds))
        .catch(refused('inputs that the model takes'));
      const floats = Object.entries(outputs).flatMap(([name, { type, dims, data }]) => {
        if (type !== 'float32') return [];
        const value: HostTensor = { dtype: type, shape: dims, data: data as Float32Array };
        return [[name, value] as const];
      });
      return Object.fromEntries(floats);
    },
    dispose: () => session.release(),
  };
}
