import { Variable } from '../../kernels/lib/variable.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import { rewardRecord, sequenceFlag } from '../../kernels/reward-record.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Plan } from '../gpu/plan.ts';
import type { Verdicts } from '../tasks/verification.ts';
import type { RewardMatrixTensors } from './trainer.ts';

/** A word of flags for each sequence; bits: `sequenceFlag`. */
export const flagsOf = ({ correct, formatted }: Pick<Verdicts, 'correct' | 'formatted'>) =>
  Uint32Array.from(
    correct,
    (right, i) =>
      (right === 1 ? sequenceFlag.correct : 0) | (formatted[i] === 1 ? sequenceFlag.formatted : 0),
  );

/** Adds verdicts on responses that no update need train on to a reward matrix on the device. */
export class RewardRecorder {
  readonly #gpu: Gpu;
  readonly #tensors: Readonly<
    Record<'groups' | 'prompts' | 'flags', Tensor<'u32'>> & { rewards: Tensor<'f32'> }
  >;
  readonly #groups: Variable;
  readonly #column: Variable;
  readonly #plan: Plan;

  /** @param most The largest rollout that is recorded at once. */
  constructor(
    gpu: Gpu,
    matrix: RewardMatrixTensors,
    most: { readonly prompts: number; readonly samples: number },
  ) {
    this.#gpu = gpu;
    const { prompts } = most;
    const sequences = prompts * most.samples;
    const u32 = (name: string, ...shape: number[]) => gpu.tensor(name, shape, 'u32', 'rewards');
    this.#tensors = {
      groups: u32('recorded groups', prompts, 2),
      prompts: u32('recorded prompts', prompts),
      flags: u32('recorded flags', sequences),
      rewards: gpu.tensor('recorded rewards', [sequences], 'f32', 'rewards'),
    };
    this.#groups = new Variable('recorded groups', 0, prompts);
    this.#column = new Variable('recorded data epoch', 0, (matrix.samples.shape[1] ?? 1) - 1);
    this.#plan = gpu.plan('record all rewards', [
      rewardRecord(
        {
          groups: this.#tensors.groups,
          group_prompts: this.#tensors.prompts,
          sequence_rewards: this.#tensors.rewards,
          sequence_flags: this.#tensors.flags,
          accuracy_sums: matrix.accuracySums,
          reward_sums: matrix.rewardSums,
          samples: matrix.samples,
        },
        { groupCount: this.#groups, column: this.#column },
      ),
    ]);
  }

  /**
   * Adds verdicts to a column of the matrix. Submits work and does not wait for it.
   *
   * @param prompts Rows of the matrix: one for each group of `samples` responses.
   */
  async record(
    prompts: readonly number[],
    samples: number,
    verdicts: Verdicts,
    column: number,
  ): Promise<void> {
    const { groups, prompts: rows, flags, rewards } = this.#tensors;
    this.#groups.value = prompts.length;
    this.#column.value = column;
    this.#gpu.upload(groups, Uint32Array.from(prompts.flatMap((_, i) => [i * samples, samples])));
    this.#gpu.upload(rows, Uint32Array.from(prompts));
    this.#gpu.upload(flags, flagsOf(verdicts));
    this.#gpu.upload(rewards, verdicts.rewards);
    await this.#gpu.run(this.#plan);
  }
}
