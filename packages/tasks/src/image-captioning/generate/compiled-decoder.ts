import {
  type Backend,
  type Compiled,
  type Compiler,
  elementCount,
  type HostTensor,
  type ModelConfig,
  type ParameterSource,
  type Parameters,
  placeParameters,
  type RegionView,
} from '@imglish/core';
import {
  type CaptionDecoder,
  countTo,
  type Decoding,
  type DecodingOptions,
  type NextWords,
  nextWords,
  withMasks,
} from './decoder.js';
import { eagerCaptionDecoder } from './eager-decoder.js';
import { imagesPart, type Part, type StateShapes, stateShapes, stepPart } from './traceable.js';

type Views = Readonly<Record<string, RegionView>>;

/**
 * Compiles the two functions that serve a whole caption, the images' and a step's: the step once for
 * each number of beams, of candidates and of tokens. Keys and values stay with the engine: a step
 * reads those of the step before and writes its own beside them.
 *
 * Tensors among the parameters are copied to the engine here and may be disposed then; those of a
 * `ParameterSource` stay where they are, and are read faster, as the engine knows them to be constant.
 */
export async function compiledCaptionDecoder(
  compiler: Compiler,
  parameters: Parameters | ParameterSource,
  config: ModelConfig,
): Promise<CaptionDecoder> {
  const { source, region } = await placeParameters(compiler, parameters);
  const functions = new Map<string, Promise<Compiled>>();
  const compiledFor = (name: string, part: () => Part): Promise<Compiled> => {
    let compiled = functions.get(name);
    if (!compiled) {
      const { f, inputs, freeSizes } = part();
      compiled = compiler.compile(f, inputs, { name, parameters: source, freeSizes });
      functions.set(name, compiled);
      // What failed is not kept: the reason may be gone next time.
      compiled.catch(() => functions.delete(name));
    }
    return compiled;
  };
  return {
    config,
    async begin(pixels, options) {
      const { beams, maxLength, candidates, words = config.vocabularySize } = options;
      const shapes = stateShapes(config, pixels.shape, options);
      const images = await compiledFor('images of captions', () =>
        imagesPart(config, pixels.shape),
      );
      const step = await compiledFor(
        `a step of captions: ${beams} beams, ${candidates} of ${words} candidates, ${maxLength} tokens`,
        () => stepPart(config, shapes, options),
      );
      const state = await reserveState(compiler, shapes);
      try {
        await images.run({ pixels }, { into: state.images });
      } catch (error) {
        await state.dispose();
        throw error;
      }
      return new CompiledDecoding(step, state, pixels.shape[0]!, options, config);
    },
    async dispose() {
      const all = await Promise.allSettled(functions.values());
      functions.clear();
      for (const each of all) if (each.status === 'fulfilled') await each.value.dispose();
      await region?.dispose();
    },
  };
}

/** Compiled where the backend can, op by op where it cannot. The backend is to be the current one. */
export async function captionDecoderFor(
  { compiler }: Pick<Backend, 'compiler'>,
  parameters: Parameters,
  config: ModelConfig,
): Promise<CaptionDecoder> {
  return compiler
    ? compiledCaptionDecoder(compiler, parameters, config)
    : eagerCaptionDecoder(parameters, config);
}

class CompiledDecoding implements Decoding {
  readonly #compiled: Compiled;
  readonly #state: State;
  readonly #images: number;
  readonly #options: DecodingOptions;
  readonly #allIds: Int32Array | undefined;
  #position = 0;

  constructor(
    compiled: Compiled,
    state: State,
    images: number,
    options: DecodingOptions,
    config: ModelConfig,
  ) {
    this.#compiled = compiled;
    this.#state = state;
    this.#images = images;
    this.#options = options;
    if (options.candidates === 'all') {
      this.#allIds = countTo(options.words ?? config.vocabularySize);
    }
  }

  async step(words: Int32Array, rows: Int32Array): Promise<readonly NextWords[]> {
    const { beams, maskId } = this.#options;
    const { images, texts } = this.#state;
    const [past, present] = this.#position % 2 === 0 ? texts : texts.toReversed();
    const int32 = (data: Int32Array, ...shape: number[]): HostTensor => ({
      dtype: 'int32',
      shape,
      data,
    });
    const { ids, logProbs } = await this.#compiled.run(
      {
        ids: int32(withMasks(words, maskId), this.#images, beams, 2),
        position: int32(Int32Array.of(this.#position), 1),
        ...(beams > 1 ? { rows: int32(rows, this.#images, beams) } : {}),
        ...images,
        ...past,
      },
      { into: present! },
    );
    this.#position += 1;
    const found = this.#allIds ?? (ids!.data as Int32Array);
    return nextWords(found, logProbs!.data as Float32Array, words.length);
  }

  dispose(): Promise<void> {
    return this.#state.dispose();
  }
}

interface State {
  readonly images: Views;
  /** One is read while the other is written, in turn. */
  readonly texts: readonly [Views, Views];
  dispose(): Promise<void>;
}

async function reserveState(compiler: Compiler, shapes: StateShapes): Promise<State> {
  const views: [string, readonly number[]][][] = [shapes.images, shapes.texts, shapes.texts].map(
    (each) => Object.entries(each),
  );
  const sizes = views.map((each) => each.map(([, shape]) => elementCount(shape)));
  const region = await compiler.reserve(sizes.flat().reduce((sum, size) => sum + size, 0));
  let offset = 0;
  const [images, first, second] = views.map(
    (each): Views =>
      Object.fromEntries(
        each.map(([name, shape]) => {
          const view = region.view(offset, shape);
          offset += elementCount(shape);
          return [name, view];
        }),
      ),
  ) as [Views, Views, Views];
  return { images, texts: [first, second], dispose: () => region.dispose() };
}
