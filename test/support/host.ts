/** Whether the tests run in a page. */
export const inPage = typeof document !== 'undefined';

/** Whether the tests run in Node: neither in a page nor under Deno. */
export const inNode = !inPage && !('Deno' in globalThis);
