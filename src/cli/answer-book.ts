import { answerFields, textAnswerOf } from '../formats/answer-fields.ts';
import { comparable } from '../formats/conversation.ts';
import { FormatError } from '../formats/format-error.ts';
import { readPrompts } from '../formats/prompts.ts';
import { PromptMatcher } from '../lim/prompt-matcher.ts';
import { withSource } from './sources.ts';

interface Entry {
  readonly prompt: string;
  readonly answer: string;
}

/** The answers of a prompt file. A prompt, or the text of its chat template, finds its answer. */
export class AnswerBook {
  readonly #entries: readonly Entry[];
  readonly #byPrompt = new Map<string, string>();
  readonly #matcher = new PromptMatcher();

  private constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    for (const [i, { prompt, answer }] of entries.entries()) {
      const key = comparable(prompt);
      if (!this.#byPrompt.has(key)) this.#byPrompt.set(key, answer);
      this.#matcher.add(i, { prompt });
    }
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

  /**
   * The answer to a prompt, matched as rollouts are; undefined when no prompt or several prompts
   * match.
   *
   * @param answered Whether the text continues with the response.
   */
  find(text: string, answered = false): string | undefined {
    const known = this.#byPrompt.get(comparable(text));
    if (known !== undefined) return known;
    try {
      const found = this.#matcher.find(text, { where: 'a query', answered });
      return found && this.#entries[found.index]?.answer;
    } catch (error) {
      // Several prompts occur in the text: none of them can be chosen.
      if (error instanceof Error && error.name === 'ConfigError') return undefined;
      throw error;
    }
  }
}
