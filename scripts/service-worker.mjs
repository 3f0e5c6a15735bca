// Writes the service worker of the built page: it knows every file of the build by its digest, and its
// version is the digest of them all.
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'vite';
import { walk } from './dist.mjs';
import { root } from './process.mjs';

/** What the page needs without a network: scripts, styles, recordings, the base of the first preset. */
const first =
  /^(?:index\.html|verifier-frame\.html|manifest\.webmanifest|icon[\w-]*\.(?:svg|png)|replays\/[\w-]+\.(?:json|limr)|assets\/[^/]+\.(?:js|css|wasm)|assets\/arithmetic-[\w-]{8}\.safetensors)$/;

/** @param {string} path */
const digestOf = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

/**
 * The files of a built page with their digests: what is kept at once, and what once it was read.
 *
 * @param {string} folder
 */
export function filesOf(folder) {
  const all = walk(folder)
    .filter((path) => statSync(path).isFile())
    .map((path) => ({ name: relative(folder, path).replaceAll('\\', '/'), path }))
    .filter(({ name }) => name !== 'sw.js')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, path }) => /** @type {const} */ ([name, digestOf(path)]));
  return {
    kept: Object.fromEntries(all.filter(([name]) => first.test(name))),
    later: Object.fromEntries(all.filter(([name]) => !first.test(name))),
    version: createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 12),
  };
}

/** @param {string} folder The built page; `sw.js` goes there. */
export async function writeServiceWorker(folder) {
  const { kept, later, version } = filesOf(folder);
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    define: {
      KEPT: JSON.stringify(kept),
      KEPT_LATER: JSON.stringify(later),
      VERSION: JSON.stringify(version),
    },
    build: {
      target: 'es2022',
      outDir: folder,
      emptyOutDir: false,
      copyPublicDir: false,
      rolldownOptions: {
        checks: { bundlerTimings: false },
        input: join(root, 'demo/offline/sw.ts'),
        output: { format: 'es', entryFileNames: 'sw.js' },
      },
    },
  });
}
