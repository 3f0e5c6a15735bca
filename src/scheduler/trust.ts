import type { VariantChoices } from '../../kernels/lib/variants.ts';
import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import { choicesOf, choicesOfRun, defaultChoices, unrunnable } from '../variants/choices.ts';
import { type KernelUse, queueChecks, replaceWrongVariants } from '../variants/self-check.ts';
import { CheckpointError } from './checkpoint.ts';

/** What a run needs of its kernels. */
type TrustedUse = Pick<ExperimentConfig, 'weightStorage' | 'cacheStorage'> &
  Pick<KernelUse, 'headDim' | 'sliding'>;

/**
 * The kernel variants that a run computes with, and the check that they are right on its device.
 */
export class KernelTrust {
  readonly #gpu: Gpu;
  readonly #config: TrustedUse;

  constructor(gpu: Gpu, config: TrustedUse) {
    this.#gpu = gpu;
    this.#config = config;
  }

  /** The variants, to be recorded with the run. */
  get choices(): VariantChoices {
    return choicesOf(this.#gpu);
  }

  /**
   * Makes plans built from now on use the variants of a checkpoint, so that the run continues with
   * the same bits.
   *
   * @param recorded The variants in a checkpoint; undefined for the adapter's defaults.
   * @throws CheckpointError if the variants are unknown or this device cannot run one.
   */
  force(recorded: unknown): void {
    const gpu = this.#gpu;
    const choices = recorded === undefined ? defaultChoices(gpu) : choicesOfRun(recorded);
    if (!choices) throw new CheckpointError('the checkpoint names no known variants of kernels');
    const missing = unrunnable(gpu, choices);
    if (missing) {
      const { family, variant } = missing;
      throw new CheckpointError(
        `the run was computed with ${family} in variant '${variant}', which ${gpu.name} cannot run`,
      );
    }
    gpu.choices = choices;
  }

  /** Requests the pipelines of the check with gradients, before pipelines of later plans. */
  queueCheck(): void {
    for (const use of this.#uses(true)) queueChecks(this.#gpu, use);
  }

  /**
   * Replaces variants that compute wrong on this device. Plans that were built before keep their
   * variants.
   *
   * @param training Whether to check kernels of gradients too.
   * @returns A sentence for each replaced variant. Results computed before must then be computed
   *   again.
   * @throws AdapterError if a kernel has no variant left.
   */
  async replaceWrong(training: boolean): Promise<string[]> {
    const sentences: string[] = [];
    for (const use of this.#uses(training)) {
      sentences.push(...(await replaceWrongVariants(this.#gpu, use)));
    }
    return sentences;
  }

  /** The uses of kernels to check. They always include f32, as bases are pre-trained in f32. */
  #uses(training: boolean): KernelUse[] {
    const { headDim, sliding, weightStorage = 'f32', cacheStorage: cache = 'f32' } = this.#config;
    const storages = new Set(['f32', weightStorage] as const);
    return Array.from(storages, (storage) => ({
      headDim,
      sliding,
      training,
      storage,
      cache,
    }));
  }
}
