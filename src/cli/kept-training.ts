import { bytesText } from '../gpu/memory.ts';
import type { ParameterLayout } from '../model/parameters.ts';
import type { PretrainKeeping, PretrainState } from '../scheduler/base.ts';
import { system } from './system.ts';

/** Longest time between two copies of a training, unless one update takes longer. */
const COPY_SECONDS = 300;
/** Largest copy in host memory, in bytes. Two copies exist while a new one replaces the old one. */
const MOST_BYTES = 2 ** 31;

/** One weight and two moments, each f32. */
const BYTES_PER_PARAMETER = 12;

/**
 * A host copy of the weights and moments of a training. The training resumes from the copy, bit for
 * bit, when its device is lost. A training too large to copy begins again and gives the same bits.
 */
export class KeptTraining implements PretrainKeeping {
  from: PretrainState | undefined;
  readonly #bytes: number;
  #savedAt = performance.now();
  #begun = false;

  /** @param layout What is trained: a model, or adapters. */
  constructor({ pages }: Pick<ParameterLayout, 'pages'>) {
    this.#bytes = BYTES_PER_PARAMETER * pages.reduce((sum, { size }) => sum + size, 0);
  }

  /** Reports where the training resumes; reports nothing at the first start. */
  async begin(): Promise<void> {
    this.#savedAt = performance.now();
    if (!this.#begun) {
      this.#begun = true;
      return;
    }
    const again =
      this.#bytes > MOST_BYTES
        ? `beginning again: a copy of ${bytesText(this.#bytes)} is not kept`
        : 'beginning again: no copy was made yet';
    const host = await system();
    await host.stderr(`${this.from ? `going on after update ${this.from.update}` : again}\n`);
  }

  readonly due = (): boolean =>
    this.#bytes <= MOST_BYTES && performance.now() - this.#savedAt >= COPY_SECONDS * 1000;

  readonly save = (state: PretrainState): Promise<void> => {
    this.from = state;
    this.#savedAt = performance.now();
    return Promise.resolve();
  };
}
