// A folder in which Dawn opens GPUs that are not there: a Debian tree with Mesa's newest drivers and
// their stand-ins for the kernel's part. Drivers compile for the named chip; what is submitted there
// is never computed. Linux on x86-64, as root.
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  readFileSync,
  openSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { root } from './process.mjs';

const libraries = '/usr/lib/x86_64-linux-gnu';
const drivers = '/usr/share/vulkan/icd.d';

/** @param {string} id */
const radeon = (id) => ({
  VK_DRIVER_FILES: `${drivers}/radeon_icd.json`,
  LD_PRELOAD: `${libraries}/libamdgpu_noop_drm_shim.so`,
  AMDGPU_GPU_ID: id,
  RADV_DEBUG: 'shaderstats,nocache',
});

/** @param {string} chipset Number of the chip in hexadecimal, as nouveau counts. */
const geforce = (chipset) => ({
  VK_DRIVER_FILES: `${drivers}/nouveau_icd.json`,
  LD_PRELOAD: `${libraries}/libnouveau_noop_drm_shim.so`,
  NOUVEAU_CHIPSET: chipset,
  NVK_I_WANT_A_BROKEN_VULKAN_DRIVER: '1',
  NAK_DEBUG: 'print',
});

/**
 * What each target sets. All but `lavapipe` are GPUs that compile and compute nothing; `lavapipe` is
 * the software adapter of the same Mesa, which computes.
 *
 * @type {Readonly<Record<string, Readonly<Record<string, string>>>>}
 */
export const targets = {
  turing: geforce('162'),
  ampere: geforce('172'),
  navi21: radeon('navi21'),
  navi31: radeon('navi31'),
  gfx1201: radeon('gfx1201'),
  lavapipe: { VK_DRIVER_FILES: `${drivers}/lvp_icd.json` },
};

/** The lab's folder: `GPU_LAB`, or one in the user's cache. */
export const labFolder = () =>
  process.env['GPU_LAB'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'limr-gpu-lab');

/** @param {string} lab */
const isBuilt = (lab) => existsSync(`${lab}${libraries}/libnouveau_noop_drm_shim.so`);

/**
 * Why a lab cannot be built or used on this machine.
 *
 * @param {string} lab
 * @returns {string | undefined} Undefined where it can.
 */
export function whyNoLab(lab) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `the drivers are for Linux on x86-64, this is ${process.platform} on ${process.arch}`;
  }
  if (process.getuid?.() !== 0) return 'a tree of another system is entered as root';
  const needed = ['unshare', ...(isBuilt(lab) ? [] : ['debootstrap'])];
  const missing = needed.find((one) => spawnSync(one, ['--version']).error !== undefined);
  return missing && `${missing} is not installed`;
}

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 */
function finish(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args[0] ?? ''} ended with code ${status}`);
}

/**
 * Builds the lab from Debian's packages, unless it is there: minutes.
 *
 * @param {string} lab
 * @param {string} [mirror] Address of a mirror of Debian; that of debootstrap when left out.
 */
export function buildLab(lab, mirror) {
  if (isBuilt(lab)) return;
  mkdirSync(lab, { recursive: true });
  const options = ['--variant=minbase', '--include=ca-certificates', 'trixie', lab];
  finish('debootstrap', mirror === undefined ? options : [...options, mirror]);
  const sources = readFileSync(join(lab, 'etc/apt/sources.list'), 'utf8');
  const [, used] = /^deb (?:\[[^\]]*\] )?(\S+)/m.exec(sources) ?? [];
  if (used === undefined) throw new Error(`${lab}: debootstrap has left no source of packages`);
  writeFileSync(
    join(lab, 'etc/apt/sources.list.d/backports.list'),
    `deb ${used} trixie-backports main\n`,
  );
  const packages = ['mesa-vulkan-drivers', 'mesa-drm-shim', 'libvulkan1'];
  finish('chroot', [lab, 'apt-get', 'update', '-qq']);
  finish('chroot', [
    ...[lab, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-qq', '--yes'],
    ...['--no-install-recommends', '--target-release=trixie-backports', ...packages],
  ]);
}

// The mounts are seen by this process and its children alone, and go with them.
const enter = `
set -e
mkdir -p "$LAB/lab/project"
touch "$LAB/usr/local/bin/node"
mount --bind "$PROJECT" "$LAB/lab/project"
mount --bind "$NODE" "$LAB/usr/local/bin/node"
mountpoint -q "$LAB/proc" || mount -t proc proc "$LAB/proc"
mountpoint -q "$LAB/dev" || mount --rbind /dev "$LAB/dev"
exec chroot "$LAB" env --chdir=/lab/project "$@"
`;

/**
 * Runs Node in the project's folder on a target, to its end.
 *
 * @param {string} lab
 * @param {string} target A name of `targets`.
 * @param {readonly string[]} args Arguments of Node.
 * @param {string} prints File that receives what Node and the drivers write to standard error. No
 *   pipe: Node makes one that does not block, and drivers end where they would have to wait.
 * @returns {Promise<number>} The exit code.
 */
export function runInLab(lab, target, args, prints) {
  const variables = {
    ...targets[target],
    HOME: '/tmp',
    XDG_RUNTIME_DIR: '/tmp',
    MESA_SHADER_CACHE_DISABLE: 'true',
  };
  const set = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const out = openSync(prints, 'w');
  return new Promise((resolve, reject) => {
    spawn('unshare', ['--mount', 'sh', '-c', enter, 'enter', ...set, 'node', ...args], {
      env: {
        PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
        LAB: lab,
        PROJECT: root,
        NODE: realpathSync(process.execPath),
      },
      stdio: ['ignore', 'inherit', out],
    })
      .once('error', reject)
      .once('close', (code) => resolve(code ?? 1));
  }).finally(() => closeSync(out));
}
