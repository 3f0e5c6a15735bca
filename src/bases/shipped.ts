import { type ExperimentConfig, startsDrawn } from '../config.ts';
import { baseIdentity } from '../scheduler/base-file.ts';

export { ConfigError } from '../config-error.ts';

/** A base that was trained before. */
interface ShippedBase {
  /** SHA-256 of `baseIdentity`: everything that the base depends on. */
  readonly identity: string;
  /** SHA-256 of the file. */
  readonly sha256: string;
  readonly file: URL;
}

// Bundlers look for the text `new URL('./NAME', import.meta.url)`, and each file stays a file.
const shipped: readonly ShippedBase[] = [
  {
    identity: '3b92f2cdb94045456c8bc4fcb9a73a7bb2ce1eac84023ed40372a8ccc13bb61b',
    sha256: 'ff3f0af34fed2b7c85682866e802cec37fff8a732f3171b8f048e1372cb640e1',
    file: new URL('./arithmetic.safetensors', import.meta.url),
  },
  {
    identity: '9828456984c2228dbec15c532ae9c15f99c412c0aca6acd406ab1d960de8d9f3',
    sha256: 'd8abd601c0708977bed78b7bf8a3756d3e29e8f743e6bc5b719d3bc556db8a64',
    file: new URL('./arithmetic-2.safetensors', import.meta.url),
  },
  {
    identity: 'e7ebc223a4ae8ed2ba50c39c3877c59c199e53bce80079dc5dfd967f6b6bb307',
    sha256: '10a5cebba75f26be1d1f54444c84d29c743779dce841d0aa7e08d86a69a47eef',
    file: new URL('./arithmetic-3.safetensors', import.meta.url),
  },
  {
    identity: '8c61b2aa06850d79030aa70e8770ee3c12aa5ea28359d1542059d33524d7aaf7',
    sha256: '6597a8e341173589c60aab136ed53f97b66ade1eafbfaaf65bda6555a005a260',
    file: new URL('./arithmetic-0.4m.safetensors', import.meta.url),
  },
  {
    identity: '047aceea66f3049f3495f33d59814ca0ac81305131865d1e71f0275f2eeb42c6',
    sha256: '3740470b35f4b3767481d7d3f4cd5d9dbb139d4edf49381f309d21b62a64957f',
    file: new URL('./arithmetic-ood.safetensors', import.meta.url),
  },
];

/**
 * The base that an experiment starts from, if it comes with the program: none or one safetensors
 * file, which is read only then. Its metadata say what it was trained for; `limr base --preset P`
 * makes it again, bit for bit on the same adapter and build.
 *
 * @throws ConfigError for a task that there is not.
 * @throws Error when the file cannot be read or is not the one that was shipped; names its address.
 */
export async function shippedBases(config: ExperimentConfig): Promise<Uint8Array<ArrayBuffer>[]> {
  if (!startsDrawn(config)) return [];
  const identity = await sha256(new TextEncoder().encode(baseIdentity(config)));
  const found = shipped.find((base) => base.identity === identity);
  return found ? [await readBase(found)] : [];
}

async function readBase({ file, sha256: wanted }: ShippedBase): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readFile(file);
  const digest = await sha256(bytes);
  if (digest !== wanted) {
    throw new Error(
      `${file.href}: damaged or another file: its SHA-256 is ${digest}, not ${wanted}`,
    );
  }
  return bytes;
}

async function readFile(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  // Node's fetch reads no files.
  if (url.protocol === 'file:') {
    const { readFile: read } = globalThis.process.getBuiltinModule('node:fs/promises');
    return new Uint8Array(await read(url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
