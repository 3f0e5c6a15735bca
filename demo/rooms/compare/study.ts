// The study of this project as the page ships it: its grid, and the cells that are in.
const addresses: Readonly<Record<string, string>> = import.meta.glob(
  ['../../../studies/core-a/results/sweep.json', '../../../studies/core-a/results/cells/*.json'],
  { query: '?url&no-inline', import: 'default', eager: true },
);

/** Addresses of its files, by their paths in the folder of the sweep. */
export const studyAddresses: readonly { readonly path: string; readonly url: string }[] =
  Object.entries(addresses).map(([path, url]) => ({
    path: path.replace(/^.*\/results\//, ''),
    url,
  }));
