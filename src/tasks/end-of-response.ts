/** End tokens of the common model families: a response that ends with one ended by itself. */
export const knownEndTokens = [
  '<|im_end|>',
  '<|endoftext|>',
  '</s>',
  '<|eot_id|>',
  '<end_of_turn>',
] as const;

/** What is known of a response's end besides its text. */
export interface EndRule {
  /** Whether it ended by itself, where somebody knows: then the text does not decide. */
  readonly finished?: boolean | undefined;
  /** Further end tokens, of other families. */
  readonly endTokens?: readonly string[] | undefined;
}

/** A response without what is no part of the answer. */
export interface EndedText {
  readonly text: string;
  /** False: it was cut, so that its answer may be anything. */
  readonly finished: boolean;
}

/** Tokens that no text holds: from the first of them on, whatever follows is another turn. */
const turnMark = /^<(?:[|\uff5c].*[|\uff5c]|end_of_turn)>$/su;
/** What decoders leave behind an end token where rows of a batch are of different length. */
const padding = ['<pad>', '[PAD]', '<|pad|>'];

/**
 * A response up to its end token. Tokens like `<|im_end|>` end it wherever the first of them stands;
 * others, `</s>` for one, which a text about HTML may hold, only where nothing but end tokens,
 * padding and white space follows.
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
  // Also before the mark: some templates write two end tokens.
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

/** The token that a text ends with at a place, white space behind it aside. */
function lastOf(
  text: string,
  end: number,
  tokens: readonly string[],
): { readonly token: string; readonly start: number } | undefined {
  let trimmed = end;
  while (trimmed > 0 && /\s/.test(text.charAt(trimmed - 1))) trimmed--;
  // A token may be white space itself.
  for (const at of [end, trimmed]) {
    const token = tokens.find((one) => text.endsWith(one, at));
    if (token !== undefined) return { token, start: at - token.length };
  }
  return undefined;
}
