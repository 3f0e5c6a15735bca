import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Names of durations and of numbers that depend on durations. */
const timing = /seconds$|Seconds$|_ms$|Ms$|milliseconds|_per_second$/;

const POINTER = 'checkpoints/latest.json';
const pointers = /^checkpoints\/\w+\.json$/;

/** Parses JSON without the numbers that may differ between two runs of one experiment. */
const timeless = (text: string): unknown =>
  JSON.parse(text, (key, value: unknown) => (timing.test(key) ? undefined : value));

/** All files below a folder, as paths relative to it. */
export function filesOf(folder: string): string[] {
  const found: string[] = [];
  const visit = (place: string): void => {
    for (const name of readdirSync(place).sort()) {
      const path = join(place, name);
      if (statSync(path).isDirectory()) visit(path);
      else found.push(relative(folder, path));
    }
  };
  if (existsSync(folder)) visit(folder);
  return found;
}

/** The first field in which two JSON values differ, with both values. */
function oddField(own: unknown, want: unknown, path = ''): string {
  if (typeof own === 'object' && own !== null && typeof want === 'object' && want !== null) {
    const [a, b] = [own as Record<string, unknown>, want as Record<string, unknown>];
    const names = [...new Set([...Object.keys(b), ...Object.keys(a)])];
    const odd = names.find((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]));
    if (odd !== undefined) return oddField(a[odd], b[odd], path === '' ? odd : `${path}.${odd}`);
    return `${path}: another order of fields`;
  }
  const text = (value: unknown): string => JSON.stringify(value)?.slice(0, 120) ?? 'absent';
  return `${path}: ${text(own)} and not ${text(want)}`;
}

/** Splits a safetensors file into comparable pieces: each tensor's bytes, and the metadata. */
function piecesOf(bytes: Buffer): Map<string, unknown> {
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(String(bytes.subarray(8, 8 + length))) as Record<string, unknown>;
  const pieces = new Map<string, unknown>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      for (const [key, text] of Object.entries(entry as Record<string, string>)) {
        let value: unknown = text;
        try {
          value = timeless(text);
        } catch {
          // The text is not JSON.
        }
        if (!timing.test(key)) pieces.set(`metadata ${key}`, JSON.stringify(value));
      }
      continue;
    }
    const {
      data_offsets: offsets,
      dtype,
      shape,
    } = entry as {
      data_offsets: [number, number];
      dtype: string;
      shape: number[];
    };
    const data = bytes.subarray(8 + length + offsets[0], 8 + length + offsets[1]);
    pieces.set(name, `${dtype} ${shape.join()} ${data.toString('latin1')}`);
  }
  return pieces;
}

/** The first difference between two files, apart from durations; undefined if there is none. */
function difference(path: string, own: Buffer, want: Buffer): string | undefined {
  if (own.equals(want)) return undefined;
  try {
    if (path.endsWith('.safetensors')) {
      const [a, b] = [piecesOf(own), piecesOf(want)];
      const odd = [...new Set([...a.keys(), ...b.keys()])].find((key) => a.get(key) !== b.get(key));
      if (odd === undefined) return undefined;
      const field =
        odd.startsWith('metadata ') && a.has(odd) && b.has(odd)
          ? ` (${oddField(JSON.parse(String(a.get(odd))), JSON.parse(String(b.get(odd))))})`
          : '';
      return `${path}: ${odd} differs${field}`;
    }
    if (path.endsWith('.jsonl')) {
      const lines = (file: Buffer) =>
        String(file)
          .trimEnd()
          .split('\n')
          .map((line) => JSON.stringify(timeless(line)));
      const [a, b] = [lines(own), lines(want)];
      if (a.length !== b.length) return `${path}: ${a.length} lines, not ${b.length}`;
      const odd = a.findIndex((line, i) => line !== b[i]);
      return odd < 0 ? undefined : `${path}: line ${odd + 1} differs`;
    }
    if (path.endsWith('.json')) {
      const [a, b] = [own, want].map((file) => timeless(String(file)));
      return JSON.stringify(a) === JSON.stringify(b)
        ? undefined
        : `${path} differs: ${oddField(a, b)}`;
    }
    // The report contains durations.
    if (path === 'report.html')
      return String(own).trimEnd().endsWith('</html>') ? undefined : `${path}: is cut`;
  } catch (error) {
    return `${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
  return `${path} differs`;
}

/**
 * The files of a folder, with each checkpoint under its place instead of its name: a checkpoint
 * that replaces a damaged file has another name.
 */
function placesOf(folder: string): ReadonlyMap<string, string> {
  const own = filesOf(folder);
  const places = new Map(own.map((path) => [path, path]));
  if (!own.includes(POINTER)) return places;
  let pointer: { file?: unknown; previous?: unknown };
  try {
    pointer = JSON.parse(readFileSync(join(folder, POINTER), 'utf8')) as typeof pointer;
  } catch {
    return places;
  }
  for (const place of ['file', 'previous'] as const) {
    const path = pointer[place];
    if (typeof path === 'string' && places.delete(path)) {
      places.set(`checkpoints/the ${place}.safetensors`, path);
    }
  }
  return places;
}

/** All differences between a run's folder and a reference, apart from durations. */
export function differences(folder: string, reference: string): string[] {
  const [own, want] = [placesOf(folder), placesOf(reference)];
  const missing = [...want.keys()]
    .filter((path) => !own.has(path))
    .map((path) => `${path} is missing`);
  const left = [...own].flatMap(([place, path]) => (want.has(place) ? [] : `${path} is left over`));
  const changed = [...want].flatMap(([place, path]) => {
    const ownPath = own.get(place);
    // A pointer holds file names and digests of files with durations. The files themselves are
    // compared instead.
    if (ownPath === undefined || pointers.test(place)) return [];
    const a = readFileSync(join(folder, ownPath));
    return difference(place, a, readFileSync(join(reference, path))) ?? [];
  });
  return [...missing, ...left, ...changed];
}
