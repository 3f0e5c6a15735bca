import { type Exact } from './real.ts';

/** A unit: its kinds, and its size in the first unit of each kind. */
export interface Unit {
  /** Such as `length^2`; undefined if the words are not a known unit. */
  readonly kinds: string | undefined;
  readonly factor: Exact;
  /** The words in one spelling, to compare unknown units. */
  readonly words: readonly string[];
}

const exact = (text: string): Exact => {
  const [over = '', under = '1'] = text.split('/');
  const [before = '', after = ''] = over.split('.');
  return { n: BigInt(before + after), d: BigInt(under) * 10n ** BigInt(after.length) };
};

/** The kind and the size of each known unit, by name. */
const known = new Map<string, { readonly kind: string; readonly size: Exact }>();
for (const [kind, all] of [
  [
    'length',
    'mm,millimeter,millimetre=0.001 cm,centimeter,centimetre=0.01 dm,decimeter,decimetre=0.1 m,meter,metre=1 ' +
      'km,kilometer,kilometre=1000 in,inch,inche=0.0254 ft,foot,feet=0.3048 yd,yard=0.9144 mi,mile=1609.344',
  ],
  [
    'time',
    'ms,millisecond=0.001 s,sec,second=1 min,minute=60 h,hr,hour=3600 day=86400 week,wk=604800',
  ],
  ['months', 'month=1 year,yr=12'],
  [
    'mass',
    'mg,milligram=0.001 g,gm,gram=1 kg,kilogram=1000 tonne=1000000 oz,ounce=28.349523125 lb,pound=453.59237',
  ],
  ['volume', 'ml,milliliter,millilitre=0.001 cl=0.01 dl=0.1 l,liter,litre=1'],
  ['gallons', 'cup=1 pint,pt=2 quart,qt=4 gallon,gal=16'],
  ['area', 'acre=1 hectare,ha=2.4710538146717'],
  ['money', 'cent,¢=1/100 dollar,usd,buck=1'],
  ['euros', 'euro,eur=1'],
  ['sterling', 'gbp=1'],
  ['angle', 'degree,deg=1'],
  ['radians', 'radian,rad=1'],
  ['celsius', 'degreesc,celsiu=1'],
  ['fahrenheit', 'degreesf,fahrenheit=1'],
  ['units', 'unit,un=1'],
] as const)
  for (const entry of all.split(' ')) {
    const [names = '', size = '1'] = entry.split('=');
    for (const name of names.split(',')) known.set(name, { kind, size: exact(size) });
  }

const powers = new Map([
  ['square', 2],
  ['squared', 2],
  ['sq', 2],
  ['cubic', 3],
  ['cubed', 3],
  ['cu', 3],
]);
const abbreviations = new Map([
  ['mph', 'mile/hour'],
  ['kph', 'km/hour'],
  ['kmh', 'km/hour'],
  ['cc', 'cm^3'],
]);
const articles = new Set(['a', 'an', 'the', 'of', 'and', 'or']);

/** Spells a word in lower case and in the singular, without points. */
function plain(word: string): string {
  const lower = word.toLowerCase().replaceAll('.', '');
  if (known.has(lower) || abbreviations.has(lower) || powers.has(lower)) return lower;
  return lower.length > 2 && lower.endsWith('s') && !lower.endsWith('ss')
    ? lower.slice(0, -1)
    : lower;
}

/** Reads the words after a number as a unit. */
export function unitOf(text: string): Unit {
  const parts = text
    .replace(/\*\*|·|⋅/g, ' ')
    .replace(/\bper\b/gi, '/')
    .split(/\s+|(?=[/^])|(?<=[/])/)
    .filter((part) => part !== '')
    .flatMap((part) => abbreviations.get(plain(part))?.split(/(?=[/^])|(?<=[/])/) ?? [part]);
  const kinds = new Map<string, number>();
  const words: string[] = [];
  let [n, d] = [1n, 1n];
  let [sign, power, isKnown] = [1, 1, true];
  let last: { kind: string; size: Exact; sign: number } | undefined;
  const count = (unit: { kind: string; size: Exact; sign: number }, times: number): void => {
    kinds.set(unit.kind, (kinds.get(unit.kind) ?? 0) + times * unit.sign);
    for (let i = 0; i < Math.abs(times); i++) {
      const up = times * unit.sign > 0;
      n *= up ? unit.size.n : unit.size.d;
      d *= up ? unit.size.d : unit.size.n;
    }
  };
  for (const part of parts) {
    if (part === '/') {
      sign = -1;
      words.push(part);
      continue;
    }
    const exponent = /^\^\{?(-?\d)\}?$/.exec(part);
    const word = plain(part);
    const named = powers.get(word);
    if (exponent ?? (named !== undefined && /ed$/.test(word))) {
      const times = exponent ? Number(exponent[1]) : (named ?? 1);
      if (last) count(last, times - 1);
      else isKnown = false;
      words.push(`^${times}`);
      continue;
    }
    if (named !== undefined) {
      power = named;
      words.push(`^${named}`);
      continue;
    }
    if (articles.has(word)) continue;
    const unit = known.get(word);
    words.push(word);
    if (unit) {
      last = { ...unit, sign };
      count(last, power);
      power = 1;
    } else isKnown = false;
  }
  const signature = Array.from(kinds)
    .filter(([, times]) => times !== 0)
    .map(([kind, times]) => `${kind}^${times}`)
    .sort()
    .join(' ');
  const measurable = isKnown;
  return {
    kinds: isKnown && words.length > 0 ? signature : undefined,
    factor: measurable ? { n, d } : { n: 1n, d: 1n },
    words,
  };
}

/**
 * Whether two units can stand for one another. Known units must be of one kind. Of unknown units,
 * the words of one must include all words of the other ("14 right triangles" and "14 triangles").
 */
export function unitsAgree(a: Unit, b: Unit): boolean {
  if (a.kinds === '' || b.kinds === '') return a.kinds === b.kinds;
  // "34 square units" agree with any unit of area.
  if (a.kinds?.startsWith('units') || b.kinds?.startsWith('units')) {
    const general = (kinds: string | undefined): string | undefined =>
      kinds
        ?.replace(/^area\^1$/, 'units^2')
        .replace(/^(?:volume|gallons)\^1$/, 'units^3')
        .replace(/^length/, 'units');
    return general(a.kinds) === general(b.kinds);
  }
  if (a.kinds !== undefined || b.kinds !== undefined) return a.kinds === b.kinds;
  const [few, many] = a.words.length <= b.words.length ? [a.words, b.words] : [b.words, a.words];
  return few.every((word) => many.includes(word));
}
