import { existsSync, realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import manifest from './package.json' with { type: 'json' };
import { chromiumArguments, findChromium } from './scripts/chromium.mjs';
import { notices } from './scripts/notices.mjs';
import { lineRules, toneRules } from './src/look/tokens.ts';

// Node's WebGPU is imported there by name, and charts are drawn by the command: never in a page.
const notForPages = ['webgpu', '@webgpu/types', 'echarts'];
const packages = Object.keys(manifest.dependencies).map((name) =>
  // It has no main module.
  name === '@noble/hashes' ? '@noble/hashes/sha2.js' : name,
);

const gpuTests = ['test/kernels/**/*.test.ts', 'test/integration/**/*.test.ts'];
// A software driver compiles each pipeline at its first dispatch, seconds where it is slow or busy.
const gpuTimeouts = { testTimeout: 300_000, hookTimeout: 300_000 };
const executablePath = findChromium();
// The same files and settings under Deno: vitest runs there as it is.
const host = 'deno' in process.versions ? 'deno' : 'gpu';
// Worker threads inherit it: what they import is TypeScript that Vite has not seen. It is a URL,
// because Node takes the `C:` of a path for a scheme.
const hooks = new URL('scripts/ts-hooks.mjs', import.meta.url).href;
const execArgv = host === 'deno' ? [] : ['--import', hooks];

/** What a page has instead of `node:util`, as in the page of `--host chromium`. */
const pageArguments = fileURLToPath(new URL('src/cli/page-arguments.ts', import.meta.url));

// Data that tests may use lies beside the repository, or behind a link there.
const shared = fileURLToPath(new URL('../shared', import.meta.url));
const sharedData = existsSync(shared) ? [realpathSync(shared)] : [];

const bundled = notices();

export default defineConfig(({ mode }) => ({
  // vitest runs at the top; the page's own commands (build, preview, dev) in demo/.
  root: fileURLToPath(new URL(mode === 'test' ? '.' : 'demo', import.meta.url)),
  base: './',
  build: {
    outDir: '../dist-demo',
    emptyOutDir: true,
    target: 'es2022',
    // What the first picture needs comes as one file.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } },
    },
  },
  worker: { format: 'es', plugins: bundled.worker },
  plugins: [
    bundled.page,
    {
      name: 'tones',
      enforce: 'pre',
      transform: (code, id) =>
        id.split('?')[0]?.endsWith('/demo/style.css')
          ? code.replace('@tones;', toneRules()).replace('@lines;', lineRules())
          : null,
    },
  ],
  // Tests take fixtures by their addresses.
  ...(mode === 'test' ? { assetsInclude: ['**/*.safetensors'] } : {}),
  server: { fs: { allow: [fileURLToPath(new URL('.', import.meta.url)), ...sharedData] } },
  test: {
    reporters: ['default', './test/run/tally-reporter.ts'],
    // Limits of what never comes: nothing waits for them on a machine that is only slow.
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          execArgv,
          include: ['test/unit/**/*.test.ts'],
          environment: 'node',
          // Left to itself vitest leaves a core idle: of two, half of the machine.
          maxWorkers: availableParallelism(),
          // Starts and imports took as long as tests: files share a worker, so none may mock a module.
          isolate: false,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'structure',
          execArgv,
          include: ['test/structure/**/*.test.ts'],
          environment: 'node',
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: { name: 'e2e-node', include: ['test/e2e-node/**/*.test.ts'], environment: 'node' },
      },
      {
        extends: true,
        test: {
          name: host,
          execArgv,
          setupFiles: host === 'deno' ? ['./test/support/deno-workers.ts'] : [],
          include: gpuTests,
          environment: 'node',
          // Forks, not threads: the Vulkan loader reads getenv, which a thread's env never reaches.
          pool: 'forks',
          fileParallelism: false,
          ...gpuTimeouts,
        },
      },
      {
        extends: true,
        // Whole commands run in a page too: citty reads their arguments through it.
        resolve: { alias: { 'node:util': pageArguments } },
        // All at once before the first test: a package that is found late reloads the page under it.
        optimizeDeps: {
          exclude: notForPages,
          include: packages.filter((name) => !notForPages.includes(name)),
        },
        test: {
          name: 'chromium',
          include: gpuTests,
          fileParallelism: false,
          ...gpuTimeouts,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                ...(executablePath === undefined ? {} : { executablePath }),
                args: chromiumArguments,
              },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
}));
