import type { TensorSpec } from '@imglish/core';
import type {
  Attributes,
  ConstantData,
  Graph,
  NamedValue,
  Node,
  Value,
} from '../src/graph/graph.js';
import { interpolate, type Size } from '../src/graph/size.js';
import { kernels } from '../src/kernels/index.js';

/** A free size as itself. */
export function free(symbol: string): Size {
  return { terms: [{ coefficient: 1, symbols: [symbol] }] };
}

export function value(shape: readonly Size[], dtype: TensorSpec['dtype'] = 'float32'): Value {
  return { shape, dtype };
}

/** Puts graphs together by hand, for shapes that are known. */
export class GraphMaker {
  private readonly inputs: NamedValue[] = [];
  private readonly parameters: NamedValue[] = [];
  private readonly constants = new Map<Value, ConstantData>();
  private readonly nodes: Node[] = [];

  input(name: string, shape: readonly Size[], dtype?: TensorSpec['dtype']): Value {
    const made = value(shape, dtype);
    this.inputs.push({ name, value: made });
    return made;
  }

  parameter(name: string, shape: readonly number[]): Value {
    const made = value(shape);
    this.parameters.push({ name, value: made });
    return made;
  }

  constant(data: ConstantData, shape: readonly Size[], dtype?: TensorSpec['dtype']): Value {
    const made = value(shape, dtype);
    this.constants.set(made, data);
    return made;
  }

  /** A node; its outputs are of the shapes that its kernel infers, `n` being the only free size. */
  node(
    kernel: string,
    inputs: Readonly<Record<string, Value>>,
    attributes: Attributes = {},
  ): Value[] {
    const at = (n: number) =>
      kernels
        .get(kernel)!
        .infer(
          Object.fromEntries(
            Object.entries(inputs).map(([name, { shape, dtype }]) => [
              name,
              { shape: shape.map((size) => (typeof size === 'number' ? size : n)), dtype },
            ]),
          ),
          attributes,
        );
    const [low, high] = [at(2), at(3)];
    const outputs = low.map(({ shape, dtype }, i) =>
      value(
        shape.map((size, axis) => {
          const other = high[i]!.shape[axis]!;
          return interpolate((corner) => (corner.length > 0 ? other : size), { n: 2 }, { n: 3 })!;
        }),
        dtype,
      ),
    );
    this.nodes.push({ kernel, inputs, attributes, outputs, origin: new Error('here') });
    return outputs;
  }

  graph(outputs: Readonly<Record<string, Value>>): Graph {
    return {
      name: 'f',
      inputs: this.inputs,
      parameters: this.parameters,
      constants: this.constants,
      nodes: this.nodes,
      outputs: Object.entries(outputs).map(([name, value]) => ({ name, value })),
    };
  }
}
