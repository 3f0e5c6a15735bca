// The imports of the repository's sources, as dependency-cruiser finds them.
import { cruise } from 'dependency-cruiser';
import { layerOf } from './layers.mjs';
import { root } from './process.mjs';

/**
 * @typedef {object} Import
 * @property {string} from Path from the repository's top.
 * @property {string} to Path from the repository's top.
 * @property {boolean} typeOnly Whether the import vanishes when types are stripped.
 */

/**
 * @typedef {object} Imports
 * @property {readonly Import[]} imports Every import of one source by another.
 * @property {readonly (readonly string[])[]} circles Lists of files that import one another in a
 *   circle at run time.
 */

/**
 * @param {readonly string[]} [folders]
 * @param {string} [baseDir]
 * @returns {Promise<Imports>}
 */
export async function readImports(folders = ['src', 'kernels', 'demo', 'scripts'], baseDir = root) {
  const { output } = await cruise(
    [...folders],
    {
      baseDir,
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
      exclude: { path: '(?:^|/)node_modules/' },
      validate: true,
      ruleSet: {
        forbidden: [
          {
            name: 'circle',
            severity: 'error',
            from: {},
            to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
          },
        ],
      },
    },
    { extensions: ['.ts', '.tsx', '.mjs', '.js'] },
  );
  if (typeof output === 'string') throw new Error('dependency-cruiser gave a text, not a result');
  const imports = output.modules.flatMap(({ source, dependencies }) =>
    dependencies
      .filter(({ coreModule, couldNotResolve }) => !coreModule && !couldNotResolve)
      .map(({ resolved, dependencyTypes }) => ({
        from: source,
        to: resolved.replace(/\?.*$/, ''),
        typeOnly: dependencyTypes.includes('type-only'),
      })),
  );
  const circles = output.summary.violations.map(({ from, cycle = [] }) => [
    from,
    ...cycle.map(({ name }) => name),
  ]);
  return { imports, circles };
}

/**
 * The imports between layers.
 *
 * @param {readonly Import[]} imports
 * @returns {Map<string, Map<string, boolean>>} By importing layer, then by imported layer: whether
 *   only types are imported.
 */
export function betweenLayers(imports) {
  /** @type {Map<string, Map<string, boolean>>} */
  const found = new Map();
  for (const { from, to, typeOnly } of imports) {
    const [importer, imported] = [layerOf(from), layerOf(to)];
    if (importer === undefined || imported === undefined || importer === imported) continue;
    let own = found.get(importer);
    if (!own) found.set(importer, (own = new Map()));
    own.set(imported, (own.get(imported) ?? true) && typeOnly);
  }
  return found;
}
