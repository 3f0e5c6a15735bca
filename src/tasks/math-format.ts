/** What the format rules say of one response to a mathematics problem. */
export interface MathFormat {
  /** False means a reward of -1, whatever the answer. */
  readonly formatted: boolean;
  /** The rule that was broken first; null when none was. */
  readonly reason: 'unfinished' | 'boxes' | 'garbled' | 'repetition' | 'no answer' | null;
  /** What the last `\boxed{...}` holds; null when there is none. */
  readonly extracted: string | null;
}

const endTokens = ['<|im_end|>', '<|endoftext|>'] as const;
/** A box that says `\boxed` this often is an attempt to please the checker. */
const tooManyBoxes = 5;
const garbledShare = 0.3;
const unitLength = 5;
const unitRepeats = 5;
/** Braces inside the box nest at most so deep: with the box's own, the four levels of the server. */
const deepestBraces = 3;

/**
 * The format rules of the released reward server, in its order, first hit wins: finished by an end
 * token; `\boxed` once to four times; at most 30 % unusual characters; nothing of five or more
 * characters five times back to back; a box with balanced braces.
 *
 * @param text The response as decoded, special tokens kept, without the prompt and its header. What
 *   follows the first end token, another turn perhaps, is not looked at.
 */
export function mathFormat(text: string): MathFormat {
  const ends = endTokens.map((token) => text.indexOf(token)).filter((at) => at >= 0);
  const fail = (reason: MathFormat['reason'], extracted: string | null): MathFormat => ({
    formatted: false,
    reason,
    extracted,
  });
  if (ends.length === 0) return fail('unfinished', lastBoxed(text));
  const answer = text.slice(0, Math.min(...ends)).trim();
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
 * The content of the last box. Boxes do not overlap: after `\boxed{a \boxed{b}}` the search goes on
 * behind the outer one, whose content it is. One that never closes, or nests braces deeper than
 * three levels, counts as none, and a box inside it is found.
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

/** Usual are ASCII letters, digits, punctuation, white space and U+2200..U+22FF. */
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

/**
 * Whether some run of five or more characters, none a newline, stands five times back to back.
 * For each length of run the text is compared with itself shifted by it: time is quadratic, where
 * the expression of the released server is cubic.
 */
function repeats(characters: Uint32Array): boolean {
  const count = characters.length;
  for (let unit = unitLength; unit * unitRepeats <= count; unit++) {
    const needed = unit * (unitRepeats - 1);
    let equal = 0;
    for (let at = unit; at < count; at++) {
      const code = characters[at];
      equal = code === characters[at - unit] && code !== newline ? equal + 1 : 0;
      if (equal >= needed) return true;
    }
  }
  return false;
}
