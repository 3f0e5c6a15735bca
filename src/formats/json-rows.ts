/**
 * A row of results as JSON. Whole numbers from parquet may be bigints, which JSON does not know.
 */
export const rowJson = (row: unknown): string =>
  JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));

/** A large array as JSON, one element per line, without one string for the whole array. */
export function* jsonRows(rows: Iterable<unknown>): Generator<string> {
  yield '[';
  let separator = '\n  ';
  for (const row of rows) {
    yield separator + rowJson(row);
    separator = ',\n  ';
  }
  yield '\n]\n';
}
