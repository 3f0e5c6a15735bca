import { ConfigError } from '../config-error.ts';
import { comparable, historyOf, type Prompt } from '../formats/conversation.ts';

/** How the text of a row was matched with a prompt of the pool. */
export type MatchedBy = 'template' | 'containment';

/**
 * The markup that a chat template puts around the last user turn. Dumps decoded without special
 * tokens lack the tokens.
 */
interface Markup {
  readonly before: string;
  readonly after: string;
  /** Whether `before` must begin a line. Other headers may follow text directly. */
  readonly ownLine?: boolean;
  /** Whether the markup is plain words, so that the prompt itself may contain it. */
  readonly words?: boolean;
}

const roleMarkup: readonly Markup[] = [
  // ChatML: Qwen.
  { before: '<|im_start|>user\n', after: '<|im_end|>' },
  // Llama 3.
  { before: '<|start_header_id|>user<|end_header_id|>\n\n', after: '<|eot_id|>' },
  // Llama 2, Mistral. A system text may begin the turn.
  { before: '[INST]', after: '[/INST]' },
  // Gemma.
  { before: '<start_of_turn>user\n', after: '<end_of_turn>' },
  // DeepSeek.
  { before: '<｜User｜>', after: '<｜Assistant｜>' },
  // Gemma without its tokens.
  { before: 'user\n', after: '\nmodel\n', ownLine: true, words: true },
  // Llama 3 without its tokens. Headers follow the text before them directly.
  { before: 'user\n\n', after: 'assistant\n\n', words: true },
  // ChatML without its tokens.
  { before: 'user\n', after: '\nassistant\n', ownLine: true, words: true },
];

/** Number of places that are tried for markup of plain words, from the last one backwards. */
const mostPlaces = 32;

/** Number of possible last user turns that are searched for a contained prompt. */
const mostTurns = 4;

/** Shorter prompts match only as a whole line: inside a line, `5` would occur everywhere. */
const prefixLength = 20;

/** Limit on the characters of prompts that are compared with one text. */
const mostCompared = 2 ** 26;

/** Limit on the total length of texts whose prompts are remembered. */
const mostRemembered = 2 ** 26;

/** Whether a character continues a word or a number. */
const isWord = (character: string): boolean => /[\p{L}\p{N}_]/u.test(character);

/** A place where a prompt of the pool occurs in a text. */
interface Found {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A text of the pool that begins with a prefix. */
interface Entry {
  readonly text: string;
  /** The longest other text of the pool that is a prefix of this text. */
  shorter: Entry | undefined;
}

/** A prompt of the pool, with the earlier turns of its conversation. */
interface Member {
  readonly index: number;
  readonly history: readonly { readonly role: string; readonly text: string }[];
}

export interface MatchOptions {
  /** The row, for messages. */
  readonly where: string;
  /** Whether the text also contains the response. Prompts in the response do not count. */
  readonly answered?: boolean;
}

/**
 * Finds the prompt of a pool that a row belongs to, if the row's text is longer than the prompt.
 * Rollout dumps contain the prompt inside a chat template, often followed by an instruction. The
 * work grows with the length of a text only, even if the text resembles many prompts.
 */
export class PromptMatcher {
  readonly #byText = new Map<string, Member[]>();
  readonly #identities = new Set<string>();
  readonly #byPrefix = new Map<string, Entry[]>();
  readonly #known = new Map<string, { index: number; by: MatchedBy } | undefined>();
  #remembered = 0;
  #sorted = true;

  /** Adds a prompt of the pool under its index. Of equal conversations, the first counts. */
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
   * Finds the prompt in a row's text: the text without known role markup, or else the one prompt
   * that the text contains. A prompt that is part of another contained prompt does not count. Of
   * prompts with the same text, the prompt counts whose earlier turns the row's text contains.
   *
   * @throws ConfigError if the text contains several prompts.
   */
  find(text: string, options: MatchOptions): { index: number; by: MatchedBy } | undefined {
    // A text with a response occurs only once, so remembering it is useless.
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
    // If there is a last user turn, search only that turn: examples before it contain prompts too.
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

  /** Chooses among prompts with the same text by the turns before them. */
  #chosen(
    members: readonly Member[],
    text: string,
    prompt: string,
    where: string,
  ): number | undefined {
    const lengths = members.map(({ history }) => inOrder(text, history));
    // All user turns must occur in the text. A system text may be missing, but one that occurs
    // wins.
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
      // Of all prompts that begin here, only the longest counts: the others are parts of it.
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
      // Sorting puts a prefix before its longer texts; all texts in between begin with the prefix
      // too.
      for (const [i, entry] of same.entries()) {
        let shorter: Entry | undefined = same[i - 1];
        while (shorter && !entry.text.startsWith(shorter.text)) shorter = shorter.shorter;
        entry.shorter = shorter;
      }
    }
  }
}

/**
 * Counts the characters of the turns that a text contains in order; undefined if a user turn is
 * missing.
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

/**
 * The last user turn of a text, according to each template. The work grows with the text's length.
 */
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
      // A dump of prompts ends with the header of the answer. In a dump of whole texts the header
      // is inside.
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

/** The index where the last `[INST]` turn begins, after its system text. */
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

/** The texts found outside all other found texts, in order and without duplicates. */
function outermost(found: readonly Found[]): string[] {
  // Sorted by start, then longest first, a text can only lie inside an earlier one.
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
