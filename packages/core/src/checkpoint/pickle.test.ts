import { describe, expect, it } from 'vitest';
import { pickleOf, textOf, torchFileOf } from '../../test/checkpoint/pickles.js';
import { bytesSource } from '../bytes/bytes.js';
import { InertObject, unpickle } from './pickle.js';
import { TorchTensor, torchContext } from './torch-globals.js';
import { openTorch } from './torch-reader.js';

const load = (...parts: Parameters<typeof pickleOf>): unknown =>
  unpickle(pickleOf(0x80, 2, ...parts), torchContext(new Map())).value;

const code = (...parts: Parameters<typeof pickleOf>): string => {
  try {
    load(...parts);
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
};

describe('unpickle', () => {
  it('reads plain values of protocols 2 to 5', () => {
    expect(load('N.')).toBe(null);
    expect(load(0x88, '.')).toBe(true);
    expect(load(0x89, '.')).toBe(false);
    expect(load('K', 255, '.')).toBe(255);
    expect(load('M', 1, 2, '.')).toBe(513);
    expect(load('J', 255, 255, 255, 255, '.')).toBe(-1);
    expect(load(0x8a, 0, '.')).toBe(0);
    expect(load(0x8a, 2, 0, 255, '.')).toBe(-256);
    expect(load(0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, '.')).toBe(2n ** 64n);
    expect(load(0x8b, 1, 0, 0, 0, 7, '.')).toBe(7);
    expect(load('G', 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, '.')).toBe(1.5);
    expect(load(textOf('☃'), '.')).toBe('☃');
    expect(load(0x8c, 2, 'ab', '.')).toBe('ab');
    expect(load(0x8d, 2, 0, 0, 0, 0, 0, 0, 0, 'ab', '.')).toBe('ab');
    expect(load('C', 2, 1, 2, '.')).toEqual(new Uint8Array([1, 2]));
    expect(load('B', 1, 0, 0, 0, 9, '.')).toEqual(new Uint8Array([9]));
    expect(load(0x8e, 1, 0, 0, 0, 0, 0, 0, 0, 9, '.')).toEqual(new Uint8Array([9]));
    expect(load(0x95, 1, 0, 0, 0, 0, 0, 0, 0, 'N.')).toBe(null);
  });

  it('reads containers, marks and the memo', () => {
    expect(load(').')).toEqual([]);
    expect(load('K', 1, 0x85, '.')).toEqual([1]);
    expect(load('K', 1, 'K', 2, 0x86, '.')).toEqual([1, 2]);
    expect(load('K', 1, 'K', 2, 'K', 3, 0x87, '.')).toEqual([1, 2, 3]);
    expect(load('(K', 1, '(K', 2, 'tt.')).toEqual([1, [2]]);
    expect(load('(K', 1, 'K', 2, 'l.')).toEqual([1, 2]);
    expect(load(']K', 1, 'a(K', 2, 'K', 3, 'e.')).toEqual([1, 2, 3]);
    expect(load('(K', 1, 'K', 2, 'd.')).toEqual(new Map([[1, 2]]));
    expect(load('}K', 1, 'K', 2, 's(K', 3, 'K', 4, 'u.')).toEqual(
      new Map([
        [1, 2],
        [3, 4],
      ]),
    );
    expect(load(0x8f, '(K', 1, 'K', 1, 0x90, '.')).toEqual(new Set([1]));
    expect(load('(K', 1, 0x91, '.')).toEqual(new Set([1]));
    expect(load('K', 1, 'K', 2, '0.')).toBe(1);
    expect(load('K', 1, '(K', 2, 'K', 3, '1.')).toBe(1);
    expect(load('K', 5, '2', 0x86, '.')).toEqual([5, 5]);
    expect(load('K', 5, 'q', 7, '0h', 7, '.')).toBe(5);
    expect(load('K', 5, 'r', 0, 0, 0, 1, '0j', 0, 0, 0, 1, '.')).toBe(5);
    expect(load('K', 5, 0x94, '0h', 0, '.')).toBe(5);
    const loop = load(']q', 0, 'h', 0, 'a.') as unknown[];
    expect(loop[0]).toBe(loop);
  });

  it('keeps objects of known classes as data', () => {
    const dict = load('ccollections\nOrderedDict\n)RK', 1, 'K', 2, 's}', textOf('x'), 'Nsb.');
    expect(dict).toEqual(new Map([[1, 2]]));
    const pairs = pickleOf(']K', 1, 'K', 2, 0x86, 'a');
    expect(load('ccollections\nOrderedDict\n', pairs, 0x85, 'R.')).toEqual(new Map([[1, 2]]));
    const size = load('ctorch\nSize\nK', 1, 'K', 2, 0x86, 0x85, 'R.');
    expect(size).toEqual([1, 2]);
    const path = load(textOf('pathlib'), textOf('PosixPath'), 0x93, textOf('a'), 0x85, 'R.');
    expect(path).toBeInstanceOf(InertObject);
    expect(path).toMatchObject({ className: 'pathlib.PosixPath', args: ['a'] });
  });

  it('refuses what could run code, and names it', () => {
    for (const name of ['os.system', 'builtins.eval', 'builtins.getattr', 'torch.load']) {
      const [module, attribute] = name.split('.');
      expect(() => load(`c${module}\n${attribute}\n`, textOf('id'), 0x85, 'R.')).toThrow(name);
      expect(code(`c${module}\n${attribute}\n.`)).toBe('checkpoint/pickle-global');
      expect(code(textOf(module!), textOf(attribute!), 0x93, '.')).toBe('checkpoint/pickle-global');
    }
    expect(code('c__proto__\nconstructor\n.')).toBe('checkpoint/pickle-global');
    expect(code('ctorch.storage\n_load_from_bytes\n.')).toBe('checkpoint/pickle-global');
  });

  it.each<[string, Parameters<typeof pickleOf>]>([
    ['an opcode of protocol 0', ['I1\n.']],
    ['an unknown opcode', [0xff]],
    ['protocol 1', [0x80, 1, 'N.']],
    ['protocol 6', [0x80, 6, 'N.']],
    ['an empty stack', ['.']],
    ['a value below the mark', ['N(0.']],
    ['no mark', ['t.']],
    ['a memo that was never set', ['h', 0, '.']],
    ['appending to a dict', ['}Na.']],
    ['an item for a list', [']NNs.']],
    ['a key without value', ['}(Nu.']],
    ['calling a string', [textOf('a'), ')R.']],
    ['calling a storage class', ['ctorch\nFloatStorage\n)R.']],
    ['arguments that are no tuple', ['ccollections\nOrderedDict\nNR.']],
    ['an OrderedDict of a number', ['ccollections\nOrderedDict\nK', 1, 0x85, 'R.']],
    ['state for a list', [']Nb.']],
    ['members for a list', [']', '(N', 0x90, '.']],
    ['text that is not UTF-8', [0x8c, 1, 0xff, '.']],
    ['an integer of 2 KB', [0x8b, 0, 8, 0, 0, new Uint8Array(2048), '.']],
    ['a name of 600 characters', [`c${'a'.repeat(600)}\nb\n.`]],
    ['a persistent id that is no storage', [textOf('x'), 'Q.']],
    ['STACK_GLOBAL of numbers', ['K', 1, 'K', 2, 0x93, '.']],
  ])('refuses %s', (_, parts) => {
    expect(code(...parts)).toBe('checkpoint/pickle');
  });

  it('notices every early end', () => {
    const whole = pickleOf(
      0x80,
      2,
      '}',
      textOf('model'),
      'ccollections\nOrderedDict\n)RsM',
      1,
      2,
      '0.',
    );
    for (let end = 0; end < whole.length; end++) {
      expect(() => unpickle(whole.slice(0, end), torchContext(new Map()))).toThrow(
        expect.objectContaining({ code: 'checkpoint/pickle-truncated' }),
      );
    }
    expect(unpickle(whole, torchContext(new Map())).length).toBe(whole.length);
  });
});

describe('tensors in a pickle', () => {
  const storage = (type: string, count: number): Uint8Array =>
    pickleOf('(', textOf('storage'), `c${type}\n`, textOf('0'), textOf('cpu'), 'K', count, 'tQ');
  const hooks = 'ccollections\nOrderedDict\n)R';
  const sizes = (...values: number[]) => pickleOf('(', ...values.flatMap((v) => ['K', v]), 't');
  const rebuild = (
    count: number,
    offset: number,
    shape: number[],
    strides: number[],
    type = 'torch\nFloatStorage',
  ): Uint8Array =>
    pickleOf(
      'ctorch._utils\n_rebuild_tensor_v2\n(',
      storage(type, count),
      'K',
      offset,
      sizes(...shape),
      sizes(...strides),
      0x89,
      hooks,
      'tR',
    );
  const open = async (tensor: Uint8Array, bytes: Uint8Array) => {
    const pickle = pickleOf(0x80, 2, '}', textOf('t'), tensor, 's.');
    const file = await openTorch(bytesSource(await torchFileOf(pickle, { 0: bytes })));
    expect((file.root as Map<string, unknown>).get('t')).toBeInstanceOf(TorchTensor);
    return file.tensors.get('t')!;
  };
  const six = new Uint8Array(new Float32Array([0, 1, 2, 3, 4, 5]).buffer);

  it.each([
    ['rows', 0, [2, 3], [3, 1], [0, 1, 2, 3, 4, 5]],
    ['a transposed view', 0, [3, 2], [1, 3], [0, 3, 1, 4, 2, 5]],
    ['an offset and gaps', 1, [2, 2], [3, 1], [1, 2, 4, 5]],
    ['a column', 2, [2, 1], [3, 9], [2, 5]],
    ['a repeated row', 3, [2, 3], [0, 1], [3, 4, 5, 3, 4, 5]],
    ['a scalar', 5, [], [], [5]],
    ['three axes turned round', 0, [3, 1, 2], [1, 7, 3], [0, 3, 1, 4, 2, 5]],
    ['nothing', 6, [0, 4], [4, 1], []],
  ])('reads %s', async (_, offset, shape, strides, expected) => {
    const tensor = await open(rebuild(6, offset, shape, strides), six);
    expect(tensor.shape).toEqual(shape);
    expect([...(await tensor.readFloat32())]).toEqual(expected);
  });

  it('reads dtypes that newer versions of PyTorch keep in untyped storages', async () => {
    const tensor = pickleOf(
      'ctorch._utils\n_rebuild_tensor_v3\n(',
      storage('torch.storage\nUntypedStorage', 4),
      'K',
      0,
      sizes(2),
      sizes(1),
      0x89,
      hooks,
      'ctorch\nuint16\n}tR',
    );
    const stored = await open(tensor, new Uint8Array([1, 0, 0, 1]));
    expect(await stored.read()).toEqual(new Uint16Array([1, 256]));
  });

  it('does not let a pickle change the sizes that were checked', async () => {
    // The memo keeps the sizes; a size of 200 is appended to both of them after the tensor is made.
    const tensor = pickleOf(
      'ctorch._utils\n_rebuild_tensor_v2\n(',
      storage('torch\nFloatStorage', 6),
      'K',
      0,
      sizes(6),
      'q',
      0,
      sizes(1),
      'q',
      1,
      0x89,
      hooks,
      'tR(h',
      0,
      'K',
      200,
      'ah',
      1,
      'K',
      1,
      'a1',
    );
    expect((await open(tensor, six)).shape).toEqual([6]);
  });

  it.each([
    ['a view beyond its storage', rebuild(6, 1, [2, 3], [3, 1])],
    ['strides beyond its storage', rebuild(6, 0, [2, 3], [4, 1])],
    ['as many strides as it has not', rebuild(6, 0, [2, 3], [1])],
    ['more repetition than memory', rebuild(6, 0, [255, 255, 255], [0, 0, 0])],
    ['33 sizes', rebuild(6, 0, Array(33).fill(1), Array(33).fill(1))],
    ['a storage that the file has not in full', rebuild(7, 0, [7], [1])],
    ['a storage of another class', rebuild(6, 0, [6], [1], 'argparse\nNamespace')],
    ['a complex storage', rebuild(3, 0, [3], [1], 'torch\nComplexFloatStorage')],
  ])('refuses %s', async (_, tensor) => {
    await expect(open(tensor, six)).rejects.toMatchObject({ name: 'CheckpointError' });
  });
});
