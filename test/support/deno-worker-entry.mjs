// First module of a worker under Deno: see deno-workers.ts.
import { readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';

// The installed typings of Node lack `registerHooks`.
const hooks = /** @type {{ registerHooks(hooks: { load: Load }): void }} */ (
  /** @type {unknown} */ (nodeModule)
);

/**
 * @typedef {(url: string, context: object, next: (url: string, context: object) => object) => object} Load
 */
hooks.registerHooks({
  load(url, context, next) {
    if (!url.endsWith('?raw')) return next(url, context);
    const text = readFileSync(new URL(url.slice(0, -4)), 'utf8');
    return {
      format: 'module',
      shortCircuit: true,
      source: `export default ${JSON.stringify(text)};`,
    };
  },
});

await import(new URL(import.meta.url).searchParams.get('source') ?? '');
