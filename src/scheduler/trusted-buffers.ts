import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ModelConfig } from '../model/config.ts';
import type { Task } from '../tasks/task.ts';
import {
  allocateExperimentBuffers,
  type BuffersOptions,
  type ExperimentBuffers,
} from './experiment-buffers.ts';
import { attentionUse } from '../variants/self-check.ts';
import { KernelTrust } from './trust.ts';

/**
 * The buffers of an experiment, planned with variants of kernels that compute right on its device.
 * Plans take their variants when they are built: where others are to compute, the buffers go.
 */
export class TrustedBuffers {
  readonly trust: KernelTrust;
  readonly #allocate: () => ExperimentBuffers;
  #allocated: ExperimentBuffers | undefined;

  constructor(
    gpu: Gpu,
    config: ExperimentConfig,
    task: Task,
    options: BuffersOptions & { readonly model: ModelConfig },
  ) {
    this.trust = new KernelTrust(gpu, { ...config, ...attentionUse(options.model) });
    this.#allocate = () => allocateExperimentBuffers(gpu, config, task, options);
  }

  get allocated(): boolean {
    return this.#allocated !== undefined;
  }

  /** Allocated when first needed: not before a base has been pre-trained, whose memory they take over. */
  get current(): ExperimentBuffers {
    this.#allocated ??= this.#allocate();
    return this.#allocated;
  }

  /** Requests the pipelines of updates behind those of the rollout: what updates wait for longest first. */
  allocateAhead(): void {
    this.trust.queueCheck();
    this.#allocated = this.#allocate();
  }

  /**
   * Has other variants computed in place of those that compute wrong here.
   *
   * @param training Whether gradients are looked at too.
   * @returns A sentence for each. Whatever was computed is then to be computed again.
   */
  async replaceWrong(training: boolean): Promise<string[]> {
    const sentences = await this.trust.replaceWrong(training);
    if (sentences.length > 0) {
      this.#allocated?.destroy();
      this.#allocated = undefined;
    }
    return sentences;
  }
}
