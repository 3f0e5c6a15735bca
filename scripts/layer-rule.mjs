// The lint rule that enforces scripts/layers.mjs: a plugin of Oxlint in ESLint's form.
import { posix, relative, sep } from 'node:path';
import { layerOf, layers } from './layers.mjs';

/** Folders in which every file belongs to a layer. */
const layered = /^(?:src|kernels|demo)\//;

/**
 * The reason why a file may not import another; undefined for an allowed import.
 *
 * @param {string} importer Path from the repository's top.
 * @param {string} specifier The import's specifier, as written.
 */
export function refusal(importer, specifier) {
  if (!layered.test(importer) || !/^\.{1,2}\/./.test(specifier)) return undefined;
  const from = layerOf(importer);
  if (from === undefined) return undefined; // `Program` reports the file itself
  const imported = posix.join(posix.dirname(importer), specifier.replace(/\?.*$/, ''));
  // JSON files at the top belong to no layer.
  if (!imported.includes('/') && imported.endsWith('.json')) return undefined;
  const to = layerOf(imported);
  if (to === undefined) return `${from} may not import ${imported}, which is in no layer`;
  if (to === from || layers[from]?.imports.includes(to)) return undefined;
  return `${from} may not import ${to}: see scripts/layers.mjs`;
}

/**
 * What the rule reads of a syntax tree.
 *
 * @typedef {{ type: string, value?: unknown }} Source
 * @typedef {{ source?: Source | null }} Importing
 */

const layerRule = {
  meta: { type: 'problem', schema: [] },
  /** @param {{ filename: string, cwd: string, report(of: { node: object, message: string }): void }} context */
  create(context) {
    const importer = relative(context.cwd, context.filename).split(sep).join('/');
    /** @param {Source | null | undefined} source */
    const check = (source) => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const message = refusal(importer, source.value);
      if (message !== undefined) context.report({ node: source, message });
    };
    /** @param {Importing} node */
    const checkSource = ({ source }) => check(source);
    return {
      /** @param {object} node */
      Program(node) {
        if (layered.test(importer) && layerOf(importer) === undefined) {
          context.report({ node, message: `${importer} is in no layer: see scripts/layers.mjs` });
        }
      },
      ImportDeclaration: checkSource,
      ExportNamedDeclaration: checkSource,
      ExportAllDeclaration: checkSource,
      ImportExpression: checkSource,
      // The type `import('./x.ts').X`.
      TSImportType: checkSource,
      /**
       * A worker: `new URL('./x.worker.ts', import.meta.url)`.
       *
       * @param {{ arguments: Source[] }} node
       */
      "NewExpression[callee.name='URL']": ({ arguments: [source] }) => {
        // Other URLs name data, which belongs to no layer.
        if (source?.type === 'Literal' && /\.ts$/.test(String(source.value))) check(source);
      },
    };
  },
};

export default { meta: { name: 'limr' }, rules: { layers: layerRule } };
