import type {
  Compiled,
  CompileOptions,
  Compiler,
  HostTensorMap,
  Region,
  RegionView,
  RunOptions,
  TensorSpec,
  Traceable,
} from '@imglish/core';
import type { OnnxModel } from '../lower/onnx-model.js';
import type { RunInput, RuntimeEngine } from '../runtime/engine.js';
import { disposed } from '../runtime/link.js';
import { refuseOverlaps } from './overlap.js';
import { SessionCache } from './session-cache.js';
import {
  checkInputs,
  checkOutputs,
  checkSignature,
  type Signature,
  signatureKey,
} from './signature.js';

/** Records a function and lowers it. */
export type Build = (
  f: Traceable,
  example: Readonly<Record<string, TensorSpec>>,
  options: CompileOptions,
) => Promise<OnnxModel>;

export interface OnnxCompilerOptions {
  /** Bytes that loaded models may take together; the one in use stays whatever it takes. Default 4 GiB. */
  readonly cacheBytes?: number;
}

/** A compiler that ends its engine with itself. */
export interface OnnxCompiler extends Compiler {
  dispose(): Promise<void>;
}

/** A function for one set of shapes: its model is kept, the session may be given up and made again. */
interface Variant {
  readonly name: string;
  readonly model: OnnxModel;
}

/**
 * A compiler that builds ONNX models and runs them on `engine`.
 *
 * A function has one session for all sizes that are free, and one more for every other shape that it
 * is run with. Loaded sessions of all functions share `cacheBytes`: the one unused for longest goes
 * first, and is loaded again when it is needed.
 */
export function onnxCompiler(
  engine: RuntimeEngine,
  build: Build,
  { cacheBytes = 4 * 2 ** 30 }: OnnxCompilerOptions = {},
): OnnxCompiler {
  const sessions = new SessionCache<Variant>(
    ({ model, name }) => engine.open(model, { name }),
    cacheBytes,
  );
  // Tracing replaces the engine of the process for a while: one at a time.
  let builds: Promise<unknown> = Promise.resolve();
  const buildInTurn: Build = (f, example, options) => {
    const built = builds.then(() => build(f, example, options));
    builds = built.catch(() => {});
    return built;
  };
  let open = true;
  const check = (where: string): void => {
    if (!open) throw disposed('the compiler', where);
  };
  return {
    description: engine.description,
    async compile(f, example, options = {}) {
      check('compile');
      const compiled = new CompiledFunction(f, example, options, buildInTurn, sessions);
      await compiled.prepare();
      return compiled;
    },
    async reserve(length): Promise<Region> {
      check('reserve');
      return engine.reserve(length);
    },
    async dispose() {
      open = false;
      await engine.dispose();
    },
  };
}

class CompiledFunction implements Compiled {
  readonly #f: Traceable;
  readonly #options: CompileOptions;
  readonly #build: Build;
  readonly #sessions: SessionCache<Variant>;
  readonly #name: string;
  readonly #signature: Signature;
  /** Parameters that live in regions: every run is given them. */
  readonly #regionParameters: Readonly<Record<string, RegionView>>;
  /** By the shapes that are not free. */
  readonly #variants: Map<string, Promise<Variant>> = new Map();
  #open = true;

  constructor(
    f: Traceable,
    example: Readonly<Record<string, TensorSpec>>,
    options: CompileOptions,
    build: Build,
    sessions: SessionCache<Variant>,
  ) {
    this.#f = f;
    this.#options = options;
    this.#build = build;
    this.#sessions = sessions;
    this.#name = options.name ?? (f.name || 'a function');
    this.#signature = checkSignature(this.#name, example, options);
    this.#regionParameters = Object.fromEntries(
      Object.entries(options.parameters ?? {}).flatMap(([name, { place }]) =>
        'region' in place ? [[name, place]] : [],
      ),
    );
  }

  /** Compiles for the shapes of the example. */
  async prepare(): Promise<void> {
    const variant = await this.#variant(this.#signature.example);
    await this.#sessions.use(variant, () => {});
  }

  async run(
    inputs: Readonly<Record<string, RunInput>>,
    options: RunOptions = {},
  ): Promise<HostTensorMap> {
    this.#check();
    const sizes = checkInputs(this.#name, this.#signature, inputs);
    const variant = await this.#variant(inputs);
    const { model } = variant;
    const given = { ...inputs, ...this.#regionParameters };
    const into = options.into ?? {};
    checkOutputs(this.#name, model.outputs, sizes, into);
    refuseOverlaps(this.#name, given, into, this.#options.inPlace ?? {});
    const feeds = Object.fromEntries(model.inputs.map(({ name }) => [name, given[name]!]));
    const asModel = Object.fromEntries(model.outputs.map(({ as, name }) => [as, name]));
    const asFunction = Object.fromEntries(model.outputs.map(({ as, name }) => [name, as]));
    const result = await this.#sessions.use(variant, (session) =>
      session.run(feeds, { into: renamed(into, asModel) }),
    );
    return renamed(result, asFunction);
  }

  async dispose(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    const variants = await Promise.allSettled(this.#variants.values());
    await Promise.all(
      variants.map((each) => each.status === 'fulfilled' && this.#sessions.drop(each.value)),
    );
  }

  #check(): void {
    if (!this.#open) throw disposed('the compiled function', this.#name);
  }

  /** The variant for these shapes; one that is being built is shared. */
  #variant(specs: Readonly<Record<string, TensorSpec>>): Promise<Variant> {
    const key = signatureKey(this.#signature, specs);
    let variant = this.#variants.get(key);
    if (!variant) {
      const example = Object.fromEntries(
        Object.entries(specs).map(([name, { shape, dtype }]) => [name, { shape, dtype }]),
      );
      variant = this.#build(this.#f, example, this.#options).then((model) => ({
        name: this.#name,
        model,
      }));
      this.#variants.set(key, variant);
      variant.catch(() => this.#variants.delete(key));
    }
    return variant;
  }
}

function renamed<T>(
  map: Readonly<Record<string, T>>,
  names: Readonly<Record<string, string>>,
): Record<string, T> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [names[name]!, value]));
}
