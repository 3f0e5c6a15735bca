// npm run build: the importable package in dist/ and the static demo in dist-demo/.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import { dist, stamp, walk } from './dist.mjs';
import { notices } from './notices.mjs';
import { modulePath, root } from './process.mjs';
import { writeServiceWorker } from './service-worker.mjs';

const help = `npm run build [-- options]

  --library   only dist/: ES modules with the WGSL inlined, and their types
  --demo      only dist-demo/: the page, for any static host
`;

/** @returns {string[]} The roots of module graphs: the API, the command, the workers. */
function entries() {
  const workers = walk(join(root, 'src')).filter((path) => /\.worker\.ts$/.test(path));
  const main = ['index', 'playwright', 'bases/shipped', 'cli/main'];
  const subpaths = ['lim', 'model', 'browser'].map((name) => `entries/${name}`);
  const named = [...main, ...subpaths].map((name) => join(root, `src/${name}.ts`));
  return [...named, ...workers].filter((path) => existsSync(path));
}

/**
 * @type {{
 *   version: string,
 *   dependencies: Record<string, string>,
 *   peerDependencies: Record<string, string>,
 * }}
 */
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * Replaces the manifest by its version, the only field that the command reads.
 *
 * @type {import('vite').Plugin}
 */
const versionAlone = {
  name: 'version-alone',
  enforce: 'pre',
  resolveId: (source) => (/\/package\.json$/.test(source) ? '\0version' : null),
  load: (id) =>
    id === '\0version' ? `export default ${JSON.stringify({ version: manifest.version })};` : null,
};

/** Modules that run only in Node and Deno; the page's graph leaves them out. */
const notForPages = /\/src\/cli\/(?:doctor|node-system|chromium-host|reward-server)\.ts$/;

/**
 * Builds the commands for a page (`--host chromium`), as few files with stable names.
 *
 * @param {string} outDir
 */
function buildPage(outDir) {
  const bundled = notices();
  return build({
    configFile: false,
    root,
    base: './',
    logLevel: 'warn',
    resolve: { alias: { 'node:util': join(root, 'src/cli/page-arguments.ts') } },
    plugins: [
      versionAlone,
      bundled.page,
      {
        // The page reads the bases from the library's folder.
        name: 'bases-of-the-library',
        enforce: 'pre',
        transform: (code, id) =>
          id.replaceAll('\\', '/').endsWith('/src/bases/shipped.ts')
            ? code.replace(
                /new URL\('\.\/(?=[\w.-]+\.safetensors')/g,
                "new URL(/* @vite-ignore */ '../src/bases/",
              )
            : null,
      },
      {
        name: 'not-for-pages',
        enforce: 'pre',
        resolveId: async function (source, importer, options) {
          if (!/^\.{1,2}\//.test(source)) return null;
          const found = await this.resolve(source, importer, { ...options, skipSelf: true });
          return found && notForPages.test(found.id.replaceAll('\\', '/'))
            ? { id: source, external: true }
            : null;
        },
      },
    ],
    worker: {
      format: 'es',
      plugins: bundled.worker,
      rolldownOptions: { checks: { bundlerTimings: false } },
    },
    build: {
      target: 'es2022',
      outDir,
      emptyOutDir: false,
      minify: false,
      modulePreload: false,
      copyPublicDir: false,
      assetsDir: '',
      chunkSizeWarningLimit: 8192,
      rolldownOptions: {
        checks: { bundlerTimings: false },
        input: join(root, 'src/cli/page.ts'),
        output: { format: 'es', entryFileNames: '[name].js' },
      },
    },
  });
}

/**
 * Builds the modules of dist/. Each source becomes one module, so that a worker's URL stays
 * relative to the module that starts the worker. Files are replaced one by one, so that a running
 * command never sees a half-written file.
 */
export async function buildLibrary() {
  const external = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  // A source that is saved during the build is newer than this time, so the next build includes it.
  const started = new Date();
  const scratch = mkdtempSync(join(root, 'node_modules', '.limr-build-'));
  try {
    await build({
      configFile: false,
      root,
      logLevel: 'warn',
      plugins: [
        versionAlone,
        {
          name: 'worker-urls',
          transform: (code, id) =>
            /\.ts$/.test(id) && /\.worker\.ts['"]/.test(code)
              ? code.replace(/(new URL\(\s*['"][^'"]+\.worker)\.ts(['"])/g, '$1.js$2')
              : null,
        },
      ],
      build: {
        ssr: true,
        target: 'es2022',
        outDir: scratch,
        emptyOutDir: false,
        minify: false,
        copyPublicDir: false,
        rolldownOptions: {
          checks: { bundlerTimings: false },
          input: entries(),
          external: (id) =>
            id.startsWith('node:') ||
            builtinModules.includes(id) ||
            external.some((name) => id === name || id.startsWith(`${name}/`)),
          output: {
            format: 'es',
            preserveModules: true,
            preserveModulesRoot: root,
            entryFileNames: '[name].js',
          },
        },
      },
    });
    await buildPage(join(scratch, 'page'));
    const frame = 'verifier-frame.html';
    copyFileSync(join(root, 'demo/public', frame), join(scratch, 'page', frame));
    const bases = join(root, 'src/bases');
    for (const name of readdirSync(bases).filter((file) => file.endsWith('.safetensors'))) {
      copyFileSync(join(bases, name), join(scratch, 'src/bases', name));
    }
    const fresh = walk(scratch).filter((path) => statSync(path).isFile());
    const kept = new Set(fresh.map((path) => relative(scratch, path)));
    for (const path of fresh) {
      const target = join(dist, relative(scratch, path));
      mkdirSync(dirname(target), { recursive: true });
      renameSync(path, target);
    }
    for (const path of walk(dist)) {
      if (/\.(?:js|html|safetensors)$/.test(path) && !kept.has(relative(dist, path))) rmSync(path);
    }
    writeFileSync(stamp, '');
    utimesSync(stamp, started, started);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @returns {boolean} Whether the library's types were written beside its modules. */
export function emitTypes() {
  // Types of modules that are gone would be packed with the others.
  for (const path of walk(dist).filter((name) => name.endsWith('.d.ts'))) rmSync(path);
  const project = join(root, 'tsconfig.build.json');
  const tsc = modulePath('typescript-native/bin/tsc');
  const compiler = spawnSync(process.execPath, [tsc, '-p', project], {
    cwd: root,
    stdio: 'inherit',
  });
  if (compiler.status !== 0) return false;
  for (const path of walk(dist).filter((name) => name.endsWith('.d.ts'))) {
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(/((?:from |import\()["']\.[^"']*)\.ts(["'])/g, '$1.js$2'));
  }
  // The types refer to WebGPU's types, which not every TypeScript includes.
  const reference = '/// <reference types="@webgpu/types" />\n';
  for (const name of ['index', 'playwright', 'entries/lim', 'entries/model', 'entries/browser']) {
    const path = join(dist, `src/${name}.d.ts`);
    writeFileSync(path, reference + readFileSync(path, 'utf8'));
  }
  return true;
}

/** Builds the page, its workers and its data, with relative addresses, and what keeps it offline. */
export async function buildDemo() {
  await build({
    root: join(root, 'demo'),
    configFile: join(root, 'vite.config.ts'),
    logLevel: 'warn',
  });
  await writeServiceWorker(join(root, 'dist-demo'));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      library: { type: 'boolean', default: false },
      demo: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) process.stdout.write(help);
  else {
    const all = values.library === values.demo;
    if (all || values.library) {
      await buildLibrary();
      if (!emitTypes()) process.exitCode = 1;
    }
    if (all || values.demo) await buildDemo();
  }
}
