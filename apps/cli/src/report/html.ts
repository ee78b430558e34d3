import type { RgbImage } from '@imglish/core';
import { encodePng } from '@imglish/tokenizers';

export function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

/** A picture inside the page, each pixel shown `scale` times. */
export function imageTag(image: RgbImage, scale: number, title = ''): string {
  const base64 = Buffer.from(encodePng(image)).toString('base64');
  return `<img width="${image.width * scale}" height="${image.height * scale}" alt="${escapeHtml(title)}" title="${escapeHtml(title)}" src="data:image/png;base64,${base64}">`;
}

/** A table; cells are HTML already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${line(head, 'th')}</thead><tbody>${rows.map((row) => line(row, 'td')).join('\n')}</tbody></table>`;
}

/** A page that needs nothing besides itself; `head` is added to its head. */
export function page(title: string, body: string, head = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 980px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; } th, td { padding: .3rem .7rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: middle; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { max-width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: currentColor; } svg .title { font-size: 13px; font-weight: 600; } svg .grid { stroke: var(--line); }
img { image-rendering: pixelated; border-radius: 4px; vertical-align: middle; }
.blank { background: var(--soft); border-radius: 4px; padding: 0 .3em; } .right { color: #2a8a3e; } .wrong { color: #b4482f; }
.bar { display: inline-block; height: .6em; background: #4c7bd9; border-radius: 2px; margin-right: .4em; }
.guesses + .guesses { border-top: 1px dashed var(--line); margin-top: .25rem; padding-top: .25rem; } img { outline: 1px solid var(--line); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 1rem; } .card { margin: 0; padding: .7rem; border: 1px solid var(--line); border-radius: 6px; } .card figcaption { opacity: 1; } .card p { margin: .35rem 0 0; } .asked { font-style: italic; } .own img { outline: 3px solid #2a8a3e; }
.note { opacity: .75; font-size: .9em; } figure { display: inline-block; margin: 0 1rem 1rem 0; } figcaption { font-size: .8em; opacity: .75; }
</style>
${head}</head>
<body>
${body}
</body>
</html>
`;
}
