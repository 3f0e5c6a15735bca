import { Bundle, isBundle } from '../bundle/bundle.ts';
import { bytesSource } from '../formats/byte-source.ts';
import { type ImportFiles, readWith } from './import-files.ts';

/**
 * The same files, in which each bundle among some paths is a folder with the bundle's files.
 *
 * @throws FormatError naming a bundle and the file in it that is at fault.
 */
export async function withBundles(
  from: ImportFiles,
  paths: readonly string[],
): Promise<ImportFiles> {
  const bundles = new Map<string, Bundle>();
  for (const path of paths) {
    if ((await from.info(path))?.kind !== 'file') continue;
    const bundle = await readWith(from, path, async (source) =>
      (await isBundle(source)) ? Bundle.open(source) : undefined,
    );
    if (bundle) bundles.set(path, bundle);
  }
  if (bundles.size === 0) return from;
  /** The bundle that a path leads into, and the path inside it. */
  const placeOf = (path: string): readonly [Bundle, string] | undefined => {
    const own = bundles.get(path.replace(/\/+$/, ''));
    if (own) return [own, ''];
    for (const [at, bundle] of bundles) {
      if (path.startsWith(`${at}/`)) {
        return [bundle, path.slice(at.length + 1).replace(/^\/+|\/+$/g, '')];
      }
    }
    return undefined;
  };
  return {
    info(path) {
      const place = placeOf(path);
      if (!place) return from.info(path);
      const [bundle, inside] = place;
      if (bundle.size(inside) !== undefined) return Promise.resolve({ kind: 'file' });
      const isFolder = inside === '' || bundle.paths.some((one) => one.startsWith(`${inside}/`));
      return Promise.resolve(isFolder ? { kind: 'directory' } : undefined);
    },
    list(path) {
      const place = placeOf(path);
      if (!place) return from.list(path);
      const [bundle, inside] = place;
      const prefix = inside === '' ? '' : `${inside}/`;
      const names = bundle.paths
        .filter((one) => one.startsWith(prefix))
        .map((one) => one.slice(prefix.length).replace(/\/.*$/, ''));
      return Promise.resolve([...new Set(names)].sort());
    },
    async open(path) {
      const place = placeOf(path);
      if (!place) return from.open(path);
      const [bundle, inside] = place;
      const bytes = bundle.read(inside);
      if (!bytes) throw new RangeError(`${path}: no such file`);
      return { ...bytesSource(path, bytes), close: () => Promise.resolve() };
    },
  };
}
