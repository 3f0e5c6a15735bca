// npm run picture: draws the real imports between layers into docs/architecture.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { betweenLayers, readImports } from './imports.mjs';
import { layers } from './layers.mjs';
import { root } from './process.mjs';

export const page = join(root, 'docs/architecture.md');

/** @param {string} name Name of a layer. */
const idOf = (name) => name.replaceAll(/[^a-z]/g, '_');

/**
 * The layers in order with their imports, as a table and as a drawing. The drawing leaves out an
 * arrow to a layer that is also reached through another import.
 *
 * @param {ReadonlyMap<string, ReadonlyMap<string, boolean>>} between Result of `betweenLayers`.
 */
export function drawing(between) {
  const names = Object.keys(layers);
  /** @type {Map<string, Set<string>>} Layers that a layer reaches. */
  const reached = new Map();
  const arrows = [];
  for (const name of names) {
    const own = [...(between.get(name)?.keys() ?? [])];
    const further = new Set(own.flatMap((other) => [...(reached.get(other) ?? [])]));
    reached.set(name, new Set([...own, ...further]));
    for (const other of own.filter((candidate) => !further.has(candidate)).sort()) {
      const line = between.get(name)?.get(other) ? '-.->' : '-->';
      arrows.push(`  ${idOf(name)} ${line} ${idOf(other)}`);
    }
  }
  const boxes = names.map((name) => `  ${idOf(name)}["${name.replace(/^src\//, '')}"]`);
  const rows = names.map((name) => {
    const own = [...(between.get(name)?.keys() ?? [])].sort().map((other) => `\`${other}\``);
    return `| \`${name}\` | ${layers[name]?.is ?? ''} | ${own.join(', ')} |`;
  });
  return [
    '```mermaid',
    'flowchart BT',
    ...boxes,
    ...arrows,
    '```',
    '',
    '| layer | contents | imports |',
    '|---|---|---|',
    ...rows,
  ].join('\n');
}

const [begin, end] = ['<!-- drawn by npm run picture -->', '<!-- end of the drawing -->'];

/**
 * A page with its drawing replaced.
 *
 * @param {string} text
 * @param {string} drawn
 * @throws Error when the page has no place for a drawing.
 */
export function withDrawing(text, drawn) {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${page}: no place for the drawing`);
  return `${text.slice(0, from + begin.length)}\n\n${drawn}\n\n${text.slice(to)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { imports } = await readImports();
  writeFileSync(page, withDrawing(readFileSync(page, 'utf8'), drawing(betweenLayers(imports))));
}
