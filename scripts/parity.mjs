// npm run parity: checks the engine against golden fixtures, on Node, Deno or Chromium.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { createServer } from 'vite';
import { chromiumArguments, findChromium } from './chromium.mjs';
import { walk } from './dist.mjs';
import { denoCommand, root, run } from './process.mjs';
import { setUp } from './setup.mjs';

const help = `npm run parity [-- options FIXTURES]

  --host node|chromium|deno     where to compute; default node
  --adapter auto|gpu|software   WebGPU adapter of Node and Deno; default auto
  --verbose                     every comparison, with its share of the tolerance

FIXTURES, else FIXTURES_DIR, names the folder of fixtures; default test/fixtures.
`;

/** @typedef {{ paths: string[], read: (path: string) => Promise<Uint8Array> }} Folder */
/** @typedef {{ adapter?: string, verbose?: boolean }} SuiteOptions */
/**
 * @typedef {(
 *   folder: Folder,
 *   print: (line: string) => void,
 *   options: SuiteOptions,
 * ) => Promise<number>} Suite
 */

/**
 * @param {string} path
 * @returns {Folder}
 */
function folderOf(path) {
  const files = walk(path).filter((name) => statSync(name).isFile());
  const paths = files.map((name) => relative(path, name).split(sep).join('/'));
  return {
    paths,
    read: (name) => Promise.resolve(new Uint8Array(readFileSync(resolve(path, name)))),
  };
}

/** @param {string} line */
const print = (line) => {
  process.stdout.write(`${line}\n`);
};

/** @param {{ port?: number }} [options] Without a port, the server only transforms modules. */
const viteServer = ({ port } = {}) =>
  createServer({
    configFile: resolve(root, 'vite.config.ts'),
    mode: 'test',
    logLevel: 'error',
    appType: 'custom',
    server: port === undefined ? { middlewareMode: true, ws: false } : { port, ws: false },
    optimizeDeps: { noDiscovery: port === undefined },
  });

/**
 * @param {Folder} folder
 * @param {SuiteOptions} options
 */
async function runHere(folder, options) {
  const server = await viteServer();
  try {
    const { main } = /** @type {{ main: Suite }} */ (
      await server.ssrLoadModule('/test/parity/main.ts')
    );
    return await main(folder, print, options);
  } finally {
    await server.close();
  }
}

/**
 * @param {Folder} folder
 * @param {SuiteOptions} options
 */
async function runInChromium(folder, options) {
  const { chromium } = await import('playwright');
  const server = await viteServer({ port: 0 });
  server.middlewares.use((request, response, next) => {
    if (request.url !== '/parity.html') {
      next();
      return;
    }
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>parity</title>');
  });
  await server.listen();
  const executablePath = findChromium();
  const browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: chromiumArguments,
  });
  try {
    const page = await browser.newPage();
    await page.exposeFunction('parityPrint', print);
    await page.exposeFunction(
      'parityRead',
      /** @param {string} path */ async (path) =>
        Buffer.from(await folder.read(path)).toString('base64'),
    );
    const address = server.resolvedUrls?.local[0] ?? '';
    await page.goto(new URL('parity.html', address).href);
    const call = JSON.stringify({ paths: folder.paths, verbose: options.verbose ?? false });
    return Number(
      await page.evaluate(`import('/test/parity/page.ts').then(({ run }) => run(${call}))`),
    );
  } finally {
    await browser.close();
    await server.close();
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      host: { type: 'string', default: 'node' },
      adapter: { type: 'string', default: 'auto' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const { host, adapter, verbose } = values;
  if (
    positionals.length > 1 ||
    !['node', 'chromium', 'deno'].includes(host) ||
    !['auto', 'gpu', 'software'].includes(adapter)
  ) {
    process.stderr.write(help);
    return 2;
  }
  const path = resolve(
    positionals[0] ?? process.env.FIXTURES_DIR ?? resolve(root, 'test/fixtures'),
  );
  if (!existsSync(path)) {
    process.stderr.write(`npm run parity: ${path} does not exist\n`);
    return 2;
  }
  await setUp({ adapter: host !== 'chromium', browser: host === 'chromium' });
  if (host === 'deno' && !('deno' in process.versions)) {
    const [command = '', ...args] = denoCommand();
    const script = resolve(root, 'scripts/parity.mjs');
    return run(
      command,
      [...args, script, '--host=deno', `--adapter=${adapter}`, ...(verbose ? ['--verbose'] : [])],
      { env: { DENO_NO_UPDATE_CHECK: '1', FIXTURES_DIR: path } },
    );
  }
  const folder = folderOf(path);
  print(`parity: ${folder.paths.length} files of ${path} on ${host}`);
  const options = { adapter, verbose };
  const failed = await (host === 'chromium'
    ? runInChromium(folder, options)
    : runHere(folder, options));
  return failed === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  // Exits explicitly: a live WebGPU object would keep Node running.
  process.exit(await main());
}
