import { ConfigError } from '../config-error.ts';
import { comparable, historyOf, type Prompt } from '../formats/conversation.ts';

/** How a row's text led to a prompt of the pool. */
export type MatchedBy = 'template' | 'containment';

/**
 * What a chat template puts round the last user turn: with the special tokens written out, and as
 * dumps have it that were decoded without them.
 */
interface Markup {
  readonly before: string;
  readonly after: string;
  /** Whether `before` must begin a line; other headers run into the text before them. */
  readonly ownLine?: boolean;
  /** Whether the prompt itself may hold the markup, which is then only words. */
  readonly words?: boolean;
}

const roleMarkup: readonly Markup[] = [
  // ChatML: Qwen.
  { before: '<|im_start|>user\n', after: '<|im_end|>' },
  // Llama 3.
  { before: '<|start_header_id|>user<|end_header_id|>\n\n', after: '<|eot_id|>' },
  // Llama 2, Mistral; a system text may come first in the turn.
  { before: '[INST]', after: '[/INST]' },
  // Gemma.
  { before: '<start_of_turn>user\n', after: '<end_of_turn>' },
  // DeepSeek.
  { before: '<｜User｜>', after: '<｜Assistant｜>' },
  // Gemma without its tokens.
  { before: 'user\n', after: '\nmodel\n', ownLine: true, words: true },
  // Llama 3 without its tokens: headers run into the text before them.
  { before: 'user\n\n', after: 'assistant\n\n', words: true },
  // ChatML without its tokens.
  { before: 'user\n', after: '\nassistant\n', ownLine: true, words: true },
];

/** Places of markup that is only words that are tried, from the last one on. */
const mostPlaces = 32;

/** Of what may be the last user turn, how many are looked through for a prompt and more. */
const mostTurns = 4;

/** Shorter prompts count only as a whole line: inside one, `5` would be found everywhere. */
const prefixLength = 20;

/** Characters of prompts that are compared with one text, at most. */
const mostCompared = 2 ** 26;

/** Texts whose prompt is remembered, and how long they may be together. */
const mostRemembered = 2 ** 26;

/** Characters that go on a word or a number. */
const isWord = (character: string): boolean => /[\p{L}\p{N}_]/u.test(character);

/** Where in a text a prompt of the pool stands. */
interface Found {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A text of the pool that begins with a prefix. */
interface Entry {
  readonly text: string;
  /** The longest other text of the pool that this one begins with. */
  shorter: Entry | undefined;
}

/** A prompt of the pool, and what the conversation before it was. */
interface Member {
  readonly index: number;
  readonly history: readonly { readonly role: string; readonly text: string }[];
}

export interface MatchOptions {
  /** The row, for messages. */
  readonly where: string;
  /** Whether the response follows in the text, so that a prompt in it does not count. */
  readonly answered?: boolean;
}

/**
 * Finds which prompt of a pool a row is about whose text is more than the prompt: rollout dumps hold
 * the prompt after the chat template, often with an instruction behind it. Work goes with the length of
 * a text, whatever pool and text have in common.
 */
export class PromptMatcher {
  readonly #byText = new Map<string, Member[]>();
  readonly #identities = new Set<string>();
  readonly #byPrefix = new Map<string, Entry[]>();
  readonly #known = new Map<string, { index: number; by: MatchedBy } | undefined>();
  #remembered = 0;
  #sorted = true;

  /** A prompt of the pool, under its number. Of equal conversations the first counts. */
  add(index: number, prompt: Prompt): void {
    const text = comparable(prompt.prompt);
    if (text === '') return;
    const member = { index, history: historyOf(prompt) };
    const identity = JSON.stringify([text, member.history]);
    if (this.#identities.has(identity)) return;
    this.#identities.add(identity);
    const members = this.#byText.get(text);
    if (members) {
      members.push(member);
      return;
    }
    this.#byText.set(text, [member]);
    if (text.length < prefixLength) return;
    const prefix = text.slice(0, prefixLength);
    const same = this.#byPrefix.get(prefix);
    const entry = { text, shorter: undefined };
    if (same) same.push(entry);
    else this.#byPrefix.set(prefix, [entry]);
    this.#sorted = false;
  }

  /**
   * The prompt that a row's text holds: what is left when known role markup is taken off, else the
   * one prompt contained in it. One prompt that is a part of another found one does not count. Of
   * prompts with one text, that whose earlier turns are in the row's text too.
   *
   * @throws ConfigError when the text holds several.
   */
  find(text: string, options: MatchOptions): { index: number; by: MatchedBy } | undefined {
    // With a response in it a text comes once.
    if (options.answered) return this.#search(text.normalize('NFC'), options);
    if (this.#known.has(text)) return this.#known.get(text);
    const found = this.#search(text.normalize('NFC'), options);
    this.#remembered += text.length + prefixLength;
    if (this.#remembered <= mostRemembered) this.#known.set(text, found);
    return found;
  }

  #search(
    text: string,
    { where, answered = false }: MatchOptions,
  ): { index: number; by: MatchedBy } | undefined {
    const turns = userTurns(text, answered);
    for (const turn of turns) {
      const members = this.#byText.get(turn.trim());
      const index = members && this.#chosen(members, text, turn, where);
      if (index !== undefined) return { index, by: 'template' };
    }
    // The last user's turn alone where there is one: examples before it hold prompts too.
    let found: string[] = [];
    for (const turn of turns.length > 0 ? turns.slice(0, mostTurns) : [text]) {
      found = outermost(this.#contained(turn, where));
      if (found.length > 0) break;
    }
    const [first, another] = found;
    if (first === undefined) return undefined;
    if (another !== undefined && !answered) {
      throw new ConfigError(
        `${where}: the text holds several prompts of the prompt file, ` +
          `'${short(first)}' and '${short(another)}'; give rows and prompts an id`,
      );
    }
    const index = this.#chosen(this.#byText.get(first) ?? [], text, first, where);
    return index === undefined ? undefined : { index, by: 'containment' };
  }

  /** Which of the prompts with one text a row's text is, by the turns before it. */
  #chosen(
    members: readonly Member[],
    text: string,
    prompt: string,
    where: string,
  ): number | undefined {
    const lengths = members.map(({ history }) => inOrder(text, history));
    // Turns of users must be there; a system text may be another, of which the one that is wins.
    const possible = members.flatMap((member, i) => {
      const length = lengths[i];
      return length === undefined ? [] : [{ ...member, length }];
    });
    const longest = possible.reduce((most, { length }) => Math.max(most, length), 0);
    const [best, another] = possible.filter(({ length }) => length === longest);
    if (best !== undefined && another !== undefined) {
      throw new ConfigError(
        `${where}: the text may be several conversations of the prompt file that end with ` +
          `'${short(prompt)}'; give rows and prompts an id`,
      );
    }
    return best?.index;
  }

  #contained(text: string, where: string): Found[] {
    this.#sort();
    const found: Found[] = [];
    for (const { 0: line, index: start } of text.matchAll(/[^\n]+/g)) {
      const own = line.trim();
      if (this.#byText.has(own)) found.push({ text: own, start, end: start + line.length });
    }
    let compared = 0;
    for (let start = 0; start + prefixLength <= text.length; start++) {
      const same = this.#byPrefix.get(text.slice(start, start + prefixLength));
      if (!same || (start > 0 && isWord(text.charAt(start - 1)) && isWord(text.charAt(start)))) {
        continue;
      }
      // Of all that begin here only the longest counts: the others are parts of it.
      let low = 0;
      let high = same.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        const other = same[middle]?.text ?? '';
        compared += other.length;
        if (other <= text.slice(start, start + other.length)) low = middle + 1;
        else high = middle;
      }
      let entry: Entry | undefined = same[low - 1];
      for (; entry; entry = entry.shorter) {
        const end = start + entry.text.length;
        compared += entry.text.length;
        const goesOn = isWord(text.charAt(end - 1)) && isWord(text.charAt(end));
        if (!goesOn && text.startsWith(entry.text, start)) break;
      }
      if (entry) found.push({ text: entry.text, start, end: start + entry.text.length });
      if (compared > mostCompared) {
        throw new ConfigError(
          `${where}: too much of the text begins like prompts of the prompt file to tell which it ` +
            'holds; give rows and prompts an id',
        );
      }
    }
    return found;
  }

  #sort(): void {
    if (this.#sorted) return;
    this.#sorted = true;
    for (const same of this.#byPrefix.values()) {
      same.sort((a, b) => (a.text < b.text ? -1 : 1));
      // What a text begins with stands before it, and so do all that begin with that.
      for (const [i, entry] of same.entries()) {
        let shorter: Entry | undefined = same[i - 1];
        while (shorter && !entry.text.startsWith(shorter.text)) shorter = shorter.shorter;
        entry.shorter = shorter;
      }
    }
  }
}

/**
 * Characters of the turns that a text holds in their order; undefined where one of a user is not there.
 */
function inOrder(
  text: string,
  history: readonly { readonly role: string; readonly text: string }[],
): number | undefined {
  let at = 0;
  let length = 0;
  for (const turn of history) {
    if (turn.text === '') continue;
    const found = text.indexOf(turn.text, at);
    if (found >= 0) {
      at = found + turn.text.length;
      length += turn.text.length;
    } else if (turn.role === 'user') return undefined;
  }
  return length;
}

/** What each template takes for the last user turn of a text, in work that goes with its length. */
function userTurns(text: string, answered: boolean): string[] {
  const turns: string[] = [];
  const body = answered ? text : text.trimEnd();
  for (const { before, after, ownLine = false, words = false } of roleMarkup) {
    if (before === '[INST]') {
      const start = lastInstruction(text);
      const end = start === undefined ? -1 : text.indexOf(after, start);
      if (start !== undefined && end >= 0) turns.push(text.slice(start, end));
    } else if (!words) {
      const start = text.lastIndexOf(before);
      const end = start < 0 ? -1 : text.indexOf(after, start + before.length);
      if (end >= 0) turns.push(text.slice(start + before.length, end));
    } else {
      // A dump of prompts ends with the header of the answer, one of whole texts has it inside.
      const header = after.trimEnd();
      const close = body.endsWith(header) ? body.length - header.length : -1;
      if (close < 0 && !answered) continue;
      let from = answered ? text.length : close;
      for (let tried = 0; tried < mostPlaces; tried++) {
        const place = from < before.length ? -1 : text.lastIndexOf(before, from - before.length);
        if (place < 0) break;
        from = place;
        if (ownLine && place > 0 && text.charAt(place - 1) !== '\n') continue;
        const start = place + before.length;
        const end = answered ? text.indexOf(after, start) : close;
        if (end >= start) turns.push(text.slice(start, end));
      }
    }
  }
  return turns;
}

/** Where the last turn of `[INST]` begins, behind its system text. */
function lastInstruction(text: string): number | undefined {
  const blank = /\s*<<SYS>>/y;
  let start: number | undefined;
  const lastClose = text.lastIndexOf('<</SYS>>');
  for (let at = text.indexOf('[INST]'); at >= 0; at = text.indexOf('[INST]', start)) {
    start = at + '[INST]'.length;
    if (start > lastClose) continue;
    blank.lastIndex = start;
    if (blank.test(text)) start = text.indexOf('<</SYS>>', blank.lastIndex) + '<</SYS>>'.length;
  }
  return start;
}

/** The texts found outside of any other found one, each once, in their order. */
function outermost(found: readonly Found[]): string[] {
  // Whoever begins first, and of those the longest, can only lie in one that came before.
  const sorted = [...found].sort((a, b) => a.start - b.start || b.end - a.end);
  const outer = new Set<string>();
  let reach = -1;
  for (const { text, end } of sorted) {
    if (end <= reach) continue;
    reach = Math.max(reach, end);
    outer.add(text);
  }
  return [...outer];
}

const short = (text = ''): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);
