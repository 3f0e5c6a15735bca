/**
 * End tokens of the common model families. A response that ends with such a token ended by itself.
 */
export const knownEndTokens = [
  '<|im_end|>',
  '<|endoftext|>',
  '</s>',
  '<|eot_id|>',
  '<end_of_turn>',
] as const;

/** What is known about the end of a response, besides its text. */
export interface EndRule {
  /** Whether the response ended by itself. If given, the text does not decide. */
  readonly finished?: boolean | undefined;
  /** More end tokens, of other model families. */
  readonly endTokens?: readonly string[] | undefined;
}

/** A response without its end token and all that follows the end token. */
export interface EndedText {
  readonly text: string;
  /** False if the response was cut, so that its answer may be anything. */
  readonly finished: boolean;
}

/**
 * End tokens that ordinary text never contains. Whatever follows the first of them is another turn.
 */
const turnMark = /^<(?:[|\uff5c].*[|\uff5c]|end_of_turn)>$/su;
/** Padding that decoders leave after an end token where rows of a batch differ in length. */
const padding = ['<pad>', '[PAD]', '<|pad|>'];

/**
 * Cuts a response at its end token. A token such as `<|im_end|>` ends the response at its first
 * occurrence. A token such as `</s>`, which text about HTML may contain, ends the response only if
 * nothing follows but end tokens, padding and white space.
 */
export function endOf(response: string, { finished, endTokens = [] }: EndRule = {}): EndedText {
  const tokens = [...knownEndTokens, ...endTokens].filter((token) => token !== '');
  let end = response.length;
  let found = false;
  for (const token of tokens) {
    const at = turnMark.test(token) ? response.indexOf(token) : -1;
    if (at < 0 || at >= end) continue;
    end = at;
    found = true;
  }
  // Look before the mark as well: some templates write two end tokens.
  for (let kept = end; kept > 0;) {
    const last = lastOf(response, kept, tokens) ?? lastOf(response, kept, padding);
    if (last === undefined) break;
    kept = last.start;
    if (!tokens.includes(last.token)) continue;
    end = kept;
    found = true;
  }
  return { text: response.slice(0, end), finished: finished ?? found };
}

/** The token that the text up to `end` ends with, ignoring white space after the token. */
function lastOf(
  text: string,
  end: number,
  tokens: readonly string[],
): { readonly token: string; readonly start: number } | undefined {
  let trimmed = end;
  while (trimmed > 0 && /\s/.test(text.charAt(trimmed - 1))) trimmed--;
  // Try the untrimmed end first: a token may itself be white space.
  for (const at of [end, trimmed]) {
    const token = tokens.find((one) => text.endsWith(one, at));
    if (token !== undefined) return { token, start: at - token.length };
  }
  return undefined;
}
