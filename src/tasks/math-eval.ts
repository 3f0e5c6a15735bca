import { valueOf } from './math-eval-value.ts';

/** Longer answers are compared as text only. */
const longestAnswer = 2000;
/** Limit on the characters compared in all; parts, and parts of parts, count again. */
const mostCharacters = 50_000;
/** Numbers are equal if they differ by at most this share of the larger one. */
const tolerance = 1e-4;

/** Replacements of one spelling by another or by nothing, applied in this order. */
const spellings: readonly (readonly [RegExp, string])[] = [
  [/an /g, ''],
  [/\.\$/g, '$'],
  [/\\\$|(?<!\\)\\ | /g, ''],
  [/mbox/g, 'text'],
  [/,?\\text\{and\}/g, ','],
  [/\\text\{m\}/g, '\\text{}'],
  [/\\left|\\right/g, ''],
  [/\u2236/g, ':'],
  [/\uff0c/g, ','],
  [/\$/g, ''],
  [/\\approx|\\sim(?:eq)?/g, '='],
  [/\^(?:\\prime|\{\\prime\})/g, "'"],
  [/\\[dt]frac/g, '\\frac'],
  [/\^\\circ|%/g, ''],
  [/\u221a/g, '\\sqrt'],
  [/\u221e/g, '\\infty'],
  [/\u222a/g, '\\cup'],
];

/** Texts that are removed wherever they occur, even inside words, one after the other. */
const leftOut: readonly string[] = [
  ...['square', 'ways', 'integers', 'dollars', 'mph', 'inches', 'hours', 'km', 'units', '\\ldots'],
  ...['sue', 'points', 'feet', 'minutes', 'digits', 'cents', 'degrees', 'cm', 'gm', 'pounds'],
  ...['meters', 'meals', 'edges', 'students', 'childrentickets', 'multiples'],
  ...['\\text{s}', '\\text{.}', '\\text{}^2', '\\text{}^3', '\\text{}', '\\mathrm{th}'],
  ...['^{\\circ}', '\\;', ',\\!', '{,}', '"', '\\dots'],
];

/** The evaluator's verdict on two answers. */
export interface EvalComparison {
  readonly same: boolean;
  /** The rule that decided. */
  readonly rule: string;
  /** The key and the answer as they were read. */
  readonly key: string;
  readonly answer: string;
}

/**
 * Compares two answers as LIMR's evaluator does. The evaluator is more lenient than the reward: it
 * ignores units, percent signs, brackets and factors of 100. The first rule that fits decides.
 */
export function evalEqual(gold: string, answer: string): EvalComparison {
  const decided = (key: string, read: string, rule: string | undefined): EvalComparison => ({
    ...{ same: rule !== undefined, rule: rule ?? 'no rule of the evaluator makes them equal' },
    ...{ key, answer: read },
  });
  if (Math.max(gold.length, answer.length) > longestAnswer) {
    const [key, read] = [gold.trim(), answer.trim()];
    return decided(key, read, key === read ? 'same text' : undefined);
  }
  const [key, read] = [normalise(gold), normalise(answer)];
  return decided(key, read, ruleFor(read, key, { characters: mostCharacters }));
}

const withoutDelimiters = (text: string): string =>
  text.replace(/^\\[([]/, '').replace(/\\[)\]]$/, '');

function normalise(text: string): string {
  let s = withoutDelimiters(text.trim());
  for (const [pattern, replacement] of spellings) s = s.replace(pattern, () => replacement);
  for (const word of leftOut) s = s.replaceAll(word, '');
  s = s
    .replace(/\\text\{(.*?)\}/g, '$1')
    .replace(/\\textbf\{(.*?)\}/g, '$1')
    .replace(/\\overline\{(.*?)\}/g, '$1')
    .replace(/\\boxed\{(.*)\}/g, '$1')
    .replace(/frac([^{])(.)/g, 'frac{$1}{$2}')
    .replace(/sqrt([^{[])/g, 'sqrt{$1}');
  if (/^\d{1,3}(?:,\d{3})+$/.test(s)) s = s.replaceAll(',', '');
  return withoutDelimiters(s).trim();
}

interface Budget {
  characters: number;
}

/** The rule that makes an answer equal to the gold answer; undefined if no rule does. */
function ruleFor(answer: string, gold: string, left: Budget): string | undefined {
  if ((left.characters -= answer.length + gold.length) < 0) return undefined;
  const [a, g] = [answer.trim(), gold.trim()];
  if (a.toLowerCase() === g.toLowerCase()) return 'same text';
  if (/^[A-E]$/.test(g) && lastChoice(a) === g) return 'the last letter of a choice';
  const [x, y] = [decimalOf(a), decimalOf(g)];
  if (x !== undefined && y !== undefined) return numberRule(x, y);
  if (a === '') return undefined;
  if (bare(a, g) === bare(g, a)) return 'same text without brackets and braces';
  const every = (parts: readonly string[], others: readonly string[]): boolean =>
    parts.length === others.length &&
    parts.every((part, i) => ruleFor(part, others[i] ?? '', left) !== undefined);
  if (isBracketed(a) && isBracketed(g) && every(componentsOf(a), componentsOf(g))) {
    return 'the same components in order';
  }
  const [rowsA, rowsG] = [matrixOf(a), matrixOf(g)];
  if (rowsA && rowsG && rowsA.length === rowsG.length) {
    if (rowsA.every((row, i) => every(row, rowsG[i] ?? []))) return 'the same matrix, by entries';
  }
  const [listA, listG] = [listOf(a), listOf(g)];
  if (listA && listG && every(listA, listG)) return 'the same list in order';
  return equationRule(a, g, left) ?? expressionRule(a, g);
}

const lastChoice = (text: string): string | undefined =>
  text
    .toUpperCase()
    .match(/\b[A-E]\b/g)
    ?.at(-1);

/** Reads a decimal number, without its commas. A percent sign divides the number by 100. */
function decimalOf(text: string): number | undefined {
  const found = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(\\?%)?$/i.exec(
    /\d,\d/.test(text) && !isThousands(text) ? '' : text.replaceAll(',', ''),
  );
  if (!found) return undefined;
  const value = Number(found[1]) / (found[2] === undefined ? 1 : 100);
  return Number.isFinite(value) ? value : undefined;
}

const isThousands = (text: string): boolean => /^[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(text);

function numberRule(answer: number, gold: number): string | undefined {
  if (isClose(answer, gold)) return answer === gold ? 'same number' : 'numbers within 1e-4';
  const isHundred = isClose(answer, gold / 100) || isClose(answer, gold * 100);
  return isHundred ? 'numbers a factor of 100 apart' : undefined;
}

const isClose = (a: number, b: number): boolean =>
  a === b || Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));

/** A text without braces and parentheses. Outer brackets are removed too, unless `[` meets `(`. */
function bare(text: string, other: string): string {
  const pairs = [text, other].some((one, i) => {
    const against = i === 0 ? other : text;
    return (
      (/^\[.*\]$/s.test(one) && !against.startsWith('(')) ||
      (/^\(.*\)$/s.test(one) && !against.startsWith('['))
    );
  });
  const inner = pairs ? text.replace(/^[[\]()]+/, '').replace(/[[\]()]+$/, '') : text;
  return inner.replace(/[{}()]/g, '').toLowerCase();
}

const isBracketed = (text: string): boolean => /^[([].+[)\]]/s.test(text);
const componentsOf = (text: string): string[] => text.slice(1, -1).split(',');

/** The rows of a matrix in parentheses or brackets, each as its entries. */
function matrixOf(text: string): string[][] | undefined {
  const found = /^\\begin\{[pb]matrix\}(.*)\\end\{[pb]matrix\}$/s.exec(text);
  const rows = found?.[1]?.split('\\\\').filter((row) => row.trim() !== '');
  return rows?.map((row) => row.split('&'));
}

/** The values of a list: its parts between commas that stand outside of brackets. */
function listOf(text: string): string[] | undefined {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  const spaced = text.replaceAll('\\,', '');
  for (let at = 0; at < spaced.length; at++) {
    const character = spaced.charAt(at);
    if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
    else if (character === ',' && depth === 0) {
      parts.push(spaced.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(spaced.slice(start));
  return parts.length > 1 ? parts : undefined;
}

/**
 * Compares two equations, or an expression with an equation whose left side is a name. The name is
 * dropped.
 */
function equationRule(answer: string, gold: string, left: Budget): string | undefined {
  const [a, g] = [answer.split('='), gold.split('=')];
  if (a.length === 2 && g.length === 2) {
    const difference = ([first = '', second = '']: readonly string[]) => `${first}-(${second})`;
    const [x, y] = [difference(a), difference(g)];
    const same = expressionRule(x, y) ?? expressionRule(`-(${x})`, y);
    return same === undefined ? undefined : 'the same equation, up to a sign';
  }
  const named = (sides: readonly string[]) =>
    sides.length === 2 && (sides[0] ?? '').trim().length <= 2 ? sides[1] : undefined;
  const [x, y] = [named(a), named(g)];
  if (g.length === 1 && x !== undefined) return ruleFor(x, gold, left);
  if (a.length === 1 && y !== undefined) return ruleFor(answer, y, left);
  return undefined;
}

/**
 * Values that letters are tried with, of both signs. A letter's character code picks its value in a
 * row.
 */
const probes: readonly (readonly number[])[] = [
  [0.7390851332, 1.3247179572, 2.6651441427],
  [1.2020569031, 0.5671432904, 1.9021605831],
  [-0.9159655941, 1.6449340668, -2.3025850929],
  [1.4513692348, -0.6624335941, 0.8346268416],
];

/**
 * Whether a value overflows float64 though its text does not say infinity. Such a value equals
 * nothing.
 */
const overflows = (value: number, text: string): boolean =>
  Math.abs(value) === Infinity && !text.includes('\\infty');

/**
 * Compares two expressions by value. Expressions with letters must agree at every probe where
 * either of them has a value.
 */
function expressionRule(answer: string, gold: string): string | undefined {
  let compared = 0;
  let letters = false;
  for (const row of probes) {
    const [x, y] = [valueOf(answer, row), valueOf(gold, row)];
    if (!x || !y) return undefined;
    letters ||= x.letters || y.letters;
    if (Number.isNaN(x.value) && Number.isNaN(y.value)) continue;
    if (overflows(x.value, answer) || overflows(y.value, gold)) return undefined;
    const scale = Math.max(Math.abs(x.value), Math.abs(y.value));
    const close = letters ? Math.abs(x.value - y.value) <= 1e-9 * scale : isClose(x.value, y.value);
    if (x.value !== y.value && !(Number.isFinite(scale) && close)) return undefined;
    compared++;
  }
  if (compared === 0) return undefined;
  return letters ? 'the same expression' : 'the same value';
}
