// Compares our training step or generation with a peer's, in alternating runs in one process. Needs
// the packages that `npm install` brings.
//
// The peer of training is a bundle (rolldown or esbuild, --format esm) that exports a `GPT` as
// tabgpt's src/engine/model.ts does. The peer of generation is onnxruntime-web's
// dist/ort.wasm.min.mjs beside its .wasm; in Node, dist/ort.node.min.mjs. The repository keeps no
// copy of either.
import { createServer } from 'node:http';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright';
import { build } from 'vite';
import { chromiumArguments, findChromium } from './chromium.mjs';
import { denoCommand, readArguments, root, run } from './process.mjs';

const help = `node scripts/bench-peer.mjs PEER.mjs [options]

  --host node|deno|chromium  where both run (node)
  --rounds N                 measured rounds, each with both (5)
  --batch N                  rows of 64 tokens in a step (16), or generated at once (256)
  --what training|generation what is compared (training)
  --model MODEL.onnx         generation: one decode step of the shape, see peer-rounds.ts
  --threads N                generation: of the peer's wasm (2)

T64 C128 L4 H4 V512 f32; a step is forward, backward, optimizer and the loss read back; generation is
64 tokens after a first one, greedily, with a cache. Prints the medians and the median of the rounds'
ratios as JSON.
`;

const { values: options, positionals } = readArguments('bench-peer', {
  allowPositionals: true,
  options: {
    host: { type: 'string', default: 'node' },
    rounds: { type: 'string', default: '5' },
    batch: { type: 'string' },
    what: { type: 'string', default: 'training' },
    model: { type: 'string' },
    threads: { type: 'string', default: '2' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const [peer] = positionals;
const hosts = ['node', 'deno', 'chromium'];
const generates = options.what === 'generation';
const complete = generates ? options.model !== undefined : options.what === 'training';
if (options.help || peer === undefined || !complete || !hosts.includes(options.host)) {
  process.stderr.write(help);
  process.exit(options.help ? 0 : 2);
}
const wanted = {
  rounds: Number(options.rounds),
  sequences: Number(options.batch ?? (generates ? 256 : 16)),
  threads: Number(options.threads),
};
const modelPath = resolve(options.model ?? '');

/**
 * Bundles both engines and the rounds into one module, below the root so that packages are found.
 */
async function bundle() {
  const entry = join(root, 'scripts/peer-rounds.ts');
  const output = await build({
    configFile: false,
    root,
    logLevel: 'warn',
    build: {
      write: false,
      target: 'es2022',
      minify: false,
      lib: { entry, formats: ['es'] },
      rolldownOptions: { external: [/^node:/, 'webgpu'] },
    },
  });
  const [{ output: chunks }] = /** @type {[import("vite").Rolldown.RolldownOutput]} */ (
    Array.isArray(output) ? output : [output]
  );
  const folder = join(root, 'dist/peer');
  mkdirSync(folder, { recursive: true });
  for (const chunk of chunks) {
    if (chunk.type === 'chunk') writeFileSync(join(folder, chunk.fileName), chunk.code);
  }
  const name = chunks.find((chunk) => chunk.type === 'chunk' && chunk.isEntry)?.fileName ?? '';
  return join(folder, name);
}

/**
 * @param {string} ours
 * @param {string} theirs URLs of modules, both.
 * @param {string} model Code whose value is the model's bytes.
 */
const program = (ours, theirs, model) =>
  generates
    ? `
import { compareGeneration } from ${JSON.stringify(ours)};
import * as ort from ${JSON.stringify(theirs)};
const wanted = ${JSON.stringify(wanted)};
const say = (line) => console.error(line);
const found = await compareGeneration(ort, ${model}, wanted, say);
`
    : `
import { comparePeer } from ${JSON.stringify(ours)};
import { GPT } from ${JSON.stringify(theirs)};
const found = await comparePeer(GPT, ${JSON.stringify(wanted)}, (line) => console.error(line));
`;

/** @param {string} ours */
async function inProcess(ours) {
  const file = join(root, 'dist/peer/run.mjs');
  const [from, peerUrl] = [ours, resolve(peer ?? '')].map((path) => pathToFileURL(path).href);
  const model = `(await import('node:fs')).readFileSync(${JSON.stringify(modelPath)})`;
  const script = program(from ?? '', peerUrl ?? '', model);
  writeFileSync(file, `${script}console.log(JSON.stringify(found, null, 2));\nprocess.exit(0);\n`);
  const [command = '', ...args] = options.host === 'deno' ? denoCommand() : [process.execPath];
  return run(command, [...args, file]);
}

/** @param {string} ours */
async function inPage(ours) {
  const theirs = resolve(peer ?? '');
  const model = "new Uint8Array(await (await fetch('./model.onnx')).arrayBuffer())";
  const script = `${program('./ours.js', `./peer/${basename(theirs)}`, model)}globalThis.found = found;`;
  /** @type {Record<string, string | Buffer>} */
  const files = {
    '/': '<!doctype html><script type="module" src="./run.js"></script>',
    '/run.js': script,
    '/ours.js': readFileSync(ours),
    ...(generates ? { '/model.onnx': readFileSync(modelPath) } : {}),
  };
  /** A file that the peer requests from its own folder. @param {string} url */
  const beside = (url) => {
    const path = join(dirname(theirs), basename(url));
    return url.startsWith('/peer/') && existsSync(path) ? readFileSync(path) : undefined;
  };
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    const file = files[url] ?? beside(url);
    const type =
      url === '/' ? 'text/html' : url.endsWith('.wasm') ? 'application/wasm' : 'text/javascript';
    // Threads in wasm need a cross-origin isolated page.
    response.writeHead(file === undefined ? 404 : 200, {
      'content-type': type,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end(file);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)));
  const executablePath = findChromium();
  const browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: chromiumArguments,
  });
  try {
    const page = await browser.newPage();
    page.on('console', (message) => process.stderr.write(`${message.text()}\n`));
    page.on('pageerror', (error) => process.stderr.write(`${error.message}\n`));
    const address = /** @type {import('node:net').AddressInfo} */ (server.address());
    await page.goto(`http://127.0.0.1:${address.port}/`);
    const found = await page.waitForFunction(() => Reflect.get(globalThis, 'found'), undefined, {
      timeout: 0,
    });
    process.stdout.write(`${JSON.stringify(await found.jsonValue(), null, 2)}\n`);
  } finally {
    await browser.close();
    server.close();
  }
  return 0;
}

const ours = await bundle();
process.exit(await (options.host === 'chromium' ? inPage(ours) : inProcess(ours)));
