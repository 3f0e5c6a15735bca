/** Whether the tests run in a page. */
export const inPage = typeof document !== 'undefined';

export const inDeno = !inPage && 'Deno' in globalThis;

/** Whether the tests run in Node: neither in a page nor under Deno. */
export const inNode = !inPage && !inDeno;

type Skip = (note: string) => void;

/** Skips what no host has code of its own for, where it would cost a browser or Deno many seconds. */
export function inNodeAlone(skip: Skip): void {
  if (!inNode) skip('the same code on every host, tried in Node');
}

/** Skips all but one case of a kind elsewhere than in Node. */
export function onceElsewhere(skip: Skip, chosen: boolean): void {
  if (!inNode && !chosen) skip('one case of its kind runs here, all run in Node');
}
