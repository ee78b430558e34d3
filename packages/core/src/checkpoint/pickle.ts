import { CheckpointError } from '../errors/errors.js';
import { quote, refuse } from './refuse.js';

/**
 * A name that a pickle may refer to. `call` stands for calling it: it builds inert data and runs
 * nothing of the file's choosing. A global without `call` can only be mentioned.
 */
export class PickleGlobal {
  constructor(
    readonly name: string,
    readonly call?: (args: readonly unknown[]) => unknown,
  ) {}
}

/** An object of a known class that is kept as data: its constructor's arguments and its state. */
export class InertObject {
  state: unknown;
  constructor(
    readonly className: string,
    readonly args: readonly unknown[],
  ) {}
}

/** The closed world of a pickle. */
export interface PickleContext {
  /** The global of that name, or undefined: then the pickle is refused. */
  global(name: string): PickleGlobal | undefined;
  /** What a persistent id stands for. */
  persistent(id: unknown): unknown;
}

/** What a pickle holds: dicts are `Map`s, lists and tuples arrays, ints beyond 2⁵³ bigints. */
export interface Unpickled {
  readonly value: unknown;
  /** Bytes up to and including the pickle's STOP. */
  readonly length: number;
}

/** Memory that the values of one pickle may take, estimated from above. */
const MAX_VALUE_BYTES = 24 * 2 ** 20;
const COST = { step: 16, memo: 64, list: 64, dict: 256, entry: 64 } as const;
const MAX_INTEGER_BYTES = 1024;
const MAX_GLOBAL_BYTES = 512;

/** The pickle goes on behind the given bytes. */
export class PickleTruncated extends CheckpointError {}

/**
 * Interprets a pickle of protocol 2 to 5 with a closed table of globals.
 *
 * Data only: no import, no attribute, no call but those of the table; no recursion, every opcode
 * costs time and memory in proportion to its own bytes, and what is built is counted. Throws a
 * `CheckpointError`: `checkpoint/pickle-global` for a name outside the table (naming it),
 * `checkpoint/pickle-too-large`, `checkpoint/pickle-truncated`, `checkpoint/pickle` for the rest.
 */
export function unpickle(bytes: Uint8Array, context: PickleContext): Unpickled {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: unknown[] = [];
  const marks: number[] = [];
  const memo = new Map<number, unknown>();
  let at = 0;
  let cost = 0;

  const charge = (amount: number): void => {
    cost += amount;
    if (cost > MAX_VALUE_BYTES) {
      refuse(
        'pickle-too-large',
        'unpickle',
        `values of at most ${MAX_VALUE_BYTES} bytes`,
        `more, ${at} bytes into the pickle`,
        'Save the state dict alone.',
      );
    }
  };
  /** Moves past the next `count` bytes and returns where they begin. */
  const advance = (count: number): number => {
    if (count > bytes.byteLength - at) {
      throw new PickleTruncated({
        code: 'checkpoint/pickle-truncated',
        where: 'unpickle',
        expected: `${count} bytes at ${at}`,
        got: `${bytes.byteLength - at}`,
        fix: 'The file is truncated or damaged.',
      });
    }
    at += count;
    return at - count;
  };
  const u8 = (): number => bytes[advance(1)]!;
  const u32 = (): number => view.getUint32(advance(4), true);
  const u64 = (): number => Number(view.getBigUint64(advance(8), true));
  const slice = (count: number): Uint8Array => {
    const start = advance(count);
    charge(2 * count);
    return bytes.subarray(start, start + count);
  };
  const push = (value: unknown): void => {
    stack.push(value);
  };
  const pop = (): unknown => {
    if (stack.length <= (marks.at(-1) ?? 0)) invalid('an empty stack');
    return stack.pop();
  };
  const top = (): unknown => {
    if (stack.length <= (marks.at(-1) ?? 0)) invalid('an empty stack');
    return stack.at(-1);
  };
  const popMark = (): unknown[] => {
    const mark = marks.pop();
    if (mark === undefined) return invalid('no mark');
    charge(16 * (stack.length - mark));
    return stack.splice(mark);
  };
  const list = (items: unknown[]): void => {
    charge(COST.list + 16 * items.length);
    push(items);
  };
  const popTuple = (length: number): void => {
    if (stack.length - length < (marks.at(-1) ?? 0)) invalid('an empty stack');
    list(stack.splice(-length));
  };
  const append = (items: unknown[]): void => {
    const target = top();
    if (!Array.isArray(target)) invalid('appending to no list');
    charge(16 * items.length);
    for (const item of items) target.push(item);
  };
  const fill = (target: unknown, items: unknown[]): void => {
    if (!(target instanceof Map) || items.length % 2 === 1) invalid('items for no dict');
    charge(COST.entry * items.length);
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  };
  const dict = (items: unknown[]): void => {
    charge(COST.dict);
    const target = new Map<unknown, unknown>();
    fill(target, items);
    push(target);
  };
  const set = (items: unknown[]): void => {
    charge(COST.dict + COST.entry * items.length);
    push(new Set(items));
  };
  const remember = (index: number): void => {
    charge(COST.memo);
    memo.set(index, top());
  };
  const recall = (index: number): void => {
    if (!memo.has(index)) invalid(`memo ${index}, which was never set`);
    push(memo.get(index));
  };
  const line = (): string => {
    const end = bytes.subarray(at, at + MAX_GLOBAL_BYTES).indexOf(0x0a);
    if (end < 0 && bytes.byteLength - at > MAX_GLOBAL_BYTES) invalid('a name without an end');
    const text = utf8(slice(end < 0 ? bytes.byteLength - at + 1 : end));
    advance(1);
    return text;
  };
  const global = (module: unknown, name: unknown): void => {
    if (typeof module !== 'string' || typeof name !== 'string') invalid('a global unnamed');
    const full = `${module}.${name}`;
    const found = context.global(full);
    if (!found) {
      refuse(
        'pickle-global',
        'unpickle',
        'a pickle of tensors and plain data',
        `the global ${quote(full)}`,
        'Nothing is called or imported for a file. Save the state dict alone: torch.save(model.state_dict(), path).',
      );
    }
    push(found);
  };
  const call = (): void => {
    const args = pop();
    const target = pop();
    if (!Array.isArray(args) || !(target instanceof PickleGlobal) || !target.call)
      invalid('a call');
    charge(COST.dict);
    for (const arg of args) charge(Array.isArray(arg) ? COST.entry * arg.length : COST.step);
    push(target.call(args));
  };
  const build = (): void => {
    const state = pop();
    const target = top();
    // The attributes of an OrderedDict (`_metadata` of a state dict) are not part of the data.
    if (target instanceof Map) return;
    if (!(target instanceof InertObject)) invalid('state for a plain value');
    target.state = state;
  };

  for (;;) {
    charge(COST.step);
    const opcode = u8();
    switch (opcode) {
      case 0x80: {
        const protocol = u8();
        if (protocol < 2 || protocol > 5) invalid(`protocol ${protocol}`);
        break;
      }
      case 0x95: // FRAME
        u64();
        break;
      case 0x2e: // STOP
        return { value: pop(), length: at };
      case 0x28: // MARK
        marks.push(stack.length);
        break;
      case 0x30: // POP
        pop();
        break;
      case 0x31: // POP_MARK
        popMark();
        break;
      case 0x32: // DUP
        push(top());
        break;
      case 0x4e: // NONE
        push(null);
        break;
      case 0x88: // NEWTRUE
        push(true);
        break;
      case 0x89: // NEWFALSE
        push(false);
        break;
      case 0x4a: // BININT
        push(view.getInt32(advance(4), true));
        break;
      case 0x4b: // BININT1
        push(u8());
        break;
      case 0x4d: // BININT2
        push(view.getUint16(advance(2), true));
        break;
      case 0x8a: // LONG1
        push(integer(slice(u8())));
        break;
      case 0x8b: // LONG4
        push(integer(slice(u32())));
        break;
      case 0x47: // BINFLOAT
        push(view.getFloat64(advance(8), false));
        break;
      case 0x58: // BINUNICODE
        push(utf8(slice(u32())));
        break;
      case 0x8c: // SHORT_BINUNICODE
        push(utf8(slice(u8())));
        break;
      case 0x8d: // BINUNICODE8
        push(utf8(slice(u64())));
        break;
      case 0x42: // BINBYTES
        push(slice(u32()).slice());
        break;
      case 0x43: // SHORT_BINBYTES
        push(slice(u8()).slice());
        break;
      case 0x8e: // BINBYTES8
        push(slice(u64()).slice());
        break;
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        list([]);
        break;
      case 0x6c: // LIST
      case 0x74: // TUPLE
        list(popMark());
        break;
      case 0x7d: // EMPTY_DICT
        dict([]);
        break;
      case 0x64: // DICT
        dict(popMark());
        break;
      case 0x8f: // EMPTY_SET
        set([]);
        break;
      case 0x91: // FROZENSET
        set(popMark());
        break;
      case 0x85: // TUPLE1 … TUPLE3
      case 0x86:
      case 0x87:
        popTuple(opcode - 0x84);
        break;
      case 0x61: // APPEND
        append([pop()]);
        break;
      case 0x65: // APPENDS
        append(popMark());
        break;
      case 0x73: {
        const value = pop(); // SETITEM
        const key = pop();
        fill(top(), [key, value]);
        break;
      }
      case 0x75: {
        const items = popMark(); // SETITEMS
        fill(top(), items);
        break;
      }
      case 0x90: {
        const items = popMark(); // ADDITEMS
        const target = top();
        if (!(target instanceof Set)) return invalid('items for no set');
        charge(COST.entry * items.length);
        for (const item of items) target.add(item);
        break;
      }
      case 0x71: // BINPUT
        remember(u8());
        break;
      case 0x72: // LONG_BINPUT
        remember(u32());
        break;
      case 0x94: // MEMOIZE
        remember(memo.size);
        break;
      case 0x68: // BINGET
        recall(u8());
        break;
      case 0x6a: // LONG_BINGET
        recall(u32());
        break;
      case 0x63: // GLOBAL
        global(line(), line());
        break;
      case 0x93: {
        const name = pop(); // STACK_GLOBAL
        global(pop(), name);
        break;
      }
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        call();
        break;
      case 0x62: // BUILD
        build();
        break;
      case 0x51: // BINPERSID
        push(context.persistent(pop()));
        break;
      default:
        invalid(`opcode 0x${opcode.toString(16)} at ${at - 1}`);
    }
  }
}

function integer(bytes: Uint8Array): number | bigint {
  if (bytes.byteLength > MAX_INTEGER_BYTES) invalid(`an integer of ${bytes.byteLength} bytes`);
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  value = BigInt.asIntN(8 * bytes.byteLength, value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return invalid('a string that is not UTF-8');
  }
}

function invalid(got: string): never {
  return refuse(
    'pickle',
    'unpickle',
    'a pickle of protocol 2 to 5',
    got,
    'The file is damaged, or holds more than tensors and plain data.',
  );
}
