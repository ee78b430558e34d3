import type { Graph, Node, Value } from './graph.js';
import { describe, labels, showAttribute } from './show.js';

const BOX = { width: 190, height: 40, gapX: 24, gapY: 34 };
const FONT = 'font-family="system-ui, sans-serif"';

/** A box of the picture: an input, a node, an output. */
interface Box {
  title: string;
  detail: string;
  /** Shown when one points at it. */
  hint: string;
  fill: string;
  row: number;
  column: number;
}

/**
 * The graph as an SVG picture, from inputs at the top to outputs at the bottom. Parameters and
 * constants are named in the boxes that use them, and have none of their own.
 */
export function drawGraph(graph: Graph): string {
  const label = labels(graph);
  const boxes = new Map<object, Box>();
  const makers = new Map<Value, object>();
  const edges: [from: object, to: object][] = [];
  const rowLengths: number[] = [];
  const place = (
    key: object,
    row: number,
    before: readonly Box[],
    box: Omit<Box, 'row' | 'column'>,
  ) => {
    // Below what it reads, or the next free place to the right.
    const wanted =
      before.length > 0 ? before.reduce((sum, { column }) => sum + column, 0) / before.length : 0;
    const column = Math.max(rowLengths[row] ?? 0, Math.round(wanted));
    rowLengths[row] = column + 1;
    boxes.set(key, { ...box, row, column });
  };
  for (const named of graph.inputs) {
    makers.set(named.value, named);
    place(named, 0, [], {
      title: named.name,
      detail: describe(named.value),
      hint: 'input',
      fill: '#dbeafe',
    });
  }
  for (const node of graph.nodes) {
    const before = [
      ...new Set(Object.values(node.inputs).flatMap((value) => makers.get(value) ?? [])),
    ];
    for (const from of before) edges.push([from, node]);
    for (const output of node.outputs) makers.set(output, node);
    const above = before.map((key) => boxes.get(key)!);
    place(node, 1 + Math.max(0, ...above.map(({ row }) => row)), above, {
      title: node.kernel,
      detail: describe(node.outputs[0]!),
      hint: hintOf(node, label),
      fill:
        node.kernel.startsWith('Imglish') || node.kernel === 'BatchMatMul' ? '#fde68a' : '#f8fafc',
    });
  }
  const last = rowLengths.length;
  for (const output of graph.outputs) {
    const from = makers.get(output.value);
    if (from) edges.push([from, output]);
    const above = from ? [boxes.get(from)!] : [];
    place(output, last, above, {
      title: output.name,
      detail: describe(output.value),
      hint: 'output',
      fill: '#dcfce7',
    });
  }
  const columns = Math.max(1, ...rowLengths);
  const width = columns * (BOX.width + BOX.gapX) + BOX.gapX;
  const height = rowLengths.length * (BOX.height + BOX.gapY) + BOX.gapY;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escaped(graph.name)}</title><rect width="100%" height="100%" fill="white"/>`,
    ...edges.map(([from, to]) => drawEdge(boxes.get(from)!, boxes.get(to)!)),
    ...[...boxes.values()].map(drawBox),
    '</svg>',
  ].join('\n');
}

function hintOf({ inputs, attributes, outputs }: Node, label: (value: Value) => string): string {
  return [
    ...Object.entries(inputs).map(([name, value]) => `${name}: ${label(value)} ${describe(value)}`),
    ...Object.entries(attributes).map(([name, value]) => `${name} = ${showAttribute(value)}`),
    ...outputs.map((value) => `→ ${describe(value)}`),
  ].join('\n');
}

const left = ({ column }: Box) => BOX.gapX + column * (BOX.width + BOX.gapX);
const top = ({ row }: Box) => BOX.gapY / 2 + row * (BOX.height + BOX.gapY);

function drawEdge(from: Box, to: Box): string {
  const [x1, y1] = [left(from) + BOX.width / 2, top(from) + BOX.height];
  const [x2, y2] = [left(to) + BOX.width / 2, top(to)];
  const bend = (y2 - y1) / 2;
  return `<path d="M${x1} ${y1} C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}" fill="none" stroke="#94a3b8"/>`;
}

function drawBox(box: Box): string {
  const [x, y] = [left(box), top(box)];
  return [
    `<g><title>${escaped(box.hint)}</title>`,
    `<rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="6" fill="${box.fill}" stroke="#475569"/>`,
    `<text x="${x + BOX.width / 2}" y="${y + 16}" text-anchor="middle" font-size="12" font-weight="600" ${FONT}>${escaped(box.title)}</text>`,
    `<text x="${x + BOX.width / 2}" y="${y + 31}" text-anchor="middle" font-size="10" fill="#475569" ${FONT}>${escaped(box.detail)}</text></g>`,
  ].join('');
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
}
