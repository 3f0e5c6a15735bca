// The study of this project as the page ships it: its grid, and the cells that are in.
import sweep from '../../../studies/core-a/results/sweep.json?url&no-inline';

const cells: Readonly<Record<string, string>> = import.meta.glob(
  '../../../studies/core-a/results/cells/*.json',
  { query: '?url&no-inline', import: 'default', eager: true },
);

/** Addresses of its files, by their paths in the folder of the sweep. */
export const studyAddresses: readonly { readonly path: string; readonly url: string }[] = [
  { path: 'sweep.json', url: sweep },
  ...Object.entries(cells).map(([path, url]) => ({
    path: `cells/${path.split('/').at(-1) ?? ''}`,
    url,
  })),
];
