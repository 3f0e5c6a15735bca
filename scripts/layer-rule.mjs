// The ESLint rule that holds scripts/layers.mjs.
import { posix, relative, sep } from 'node:path';
import { layerOf, layers } from './layers.mjs';
import { root } from './process.mjs';

/** Folders whose every file has a layer. */
const layered = /^(?:src|kernels|demo)\//;

/**
 * Why a file may not import another; undefined where the file may.
 *
 * @param {string} importer From the repository's top.
 * @param {string} specifier Of the import, as written.
 */
export function refusal(importer, specifier) {
  if (!layered.test(importer) || !/^\.{1,2}\/./.test(specifier)) return undefined;
  const from = layerOf(importer);
  if (from === undefined) return undefined; // `Program` reports the file itself.
  const imported = posix.join(posix.dirname(importer), specifier.replace(/\?.*$/, ''));
  // Data at the top belongs to nobody.
  if (!imported.includes('/') && imported.endsWith('.json')) return undefined;
  const to = layerOf(imported);
  if (to === undefined) return `${from} may not import ${imported}, which is in no layer`;
  if (to === from || layers[from]?.imports.includes(to)) return undefined;
  return `${from} may not import ${to}: see scripts/layers.mjs`;
}

/** @type {import('eslint').Rule.RuleModule} */
export const layerRule = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const importer = relative(root, context.filename).split(sep).join('/');
    /** @param {import('estree').Node | null | undefined} source */
    const check = (source) => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const message = refusal(importer, source.value);
      if (message !== undefined) context.report({ node: source, message });
    };
    return {
      Program(node) {
        if (layered.test(importer) && layerOf(importer) === undefined) {
          context.report({ node, message: `${importer} is in no layer: see scripts/layers.mjs` });
        }
      },
      ImportDeclaration: ({ source }) => check(source),
      ExportNamedDeclaration: ({ source }) => check(source),
      ExportAllDeclaration: ({ source }) => check(source),
      ImportExpression: ({ source }) => check(source),
      // The type `import('./x.ts').X`, which ESLint's own tree does not know.
      TSImportType: (/** @type {{ source: import('estree').Node }} */ { source }) => check(source),
      // A worker: `new URL('./x.worker.ts', import.meta.url)`.
      "NewExpression[callee.name='URL']": (
        /** @type {import('estree').NewExpression} */ { arguments: [source] },
      ) => {
        // Other addresses are of data, which no layer owns.
        if (source?.type === 'Literal' && /\.ts$/.test(String(source.value))) check(source);
      },
    };
  },
};
