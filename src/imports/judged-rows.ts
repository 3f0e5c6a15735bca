import { identityOf } from '../formats/conversation.ts';
import type { RolloutRow } from '../formats/rollouts.ts';

type Judged = RolloutRow & { readonly judged: NonNullable<RolloutRow['judged']> };

/** Whether only its time tells a row's place in the training. */
export const isTimed = (row: RolloutRow): row is Judged =>
  row.judged !== undefined && row.step === undefined && row.epoch === undefined;

/**
 * Rows of engines that tell a reward function no step. Several processes judge, each into a file of
 * its own, and answers to several prompts come in between one another. So a prompt's rows are put
 * into the order of their times, and every `samples` of them are one visit: the first visit is data
 * epoch 0. Memory grows with the rows.
 */
export class JudgedRows {
  readonly #byPrompt = new Map<string, Judged[]>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(row: Judged): void {
    const key = row.id === undefined ? ` ${identityOf(row)}` : `#${row.id}`;
    const known = this.#byPrompt.get(key);
    if (known) known.push(row);
    else this.#byPrompt.set(key, [row]);
    this.#count++;
  }

  /** The rows with their data epochs, prompt after prompt in the order of their first times. */
  *inEpochs(): Generator<RolloutRow & { readonly epoch: number }> {
    const byTime = (a: Judged, b: Judged): number => a.judged.time - b.judged.time;
    const prompts = [...this.#byPrompt.values()].map((rows) => rows.sort(byTime));
    const firstTime = ([first]: readonly Judged[]): number => first?.judged.time ?? 0;
    prompts.sort((a, b) => firstTime(a) - firstTime(b));
    for (const rows of prompts) {
      for (const [place, row] of rows.entries()) {
        yield { ...row, epoch: Math.floor(place / row.judged.samples) };
      }
    }
  }
}
