import { ConfigError } from '../config-error.ts';

/** How a row's text led to a prompt of the pool. */
export type MatchedBy = 'template' | 'containment';

/**
 * What comes before the last user turn of a rendered chat, and what ends it: with the special tokens
 * written out, and as dumps have it that were decoded without them.
 */
const roleMarkup: readonly (readonly [before: RegExp, after: RegExp])[] = [
  // ChatML: Qwen.
  [/<\|im_start\|>user\n/g, /<\|im_end\|>/],
  // Llama 3.
  [/<\|start_header_id\|>user<\|end_header_id\|>\n\n/g, /<\|eot_id\|>/],
  // Llama 2, Mistral; a system text may come first in the turn.
  [/\[INST\](?:\s*<<SYS>>[^]*?<<\/SYS>>)?/g, /\[\/INST\]/],
  // Gemma.
  [/<start_of_turn>user\n/g, /<end_of_turn>/],
  // Llama 3 without its tokens: headers run into the text before them.
  [/user\n\n/g, /assistant\n\n\s*$/],
  // ChatML without its tokens.
  [/(?:^|\n)user\n/g, /\nassistant\n\s*$/],
];

/** Shorter prompts count only as a whole line: inside one, `5` would be found everywhere. */
const prefixLength = 20;

/** Characters that go on a word or a number. */
const isWord = (character: string): boolean => /[\p{L}\p{N}_]/u.test(character);

/** Where in a text a prompt of the pool stands. */
interface Found {
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Finds which prompt of a pool a row is about whose text is more than the prompt: rollout dumps hold
 * the prompt after the chat template, often with an instruction behind it.
 */
export class PromptMatcher {
  readonly #texts: string[] = [];
  readonly #byText = new Map<string, number>();
  readonly #byPrefix = new Map<string, number[]>();
  readonly #known = new Map<string, { index: number; by: MatchedBy } | undefined>();

  /** The next prompt of the pool. Of equal texts the first counts. */
  add(prompt: string): void {
    const text = prompt.trim();
    const index = this.#texts.push(text) - 1;
    if (text === '' || this.#byText.has(text)) return;
    this.#byText.set(text, index);
    if (text.length < prefixLength) return;
    const prefix = text.slice(0, prefixLength);
    const same = this.#byPrefix.get(prefix);
    if (same) same.push(index);
    else this.#byPrefix.set(prefix, [index]);
  }

  /**
   * The prompt that a row's text holds: what is left when known role markup is taken off, else the
   * one prompt contained in it. One prompt that is a part of another found one does not count.
   *
   * @param where The row, for the message.
   * @throws ConfigError when the text holds several.
   */
  find(text: string, where: string): { index: number; by: MatchedBy } | undefined {
    if (this.#known.has(text)) return this.#known.get(text);
    const found = this.#search(text, where);
    this.#known.set(text, found);
    return found;
  }

  #search(text: string, where: string): { index: number; by: MatchedBy } | undefined {
    const turns = userTurns(text);
    for (const turn of turns) {
      const index = this.#byText.get(turn.trim());
      if (index !== undefined) return { index, by: 'template' };
    }
    // The last user's turn alone where there is one: examples before it hold prompts too.
    const [index, another] = outermost(this.#contained(turns[0] ?? text));
    if (index === undefined) return undefined;
    if (another !== undefined) {
      throw new ConfigError(
        `${where}: the text holds several prompts of the prompt file, ` +
          `'${short(this.#texts[index])}' and '${short(this.#texts[another])}'; ` +
          'give rows and prompts an id',
      );
    }
    return { index, by: 'containment' };
  }

  #contained(text: string): Found[] {
    const found: Found[] = [];
    for (const { 0: line, index: start } of text.matchAll(/[^\n]+/g)) {
      const index = this.#byText.get(line.trim());
      if (index !== undefined) found.push({ index, start, end: start + line.length });
    }
    for (let start = 0; start + prefixLength <= text.length; start++) {
      const same = this.#byPrefix.get(text.slice(start, start + prefixLength));
      if (!same || (start > 0 && isWord(text.charAt(start - 1)) && isWord(text.charAt(start)))) {
        continue;
      }
      for (const index of same) {
        const prompt = this.#texts[index] ?? '';
        const end = start + prompt.length;
        const goesOn = isWord(text.charAt(end - 1)) && isWord(text.charAt(end));
        if (text.startsWith(prompt, start) && !goesOn) found.push({ index, start, end });
      }
    }
    return found;
  }
}

/** What each template takes for the last user turn of a text. */
function userTurns(text: string): string[] {
  const turns: string[] = [];
  for (const [before, after] of roleMarkup) {
    const last = [...text.matchAll(before)].at(-1);
    if (!last) continue;
    const turn = text.slice(last.index + last[0].length);
    const end = after.exec(turn);
    if (end) turns.push(turn.slice(0, end.index));
  }
  return turns;
}

/** The prompts found outside of any other found one, each once. */
function outermost(found: readonly Found[]): number[] {
  const isInside = (inner: Found, outer: Found): boolean =>
    inner.index !== outer.index &&
    inner.start >= outer.start &&
    inner.end <= outer.end &&
    inner.end - inner.start < outer.end - outer.start;
  const outer = found.filter((inner) => !found.some((other) => isInside(inner, other)));
  return [...new Set(outer.map(({ index }) => index))];
}

const short = (text = ''): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);
