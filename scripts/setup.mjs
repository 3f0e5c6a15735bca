// Looks for what a machine needs besides Node: a Vulkan driver for WebGPU in Node and Deno, and a
// Chromium. Installs Mesa's software Vulkan and Debian's Chromium if they are missing.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findChromium } from './chromium.mjs';
import { readArguments, root, run } from './process.mjs';

const help = `node scripts/setup.mjs [--yes]

Says whether this machine has a WebGPU adapter for Node and Deno and a Chromium. What is missing it
installs through apt with --yes, and as root in CI or in a container; otherwise it prints the
commands. macOS and Windows bring their own drivers: nothing to install.
`;

/** @param {string} line */
const say = (line) => process.stderr.write(`setup: ${line}\n`);

/** @returns {string | undefined} The adapter that Node's WebGPU finds. */
export function probeAdapter() {
  const probe = spawnSync(process.execPath, [join(root, 'scripts/probe-adapter.mjs')], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (probe.status !== 0) return undefined;
  /** @type {{ vendor: string, architecture: string, device: string, description: string }} */
  const info = JSON.parse(probe.stdout);
  return info.description || `${info.vendor} ${info.architecture}`.trim() || 'unnamed adapter';
}

/**
 * @param {string} text
 * @returns {Record<string, string>} The fields of os-release(5).
 */
export function osRelease(text) {
  return Object.fromEntries(
    text
      .split('\n')
      .map((line) => /^(\w+)=(.*)$/.exec(line))
      .filter((match) => match !== null)
      .map(([, name = '', value = '']) => [name, value.replace(/^(["'])(.*)\1$/, '$2')]),
  );
}

/** @param {string} name */
const onPath = (name) =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));

/** @param {string} text */
const shellQuote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** @returns {{ path: string, text: string }[]} */
function aptSources() {
  const folder = '/etc/apt/sources.list.d';
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return ['/etc/apt/sources.list', ...names.map((name) => join(folder, name))]
    .filter((path) => /\.(?:list|sources)$/.test(path) && existsSync(path))
    .map((path) => ({ path, text: readFileSync(path, 'utf8').replace(/^[ \t]*#.*\n?/gm, '') }));
}

/**
 * The machine's own Debian source entry with another suite, so that the packages come from the same
 * place as all others.
 *
 * @param {string} codename
 * @param {{ path: string, text: string }[]} sources
 * @returns {{ path: string, text: string } | undefined} Undefined when no entry has the plain
 *   suite.
 */
export function backportsSource(codename, sources) {
  const suite = `${codename}-backports`;
  for (const { path, text } of sources) {
    if (path.endsWith('.sources')) {
      for (const stanza of text.split(/\n\s*\n/)) {
        const suites = /^Suites:(.*(?:\n[ \t].*)*)/im.exec(stanza)?.[1]?.trim().split(/\s+/);
        const binary = /^Types:.*\bdeb\b/im.test(stanza) && !/^Enabled:\s*no/im.test(stanza);
        if (!binary || !suites?.includes(codename)) continue;
        return {
          path: `/etc/apt/sources.list.d/${suite}.sources`,
          text: stanza
            .trim()
            .replace(/^Suites:.*(?:\n[ \t].*)*/im, `Suites: ${suite}`)
            .replace(/^Types:.*(?:\n[ \t].*)*/im, 'Types: deb'),
        };
      }
    } else {
      const entry = new RegExp(`^(deb\\s+(?:\\[[^\\]]*\\]\\s+)?\\S+\\s+)${codename}(\\s.*)$`, 'm');
      const [, before, after] = entry.exec(text) ?? [];
      if (before === undefined || after === undefined) continue;
      const line = `${before}${suite}${after}`;
      return { path: `/etc/apt/sources.list.d/${suite}.list`, text: line };
    }
  }
  return undefined;
}

/**
 * @typedef {{ adapter: boolean, browser: boolean }} Needs
 * @typedef {{ commands: string[], advice: string[], addsSource?: string }} Plan
 * @typedef {object} Machine
 * @property {NodeJS.Platform} platform
 * @property {Record<string, string>} os The fields of os-release(5).
 * @property {boolean} apt Whether apt-get is installed.
 * @property {boolean} isRoot
 * @property {{ path: string, text: string }[]} sources Source files of apt, without comments.
 */

/** @returns {Machine} */
function thisMachine() {
  const file = '/etc/os-release';
  return {
    platform: process.platform,
    os: existsSync(file) ? osRelease(readFileSync(file, 'utf8')) : {},
    apt: onPath('apt-get'),
    isRoot: process.getuid?.() === 0,
    sources: aptSources(),
  };
}

/**
 * The commands and advice that would provide the missing pieces on this machine.
 *
 * @param {Needs} missing
 * @param {Machine} machine
 * @returns {Plan}
 */
export function planFor(missing, { platform, os, apt, isRoot, sources }) {
  if (platform !== 'linux') {
    return {
      commands: [],
      advice: [
        ...(missing.adapter
          ? ['WebGPU in Node uses Metal or Direct3D 12 here: nothing to install but the GPU driver']
          : []),
        ...(missing.browser ? ['install Chrome, or run: npx playwright install chromium'] : []),
      ],
    };
  }
  const family = [os['ID'], ...(os['ID_LIKE'] ?? '').split(' ')];
  if (!family.includes('debian') || !apt) {
    return {
      commands: [],
      advice: [
        ...(missing.adapter
          ? [
              'install a Vulkan loader and Mesa 23 or newer: Fedora vulkan-loader and ' +
                'mesa-vulkan-drivers, Arch vulkan-icd-loader and vulkan-swrast',
            ]
          : []),
        ...(missing.browser ? ['install chromium, or set CHROMIUM_PATH to a Chrome'] : []),
      ],
    };
  }
  const isDebian = os['ID'] === 'debian';
  const sudo = isRoot ? '' : 'sudo ';
  const install = `${sudo}env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends`;
  /** @type {Plan} */
  const plan = { commands: [], advice: [] };
  const packages = missing.adapter ? ['libvulkan1'] : [];
  if (missing.adapter && isDebian && os['VERSION_ID'] === '12') {
    // Debian 12's own Mesa 22.3 gives Dawn no adapter, because a device feature is missing.
    const codename = os['VERSION_CODENAME'] ?? 'bookworm';
    const suite = `${codename}-backports`;
    if (!sources.some(({ text }) => text.includes(suite))) {
      const source = backportsSource(codename, sources);
      if (source === undefined) {
        plan.advice.push(`add a Debian source for ${suite}: its Mesa is new enough for WebGPU`);
        return plan;
      }
      const lines = source.text.split('\n').map(shellQuote).join(' ');
      plan.commands.push(`printf '%s\\n' ${lines} | ${sudo}tee ${source.path} > /dev/null`);
      plan.addsSource = source.path;
    }
    plan.commands.push(`${sudo}apt-get update`);
    plan.commands.push(`${install} -t ${suite} mesa-vulkan-drivers`);
  } else {
    plan.commands.push(`${sudo}apt-get update`);
    if (missing.adapter) packages.push('mesa-vulkan-drivers');
  }
  // Ubuntu's chromium package only installs its snap, which containers cannot run.
  if (missing.browser && isDebian)
    packages.push('chromium', 'chromium-sandbox', 'fonts-liberation');
  if (packages.length > 0) plan.commands.push(`${install} ${packages.join(' ')}`);
  if (missing.browser && !isDebian) {
    plan.commands.push('npx playwright install --with-deps chromium');
  }
  return plan;
}

/** Names of control groups that container engines give to the first process of a container. */
const containerGroup =
  /\/(?:docker|lxc|kubepods|buildkit)[/.]|\/(?:docker|libpod|cri-containerd)-[\da-f]{12}/;

/**
 * Whether the machine may be changed freely: CI, or a container.
 *
 * @param {Record<string, string | undefined>} env
 * @param {(path: string) => boolean} exists
 * @param {string} cgroups Text of /proc/1/cgroup; empty if there is none.
 */
export const isDisposable = (env, exists, cgroups) =>
  !['', '0', 'false'].includes(env['CI'] ?? '') ||
  Boolean(env['container']) ||
  exists('/.dockerenv') ||
  exists('/run/.containerenv') ||
  containerGroup.test(cgroups);

/**
 * Whether to install without asking: with `yes`, or as root on a disposable machine. A missing
 * terminal does not count as consent.
 *
 * @param {{ yes: boolean, isRoot: boolean, disposable: boolean }} given
 */
export const mayInstall = ({ yes, isRoot, disposable }) => yes || (isRoot && disposable);

function thisIsDisposable() {
  const file = '/proc/1/cgroup';
  let cgroups = '';
  try {
    if (existsSync(file)) cgroups = readFileSync(file, 'utf8');
  } catch {
    // Without permission to read, the file tells nothing.
  }
  return isDisposable(process.env, existsSync, cgroups);
}

/**
 * Installs what is needed if that is allowed; otherwise prints the commands.
 *
 * @param {Needs} needs
 * @param {{ yes?: boolean }} [options]
 * @returns {Promise<boolean>} Whether everything needed is there now.
 */
export async function setUp(needs, { yes = false } = {}) {
  const look = () => ({
    adapter: needs.adapter && probeAdapter() === undefined,
    browser: needs.browser && findChromium() === undefined,
  });
  let missing = look();
  const nothing = () => !missing.adapter && !missing.browser;
  if (nothing()) return true;
  const sayMissing = () => {
    if (missing.adapter) say('no WebGPU adapter for Node: no Vulkan driver that it can use');
    if (missing.browser) say('no Chromium or Chrome: set CHROMIUM_PATH if there is one');
  };
  sayMissing();
  const machine = thisMachine();
  const plan = planFor(missing, machine);
  for (const line of plan.advice) say(line);
  if (plan.commands.length === 0) return false;
  const { isRoot } = machine;
  if (!mayInstall({ yes, isRoot, disposable: thisIsDisposable() })) {
    say('run these, or node scripts/setup.mjs --yes, which does the same:');
    for (const command of plan.commands) process.stderr.write(`  ${command}\n`);
    return false;
  }
  for (const command of plan.commands) {
    say(command);
    const code = await run('sh', ['-c', command], { minutes: 20, quiet: true, asks: !isRoot });
    if (code !== 0) {
      say(`that ended with exit code ${code}`);
      if (plan.addsSource !== undefined && isRoot) {
        rmSync(plan.addsSource, { force: true }); // a broken source would break every later update
      }
      return false;
    }
  }
  missing = look();
  sayMissing();
  return nothing();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = readArguments('setup', {
    options: {
      yes: { type: 'boolean', short: 'y', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) process.stdout.write(help);
  else {
    const ready = await setUp({ adapter: true, browser: true }, { yes: values.yes });
    if (ready) {
      console.log(`WebGPU in Node: ${probeAdapter() ?? 'no adapter'}`);
      console.log(`Chromium: ${findChromium() ?? 'none'}`);
    }
    process.exitCode = ready ? 0 : 1;
  }
}
