/** Files of the bases. Bundlers look for the text `new URL('./NAME', import.meta.url)`. */
const files = [new URL('./arithmetic.safetensors', import.meta.url)];

/**
 * Bases trained before, as safetensors files whose metadata say what they were trained for; made
 * again, bit for bit on the same adapter and build, by `limr base --preset P`.
 *
 * @throws Error when a file cannot be read; names its address.
 */
export const shippedBases = (): Promise<Uint8Array[]> => Promise.all(files.map(readBase));

async function readBase(url: URL): Promise<Uint8Array> {
  // Node's fetch reads no files.
  if (url.protocol === 'file:') {
    const { readFile } = globalThis.process.getBuiltinModule('node:fs/promises');
    return new Uint8Array(await readFile(url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
