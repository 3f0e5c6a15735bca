import { answerFields, textAnswerOf } from '../formats/answer-fields.ts';
import { FormatError } from '../formats/format-error.ts';
import { readPrompts } from '../formats/prompts.ts';
import { PromptMatcher } from '../lim/prompt-matcher.ts';
import { withSource } from './sources.ts';

/** Texts that the matcher is asked about, in characters, before it is made anew: it keeps them. */
const mostRemembered = 1 << 24;

interface Entry {
  readonly prompt: string;
  readonly answer: string;
}

/** The answers of a prompt file, found by a prompt or by the text of its chat template. */
export class AnswerBook {
  readonly #entries: readonly Entry[];
  readonly #byPrompt = new Map<string, string>();
  #matcher = new PromptMatcher();
  #remembered = 0;

  private constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    for (const { prompt, answer } of entries) {
      const key = keyOf(prompt);
      if (!this.#byPrompt.has(key)) this.#byPrompt.set(key, answer);
    }
    this.#fill();
  }

  /** @throws FormatError naming the row that has no prompt or no answer. */
  static open(path: string): Promise<AnswerBook> {
    return withSource(path, async (source) => {
      const { rows } = await readPrompts(source);
      if (rows.length === 0) throw new FormatError(`${path}: no rows`);
      const entries = rows.map(({ where, prompt, record }) => {
        const answer = textAnswerOf(record);
        if (answer !== undefined) return { prompt, answer };
        throw new FormatError(`${where}: no text in ${answerFields.join(' or ')}`);
      });
      return new AnswerBook(entries);
    });
  }

  get size(): number {
    return this.#byPrompt.size;
  }

  /** The answer to a prompt, matched as rollouts are; undefined where none or several match. */
  find(text: string): string | undefined {
    const known = this.#byPrompt.get(keyOf(text));
    if (known !== undefined) return known;
    this.#remembered += text.length;
    if (this.#remembered > mostRemembered) {
      this.#matcher = new PromptMatcher();
      this.#remembered = text.length;
      this.#fill();
    }
    try {
      const found = this.#matcher.find(text, 'a query');
      return found && this.#entries[found.index]?.answer;
    } catch (error) {
      // Several prompts stand in the text: none is known to be meant.
      if (error instanceof Error && error.name === 'ConfigError') return undefined;
      throw error;
    }
  }

  #fill(): void {
    for (const { prompt } of this.#entries) this.#matcher.add(prompt);
  }
}

/** Tokenizers compose accents, and templates strip the ends. */
const keyOf = (prompt: string): string => prompt.trim().normalize('NFC');
