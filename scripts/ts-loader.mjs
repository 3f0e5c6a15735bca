// Module hooks for ts-hooks.mjs: strip types, and turn `?raw` imports into text.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transformWithOxc } from 'vite';

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  const { protocol, pathname, search } = new URL(url);
  if (protocol !== 'file:') return next(url, context);
  const path = fileURLToPath(url);
  if (search === '?raw') {
    const text = await readFile(path, 'utf8');
    return {
      format: 'module',
      shortCircuit: true,
      source: `export default ${JSON.stringify(text)};`,
    };
  }
  if (!pathname.endsWith('.ts')) return next(url, context);
  const { code, map } = await transformWithOxc(await readFile(path, 'utf8'), path, {
    target: 'es2022',
    typescript: { onlyRemoveTypeImports: true },
    sourcemap: true,
  });
  const mapUrl = `data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`;
  return {
    format: 'module',
    shortCircuit: true,
    source: `${code}\n//# sourceMappingURL=${mapUrl}\n`,
  };
}
