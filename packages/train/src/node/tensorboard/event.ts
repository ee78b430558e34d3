/** What a TensorBoard event says: which format follows, from which step on it counts, or numbers. */
export type EventContent =
  | { readonly fileVersion: string }
  /** Steps from the event's own on in earlier files do not count any more. */
  | { readonly sessionStart: true }
  | { readonly scalars: Readonly<Record<string, number>> };

/**
 * A `tensorflow.Event` in protocol buffers (tensorflow/core/util/event.proto, framework/summary.proto).
 *
 * @param wallTime seconds since 1970
 */
export function event(wallTime: number, step: number, content: EventContent): Uint8Array {
  return message([double(1, wallTime), varint(2, step), contentField(content)]);
}

function contentField(content: EventContent): number[] {
  if ('fileVersion' in content) return text(3, content.fileVersion);
  // SessionLog { status = START }
  if ('sessionStart' in content) return bytes(7, varint(1, 1));
  const values = Object.entries(content.scalars).map(([tag, value]) =>
    bytes(1, [...text(1, tag), ...float(2, value)]),
  );
  return bytes(5, values.flat());
}

function message(fields: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(fields.flat());
}

const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5] as const;

function varint(field: number, value: number): number[] {
  return [(field << 3) | VARINT, ...varintBytes(value)];
}

function varintBytes(value: number): number[] {
  const result: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) result.push((rest % 128) + 128);
  return [...result, rest];
}

function double(field: number, value: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return [(field << 3) | FIXED64, ...new Uint8Array(view.buffer)];
}

function float(field: number, value: number): number[] {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value, true);
  return [(field << 3) | FIXED32, ...new Uint8Array(view.buffer)];
}

function text(field: number, value: string): number[] {
  return bytes(field, [...new TextEncoder().encode(value)]);
}

function bytes(field: number, value: readonly number[]): number[] {
  return [(field << 3) | LENGTH, ...varintBytes(value.length), ...value];
}
