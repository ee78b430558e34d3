import { BackendError } from '@imglish/core';
import { type Size, showSize } from '../graph/size.js';
import type { EmitOptions } from './builder.js';
import type { ElementType, ProtoInitializer, ProtoNode, ProtoValue } from './proto.js';

/** Nodes and constants of an ONNX graph in the making. Equal constants and equal sizes are made once. */
export class Emitter {
  readonly nodes: ProtoNode[] = [];
  readonly initializers: ProtoInitializer[] = [];
  private readonly taken = new Set<string>();
  private readonly constants = new Map<string, ProtoInitializer[]>();
  private readonly computed = new Map<string, string>();
  /** What nodes are named after: the kernel that they belong to. */
  scope = 'graph';

  constructor(private readonly inputs: readonly ProtoValue[]) {}

  /** A name that nothing else has: `wanted`, or with a number behind it. */
  unique(wanted: string): string {
    let name = wanted;
    for (let i = 2; this.taken.has(name); i++) name = `${wanted}_${i}`;
    this.taken.add(name);
    return name;
  }

  has(name: string): boolean {
    return this.taken.has(name);
  }

  emit(operator: string, inputs: readonly string[], options: EmitOptions = {}): string[] {
    const name = this.unique(`${this.scope}/${operator}`);
    const outputs = Array.from({ length: options.outputs ?? 1 }, (_, i) =>
      i === 0 ? name : this.unique(`${name}:${i}`),
    );
    const { domain = '', attributes = {} } = options;
    this.nodes.push({ name, operator, domain, inputs, outputs, attributes });
    return outputs;
  }

  initializer(initializer: ProtoInitializer): string {
    this.initializers.push(initializer);
    return initializer.name;
  }

  /** The one constant of these bytes, type and shape. */
  constant(values: Uint8Array, type: ElementType, shape: readonly number[]): string {
    const key = `${type} [${shape}] ${hash(values)}`;
    const alike = this.constants.get(key) ?? [];
    this.constants.set(key, alike);
    const same = alike.find((other) => equalBytes(other.values as Uint8Array, values));
    if (same) return same.name;
    // Its owner may write over it later.
    const made = { name: this.unique('constant'), type, shape, values: values.slice() };
    alike.push(made);
    return this.initializer(made);
  }

  int64(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.constant(bytes, 'int64', shape);
  }

  /** int64 `[n]`. */
  sizes(sizes: readonly Size[]): string {
    const key = sizes.map(showSize).join();
    return this.once(`[${key}]`, () => {
      const parts: string[] = [];
      let known: number[] = [];
      const flush = () => {
        if (known.length > 0) parts.push(this.int64(known));
        known = [];
      };
      for (const size of sizes) {
        if (typeof size === 'number') known.push(size);
        else {
          flush();
          parts.push(this.size(size));
        }
      }
      flush();
      if (parts.length === 0) return this.int64([]);
      if (parts.length === 1) return parts[0]!;
      return this.emit('Concat', parts, { attributes: { axis: { int: 0 } } })[0]!;
    });
  }

  /** int64 `[1]`. */
  private size(size: Size): string {
    if (typeof size === 'number') return this.int64([size]);
    return this.once(showSize(size), () =>
      size.terms
        .map(({ coefficient, symbols }) => {
          if (symbols.length === 0) return this.int64([coefficient]);
          const product = this.product(symbols);
          if (coefficient === 1) return product;
          return this.emit('Mul', [product, this.int64([coefficient])])[0]!;
        })
        .reduce((sum, term) => this.emit('Add', [sum, term])[0]!),
    );
  }

  private product(symbols: readonly string[]): string {
    const last = symbols.at(-1)!;
    if (symbols.length === 1) return this.dimension(last);
    return this.once(symbols.join('*'), () => {
      const first = this.product(symbols.slice(0, -1));
      return this.emit('Mul', [first, this.dimension(last)])[0]!;
    });
  }

  private dimension(symbol: string): string {
    return this.once(symbol, () => {
      for (const { name, shape } of this.inputs) {
        const axis = shape.findIndex((size) => showSize(size) === symbol);
        if (axis >= 0) {
          const attributes = { start: { int: axis }, end: { int: axis + 1 } };
          return this.emit('Shape', [name], { attributes })[0]!;
        }
      }
      throw new BackendError({
        code: 'backend/not-general',
        where: 'lower',
        expected: `an input with a dimension of the free size ${symbol}`,
        got: this.inputs.map(({ name, shape }) => `${name} [${shape.map(showSize)}]`).join(', '),
      });
    });
  }

  private once(key: string, make: () => string): string {
    const before = this.computed.get(key);
    if (before !== undefined) return before;
    const { scope } = this;
    this.scope = 'sizes';
    const name = make();
    this.scope = scope;
    this.computed.set(key, name);
    return name;
  }
}

/** FNV-1a: to find candidates, which are then compared. */
function hash(bytes: Uint8Array): number {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return h;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
