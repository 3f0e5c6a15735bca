/** The items of batches, one after another. */
export async function* flat<Item>(batches: AsyncIterable<Iterable<Item>>): AsyncGenerator<Item> {
  for await (const items of batches) yield* items;
}
