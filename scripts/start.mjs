// npm start: the lab page if there is a display, else the quick experiment in the terminal.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { findChromium } from './chromium.mjs';
import { root, run } from './process.mjs';
import { setUp } from './setup.mjs';

const help = `npm start [-- options] [limr run's options]

With a browser and a display: builds the lab page, serves it on this machine and opens it.
Without (a server, CI, ssh): runs the quick experiment in the terminal through Node's WebGPU, the
same as npx limr run --preset quick, and ends by printing where the report is.

  --page           serve the page whatever was found
  --terminal       run in the terminal whatever was found
  --port N         of the page (default 4316)
  --no-open        serve the page, open nothing
  -y, --yes        install a missing Vulkan driver without asking (as root in CI or a container: always)
  -h, --help       this text
Other options go to limr run in the terminal: --preset standard, --seed 7, --out DIR.

What else there is:
  npx limr --help  every command: run, score, select, eval, generate, report, bench, doctor, ...
  npx limr doctor  which adapters this machine has and what is missing
  npm test         every check; npm test -- --help says how to run some of them
  npm run build    the importable package in dist/ and the static page in dist-demo/
`;

/** Whether a user could see a window that this process opens. */
function hasDisplay() {
  if (process.env['CI'] || process.env['SSH_CONNECTION']) return false;
  if (process.platform === 'darwin' || process.platform === 'win32') return true;
  return Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY']);
}

function hasBrowser() {
  if (process.env['BROWSER'] || process.platform !== 'linux') return true;
  if (findChromium() !== undefined) return true;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return ['firefox', 'x-www-browser'].some((name) =>
    folders.some((folder) => existsSync(join(folder, name))),
  );
}

/**
 * @param {number} port
 * @param {boolean} open
 */
async function servePage(port, open) {
  const { buildDemo } = await import('./build.mjs');
  const { preview } = await import('vite');
  console.error('npm start: building the page');
  await buildDemo();
  const server = await preview({
    configFile: join(root, 'vite.config.ts'),
    preview: { host: '127.0.0.1', port, open },
  });
  console.log(`LIMR Lab: ${server.resolvedUrls?.local[0] ?? `http://127.0.0.1:${port}/`}`);
  console.log('Ctrl-C ends it. npm start -- --help says what else there is.');
}

/**
 * @param {readonly string[]} args
 * @param {boolean} yes Whether to install what is missing.
 */
async function runInTerminal(args, yes) {
  if (!(await setUp({ adapter: true, browser: false }, { yes }))) return 1;
  const preset = args.some((arg) => arg === '--preset' || arg.startsWith('--preset='));
  const own = preset || args.some((arg) => arg.endsWith('.json')) ? [] : ['--preset', 'quick'];
  return run(process.execPath, [join(root, 'bin/limr.mjs'), 'run', ...own, ...args], {});
}

const options = /** @type {const} */ ({
  page: { type: 'boolean' },
  terminal: { type: 'boolean' },
  port: { type: 'string', default: '4316' },
  'no-open': { type: 'boolean' },
  yes: { type: 'boolean', short: 'y' },
  help: { type: 'boolean', short: 'h' },
});

async function main() {
  const { values, tokens } = parseArgs({ options, strict: false, tokens: true });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  // Arguments that this script does not know are passed on unchanged.
  const own = new Set(
    tokens.flatMap((token) => {
      if (token.kind !== 'option' || !(token.name in options)) return [];
      return token.name === 'port' && !token.inlineValue
        ? [token.index, token.index + 1]
        : [token.index];
    }),
  );
  const rest = process.argv.slice(2).filter((arg, index) => !own.has(index) && arg !== '--');
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`--port must be a whole number from 1 to 65535, got '${values.port}'`);
  }
  const visible = hasDisplay() && hasBrowser();
  if (values.page || (visible && !values.terminal && rest.length === 0)) {
    if (rest.length > 0) throw new Error(`the page takes no ${rest.join(' ')}`);
    await servePage(port, visible && !values['no-open']);
  } else {
    process.exitCode = await runInTerminal(rest, Boolean(values.yes));
  }
}

try {
  await main();
} catch (error) {
  console.error(`npm start: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
