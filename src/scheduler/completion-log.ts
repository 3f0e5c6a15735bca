import type { PromptCompletions } from '../results.ts';
import type { RunStore } from './run-store.ts';

/** Most responses of one seed's FULL pass that are kept for looking at. */
const MOST_RESPONSES = 2 ** 20;

type Responses = PromptCompletions['epochs'][number]['completions'];

/** One data epoch: a prompt's responses by its place in the pool. */
interface Epoch {
  readonly byPrompt: Map<number, Responses>;
  /** Holds what its file lacks. */
  changed: boolean;
}

/**
 * What the FULL pass of one seed sampled, for looking at: in memory, and with the run in one file
 * per data epoch, a JSON array `[prompt, [text, reward], ...]` a line. Nothing is computed from it.
 * Of a pool so large that its responses pass about a million, the first prompts alone are kept.
 */
export class CompletionLog {
  /** Prompts from this place in the pool on are not kept. */
  readonly #prompts: number;
  readonly #epochs = new Map<number, Epoch>();
  readonly #seed: number;

  constructor(
    seed: number,
    of: { readonly epochs: number; readonly samples: number },
    most = MOST_RESPONSES,
  ) {
    this.#seed = seed;
    this.#prompts = Math.floor(most / (of.epochs * of.samples));
  }

  /** Whether a prompt's responses are kept. */
  keeps(prompt: number): boolean {
    return prompt < this.#prompts;
  }

  remember(epoch: number, prompt: number, responses: Responses): void {
    if (!this.keeps(prompt)) return;
    const held = this.#epochs.get(epoch) ?? { byPrompt: new Map(), changed: true };
    held.byPrompt.set(prompt, responses);
    held.changed = true;
    this.#epochs.set(epoch, held);
  }

  /** A prompt's responses, epoch by epoch. */
  of(prompt: number): PromptCompletions['epochs'] {
    return [...this.#epochs].flatMap(([epoch, { byPrompt }]) => {
      const completions = byPrompt.get(prompt);
      return completions ? [{ epoch, completions }] : [];
    });
  }

  /** Writes the epochs that have changed since. */
  async save(store: RunStore): Promise<void> {
    for (const [epoch, held] of this.#epochs) {
      if (!held.changed) continue;
      const lines = [...held.byPrompt]
        .sort(([a], [b]) => a - b)
        .map(([prompt, responses]) =>
          JSON.stringify([prompt, ...responses.map(({ text, reward }) => [text, reward])]),
        );
      await store.write(this.#file(epoch), `${lines.join('\n')}\n`);
      held.changed = false;
    }
  }

  /**
   * Reads the files of the first `epochs` epochs. One that is missing or damaged is left out: they
   * are there to be looked at, and a run must not fail for them.
   *
   * @returns Files that were there and could not be read.
   */
  async load(store: RunStore, epochs: number): Promise<string[]> {
    const damaged: string[] = [];
    for (let epoch = 0; epoch < epochs; epoch++) {
      const bytes = await store.read(this.#file(epoch));
      if (!bytes) continue;
      const byPrompt = parse(new TextDecoder().decode(bytes));
      if (byPrompt) this.#epochs.set(epoch, { byPrompt, changed: false });
      else damaged.push(this.#file(epoch));
    }
    return damaged;
  }

  #file(epoch: number): string {
    return `completions/seed-${this.#seed}-epoch-${epoch}.jsonl`;
  }
}

function parse(text: string): Map<number, Responses> | undefined {
  const byPrompt = new Map<number, Responses>();
  try {
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const [prompt, ...pairs] = JSON.parse(line) as unknown[];
      const responses = pairs.map(responseOf);
      if (!Number.isInteger(prompt)) return undefined;
      byPrompt.set(prompt as number, responses);
    }
  } catch {
    return undefined;
  }
  return byPrompt;
}

/** @throws TypeError where it is no pair of text and number. */
function responseOf(pair: unknown): Responses[number] {
  const [text, reward] = pair as readonly unknown[];
  if (typeof text !== 'string' || typeof reward !== 'number') throw new TypeError('not a response');
  return { text, reward };
}
