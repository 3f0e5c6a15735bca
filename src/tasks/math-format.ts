import { type EndRule, endOf } from './end-of-response.ts';

/** The verdict of the format rules on one response to a mathematics problem. */
export interface MathFormat {
  /** False means a reward of -1, whatever the answer is. */
  readonly formatted: boolean;
  /** The first rule that the response breaks; null if it breaks none. */
  readonly reason: 'unfinished' | 'boxes' | 'garbled' | 'repetition' | 'no answer' | null;
  /** The content of the last `\boxed{...}`; null if there is no box. */
  readonly extracted: string | null;
}

/** A response that says `\boxed` this often is an attempt to please the checker. */
const tooManyBoxes = 5;
const garbledShare = 0.3;
const unitLength = 5;
const unitRepeats = 5;
/**
 * Limit on the depth of braces inside a box. With the braces of the box itself, these are the four
 * levels of the server.
 */
const deepestBraces = 3;

/**
 * The format rules of the released reward server, in its order. The first broken rule decides. A
 * response must:
 *
 * - be finished,
 * - contain `\boxed` one to four times,
 * - have at most 30 % unusual characters,
 * - not repeat anything of five or more characters five times back to back,
 * - have a box with balanced braces.
 *
 * @param text The decoded response, without the prompt and the header of the turn.
 * @param end What is known about its end. If nothing is known, `endOf` looks for an end token.
 */
export function mathFormat(text: string, end: EndRule = {}): MathFormat {
  const fail = (reason: MathFormat['reason'], extracted: string | null): MathFormat => ({
    formatted: false,
    reason,
    extracted,
  });
  const ended = endOf(text, end);
  if (!ended.finished) return fail('unfinished', lastBoxed(ended.text));
  const answer = ended.text.trim();
  const extracted = lastBoxed(answer);
  const boxes = answer.split('\\boxed').length - 1;
  if (boxes === 0 || boxes >= tooManyBoxes) return fail('boxes', extracted);
  const characters = Uint32Array.from(answer, (character) => character.codePointAt(0) ?? 0);
  if (isGarbled(characters)) return fail('garbled', extracted);
  if (repeats(characters)) return fail('repetition', extracted);
  if (extracted === null) return fail('no answer', null);
  return { formatted: true, reason: null, extracted };
}

/**
 * The content of the last box. Boxes do not overlap: after `\boxed{a \boxed{b}}` the search
 * continues behind the outer box, whose content includes the inner box. A box that never closes, or
 * nests braces deeper than three levels, does not count; a box inside such a box does.
 */
export function lastBoxed(text: string): string | null {
  const opening = '\\boxed{';
  let last: string | null = null;
  for (let at = text.indexOf(opening); at >= 0;) {
    const start = at + opening.length;
    const end = closingBrace(text, start);
    if (end !== undefined) last = text.slice(start, end);
    at = text.indexOf(opening, end ?? start);
  }
  return last;
}

function closingBrace(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '{' && ++depth > deepestBraces) return undefined;
    if (text[at] === '}' && depth-- === 0) return at;
  }
  return undefined;
}

/**
 * Whether too many characters are unusual. ASCII letters, digits and punctuation, white space and
 * U+2200..U+22FF are usual.
 */
function isGarbled(characters: Uint32Array): boolean {
  let unusual = 0;
  for (const code of characters) {
    const usual =
      (code >= 0x20 && code < 0x7f) ||
      (code >= 0x2200 && code <= 0x22ff) ||
      /\s/u.test(String.fromCodePoint(code));
    if (!usual) unusual++;
  }
  return unusual > garbledShare * characters.length;
}

const newline = 10;
/** An offset above all code points, which gives every newline a code of its own. */
const newlineCodes = 0x11_0000;
const hashBase = 0x01_00_01_93;

/**
 * Whether some run of five or more characters, without a newline, occurs five times back to back.
 * Such a run contains four equal blocks that begin at multiples of its length. Hashes find these
 * blocks in n log n time; the text itself then confirms them.
 */
function repeats(characters: Uint32Array): boolean {
  const count = characters.length;
  const codes = characters.map((code, at) => (code === newline ? newlineCodes + at : code));
  const hashes = new Uint32Array(count + 1);
  for (let at = 0; at < count; at++) {
    hashes[at + 1] = Math.imul(hashes[at] ?? 0, hashBase) + (codes[at] ?? 0);
  }
  let power = 1;
  for (let i = 1; i < unitLength; i++) power = Math.imul(power, hashBase);
  for (let unit = unitLength; unit * unitRepeats <= count; unit++) {
    power = Math.imul(power, hashBase);
    let before: number | undefined;
    let same = 0;
    for (let end = unit; end <= count; end += unit) {
      const hash = ((hashes[end] ?? 0) - Math.imul(hashes[end - unit] ?? 0, power)) >>> 0;
      same = hash === before ? same + 1 : 1;
      before = hash;
      const start = end - unit * (unitRepeats - 1);
      if (same >= unitRepeats - 1 && repeatsAround(codes, start, unit)) return true;
    }
  }
  return false;
}

/**
 * Whether the text around `at` repeats a block of `unit` characters five times. The repetition may
 * begin up to `unit` characters before `at`.
 */
function repeatsAround(codes: Uint32Array, at: number, unit: number): boolean {
  const needed = unit * (unitRepeats - 1);
  let first = at;
  let last = at;
  while (last + unit < codes.length && last - at < needed && codes[last] === codes[last + unit]) {
    last++;
  }
  while (first > 0 && at - first < unit && codes[first - 1] === codes[first - 1 + unit]) first--;
  return last - first >= needed;
}
