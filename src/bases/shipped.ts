/**
 * Bases trained before, as safetensors files whose metadata say what they were trained for; made
 * again, bit for bit on the same adapter and build, by `limr base --preset P`.
 */
export async function shippedBases(): Promise<Uint8Array[]> {
  const files = import.meta.glob<string>('./*.safetensors', {
    query: '?inline',
    import: 'default',
  });
  const uris = await Promise.all(Object.values(files).map((load) => load()));
  return Promise.all(
    uris.map(async (uri) => new Uint8Array(await (await fetch(uri)).arrayBuffer())),
  );
}
