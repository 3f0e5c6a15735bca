import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The file beside a bundle that names what is bundled. */
export const noticesFile = 'THIRD-PARTY-NOTICES.txt';

/** Licence texts, and the notices that some licences ask to be passed on. */
const legal = /^(?:licen[cs]e|copying|notice)(?:\.(?:md|txt))?$/i;

/**
 * The folder of the package that a module belongs to; undefined for modules of this repository.
 *
 * @param {string} id
 */
function packageOf(id) {
  const path = (id.split('?')[0] ?? '').replaceAll('\\', '/');
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

/**
 * @param {string} folder
 * @returns {string} Name, version, licence and texts of a package.
 */
function noticeOf(folder) {
  /** @type {{ name: string, version: string, license?: string }} */
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const texts = readdirSync(folder).filter((file) => legal.test(file));
  if (license === undefined || texts.length === 0) {
    throw new Error(`${name} ${version} is bundled and has no licence file in ${folder}`);
  }
  const title = `${name} ${version} (${license})`;
  const parts = texts.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [title, '-'.repeat(title.length), '', parts.join('\n\n')].join('\n');
}

/**
 * Plugins that write the licences of all packages in a bundle and its workers beside the bundle. The
 * plugin of the workers runs in each worker's own build, which ends before the page's does.
 *
 * @returns {{ readonly page: import('vite').Plugin, readonly worker: () => import('vite').Plugin[] }}
 * @throws Error, when the bundle is written, for a package without a licence.
 */
export function notices() {
  /** @type {Set<string>} */
  const folders = new Set();
  /** @param {import('vite').Rolldown.OutputBundle} bundle */
  const collect = (bundle) => {
    for (const output of Object.values(bundle)) {
      if (output.type !== 'chunk') continue;
      for (const folder of output.moduleIds.map(packageOf)) if (folder) folders.add(folder);
    }
  };
  return {
    page: {
      name: 'notices',
      apply: 'build',
      generateBundle(_, bundle) {
        collect(bundle);
        const texts = [...new Set([...folders].map(noticeOf))].sort();
        const source = `Software of others in this folder, with its licences.\n\n${texts.join('\n\n\n')}\n`;
        this.emitFile({ type: 'asset', fileName: noticesFile, source });
      },
    },
    worker: () => [{ name: 'notices-of-workers', generateBundle: (_, bundle) => collect(bundle) }],
  };
}
