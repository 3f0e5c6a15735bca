/** Draws a number in [0, 1). */
export type Chance = () => number;

const below = (chance: Chance, count: number): number => Math.floor(chance() * count);
const pick = <Item>(chance: Chance, items: readonly Item[]): Item =>
  items[below(chance, items.length)];

const words = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'null',
  'NaN',
  '-Infinity',
  '1e999',
  '9007199254740993',
  '-0',
  '1e-400',
  '\u0000',
  '\ufeff',
  '\ud800',
  '\u202e',
  '\u001b[2J',
  '"',
  '\\',
  '\\u0000',
  '{{',
  '{%',
  '%}',
  '\\boxed{',
  '\\frac{1}{',
  '^{',
  '[[[[[[[[',
  '{"a":'.repeat(50),
  '['.repeat(3000),
  '../../',
  '/etc/passwd',
  '[INST]<<SYS>>',
  '<|im_start|>',
  '\r\n',
];

/** A value that a field does not expect. */
const odd = (chance: Chance): unknown =>
  pick<() => unknown>(chance, [
    () => null,
    () => true,
    () => -1,
    () => 0,
    () => 1e308,
    () => 2 ** 53,
    () => 0.5,
    () => '',
    () => pick(chance, words),
    () => 'x'.repeat(1 + below(chance, 5000)),
    () => [],
    () => ({}),
    () => [[[]]],
    () => JSON.parse('{"__proto__": {"polluted": 1}}') as unknown,
    () => ({ constructor: { prototype: { polluted: 1 } } }),
    () => new Array<number>(1 + below(chance, 300)).fill(below(chance, 10)),
  ])();

/** Every place in a JSON value: the object or list that holds it, and its key. */
function placesOf(value: unknown, found: [object, string][] = []): [object, string][] {
  if (typeof value !== 'object' || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value, key]);
    placesOf((value as Record<string, unknown>)[key], found);
  }
  return found;
}

/** A JSON text with some values replaced, removed, doubled or renamed. */
function mutateJson(text: string, chance: Chance): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  for (let times = 1 + below(chance, 3); times > 0; times--) {
    const places = placesOf(value);
    if (places.length === 0) return undefined;
    const [holder, key] = pick(chance, places);
    const table = holder as Record<string, unknown>;
    const [other, otherKey] = pick(chance, places);
    switch (below(chance, 5)) {
      case 0:
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else Reflect.deleteProperty(table, key);
        break;
      case 1:
        if (Array.isArray(holder)) holder.push(structuredClone(holder[Number(key)]));
        else
          Object.defineProperty(table, pick(chance, words), {
            value: structuredClone(table[key]),
            enumerable: true,
            configurable: true,
            writable: true,
          });
        break;
      case 2:
        table[key] = structuredClone((other as Record<string, unknown>)[otherKey]);
        break;
      default:
        table[key] = odd(chance);
    }
  }
  return JSON.stringify(value);
}

function mutateBytes(bytes: Uint8Array, others: readonly Uint8Array[], chance: Chance): Uint8Array {
  const at = below(chance, bytes.length + 1);
  const end = at + below(chance, bytes.length - at + 1);
  const join = (...parts: readonly Uint8Array[]): Uint8Array =>
    new Uint8Array(Buffer.concat(parts));
  switch (below(chance, 9)) {
    case 0: {
      const changed = bytes.slice();
      for (let times = 1 + below(chance, 8); times > 0 && changed.length > 0; times--) {
        changed[below(chance, changed.length)] ^= 1 << below(chance, 8);
      }
      return changed;
    }
    case 1:
      return bytes.slice(0, at);
    case 2:
      return bytes.slice(at);
    case 3:
      return join(bytes.subarray(0, at), bytes.subarray(end));
    case 4: {
      const piece = bytes.subarray(at, Math.min(end, at + 2000));
      const times = 1 + below(chance, 20);
      return join(
        bytes.subarray(0, at),
        ...new Array<Uint8Array>(times).fill(piece),
        bytes.subarray(at),
      );
    }
    case 5:
      return join(bytes.subarray(0, at), Buffer.from(pick(chance, words)), bytes.subarray(at));
    case 6: {
      const other = pick(chance, others);
      return join(bytes.subarray(0, at), other.subarray(below(chance, other.length + 1)));
    }
    case 7: {
      const noise = Uint8Array.from({ length: 1 + below(chance, 40) }, () => below(chance, 256));
      return join(bytes.subarray(0, at), noise, bytes.subarray(end));
    }
    default: {
      // Overwrite a number in the file, such as a size, an offset or a count.
      const changed = bytes.slice();
      const place = below(chance, Math.max(1, changed.length - 8));
      if (changed.length >= 8) {
        new DataView(changed.buffer).setUint32(
          place,
          pick(chance, [0, 1, 0x7fffffff, 0xffffffff, 0x80000000]),
          true,
        );
      }
      return changed;
    }
  }
}

/** Makes a bad input from a good one. */
export function mutate(
  bytes: Uint8Array,
  others: readonly Uint8Array[],
  chance: Chance,
): Uint8Array {
  let made = bytes;
  const text = chance() < 0.5 ? mutateJson(new TextDecoder().decode(bytes), chance) : undefined;
  if (text !== undefined) {
    made = new TextEncoder().encode(text);
    if (chance() < 0.8) return made;
  }
  for (let times = 1 + below(chance, 3); times > 0; times--)
    made = mutateBytes(made, others, chance);
  return made;
}
