// What the lessons compute, by the kernels that train, on a device of their own.
import { gae } from '../../kernels/gae.ts';
import { episodeColumns } from '../../kernels/lib/episodes.ts';
import type { DType, Tensor } from '../../kernels/lib/tensor.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { deficitBytes, limScore, noScore } from '../../kernels/lim-score.ts';
import { policyLoss } from '../../kernels/policy-loss.ts';
import { sampleToken } from '../../kernels/sample-token.ts';
import { samplingDistribution } from '../../kernels/sampling-distribution.ts';
import { type Gpu, openGpu } from '../gpu/device.ts';
import type { Step } from '../gpu/plan.ts';
import { Readback, readBytes, type ReadArrays, type ReadParts } from '../gpu/readback.ts';
import { purposes } from '../random.ts';
import {
  type Clip,
  type ClipCase,
  type Credit,
  type CreditCase,
  type DrawCase,
  type Roll,
  rowsIn,
  type ScoreCase,
} from './exact.ts';

/** A computation of one shape: its buffers and its plan are made once. */
interface Bench {
  /** Writes what is given, computes, and reads the results. */
  readonly compute: (given: unknown) => Promise<unknown>;
}

/** The kernels of the lessons. Whoever opened them closes them. */
export class LessonKernels {
  readonly #gpu: Gpu;
  readonly #benches = new Map<string, Bench>();
  /** One computation at a time: benches are written in place. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** @throws AdapterError where there is no WebGPU or no adapter. */
  static async open(): Promise<LessonKernels> {
    return new LessonKernels(await openGpu());
  }

  /** The adapter's name, from its driver. */
  get adapter(): string {
    return this.#gpu.name;
  }

  close(): Promise<void> {
    return this.#gpu.close();
  }

  /** Deltas and advantages of a response, by `gae`: with a lambda of 0 its advantages are deltas. */
  credit(given: CreditCase): Promise<Credit> {
    return this.#compute(`credit of ${given.rewards.length}`, given, () =>
      this.#creditBench(given.rewards.length),
    );
  }

  /** Gains of tokens, by `policy-loss`. */
  clip(given: ClipCase): Promise<Clip> {
    return this.#compute(`clip of ${given.ratios.length}`, given, () =>
      this.#clipBench(given.ratios.length),
    );
  }

  /** Probabilities that tokens are drawn with, by `sampling-distribution`. */
  distribution(given: DrawCase): Promise<readonly number[]> {
    return this.#compute(`distribution of ${given.logits.length}`, given, () =>
      this.#distributionBench(given.logits.length),
    );
  }

  /** Ids of the tokens of a roll, by `sample-token`. */
  draws(given: DrawCase & Roll): Promise<readonly number[]> {
    const { logits, samples } = given;
    return this.#compute(`${samples} draws of ${logits.length}`, given, () =>
      this.#drawBench(logits.length, samples),
    );
  }

  /** Scores of rows, by `lim-score`; NaN for none. */
  scores(given: ScoreCase): Promise<readonly number[]> {
    const [rows, epochs] = [rowsIn(given), given.mean.length];
    return this.#compute(`scores of ${rows} x ${epochs}`, given, () =>
      this.#scoreBench(rows, epochs),
    );
  }

  /** Computes what is given on the bench of its shape, after what was asked before. */
  #compute<Given, Result>(
    shape: string,
    given: Given,
    make: () => { readonly compute: (given: Given) => Promise<Result> },
  ): Promise<Result> {
    const result = this.#last.then(() => {
      const bench = this.#benches.get(shape) ?? (make() as Bench);
      this.#benches.set(shape, bench);
      return bench.compute(given) as Promise<Result>;
    });
    // Whoever asked hears of a failure; the next question does not.
    this.#last = result.catch(() => undefined);
    return result;
  }

  #tensor<Type extends DType>(name: string, shape: readonly number[], dtype: Type): Tensor<Type> {
    return this.#gpu.tensor(`lesson ${name}`, shape, dtype, 'activations');
  }

  #put(tensor: Tensor, values: readonly number[]): void {
    this.#gpu.upload(
      tensor,
      tensor.dtype === 'u32' ? Uint32Array.from(values) : Float32Array.from(values),
    );
  }

  /** Runs steps and reads parts, through one plan and one staging buffer. */
  #runner<Parts extends ReadParts>(
    name: string,
    steps: readonly Step[],
    parts: Parts,
  ): () => Promise<ReadArrays<Parts>> {
    const plan = this.#gpu.plan(`lesson ${name}`, steps);
    const readback = new Readback(this.#gpu, `lesson ${name}`, readBytes(parts));
    return async () => {
      await this.#gpu.run(plan);
      return readback.read(parts);
    };
  }

  #creditBench(actions: number) {
    const sequences = this.#tensor('sequences', [1, 2], 'u32');
    const rewards = this.#tensor('rewards', [actions], 'f32');
    const values = this.#tensor('values', [actions], 'f32');
    const returns = this.#tensor('returns', [actions], 'f32');
    const deltas = this.#tensor('deltas', [actions], 'f32');
    const advantages = this.#tensor('advantages', [actions], 'f32');
    const [gamma, gaeLambda] = [new Variable('gamma', 1), new Variable('lambda', 1)];
    const step = (lambda: number | Variable, out: Tensor) =>
      gae(
        { sequences, rewards, values, returns, advantages: out },
        { sequenceCount: 1, gamma, gaeLambda: lambda },
      );
    const run = this.#runner('credit', [step(0, deltas), step(gaeLambda, advantages)], {
      deltas,
      advantages,
    });
    this.#put(sequences, [0, actions]);
    return {
      compute: async (given: CreditCase): Promise<Credit> => {
        this.#put(rewards, given.rewards);
        this.#put(values, given.values);
        gamma.value = given.gamma;
        gaeLambda.value = given.gaeLambda;
        const found = await run();
        return { deltas: [...found.deltas], advantages: [...found.advantages] };
      },
    };
  }

  #clipBench(actions: number) {
    const array = (name: string): Tensor<'f32'> => this.#tensor(name, [actions], 'f32');
    const [logprobs, old, advantages] = [array('logprobs'), array('old'), array('advantages')];
    const [weights, gradients] = [array('weights'), array('gradients')];
    const source = this.#tensor('source', [actions], 'u32');
    const stats = this.#tensor('stats', [actions, 4], 'f32');
    const clip = new Variable('clip', 0.2);
    const run = this.#runner(
      'clip',
      [
        policyLoss(
          {
            logprobs,
            action_source: source,
            action_weights: weights,
            old_logprobs: old,
            advantages,
            ref_logprobs: old,
            grad_logprobs: gradients,
            action_stats: stats,
          },
          { actionCount: actions, clipLow: clip, clipHigh: clip },
        ),
      ],
      { stats },
    );
    const places = Array.from({ length: actions }, (_, i) => i);
    this.#put(source, places);
    this.#put(weights, places.fill(1));
    this.#put(old, places.fill(0));
    return {
      compute: async (given: ClipCase): Promise<Clip> => {
        this.#put(logprobs, given.ratios.map(Math.log));
        this.#put(advantages, given.advantages);
        clip.value = given.clip;
        const found = await run();
        const column = (at: number): number[] =>
          Array.from({ length: actions }, (_, i) => found.stats[4 * i + at] ?? NaN);
        // Adding 0 makes 0 of −0.
        return {
          gains: column(0).map((loss) => 0 - loss),
          held: column(1).map((held) => held === 1),
        };
      },
    };
  }

  /** Logits of one row, its filter, and an empty list of banned ids. */
  #row(vocabulary: number) {
    const logits = this.#tensor('logits', [1, vocabulary], 'f32');
    const stops = this.#tensor('stops', [1], 'u32');
    const temperature = new Variable('temperature', 1);
    const topP = new Variable('top-p', 1);
    return {
      logits,
      stops,
      filter: { temperature, topK: 0, topP, minP: 0, stopCount: 0 },
      put: (given: DrawCase) => {
        this.#put(logits, given.logits);
        temperature.value = given.temperature;
        topP.value = given.topP;
      },
    };
  }

  #distributionBench(vocabulary: number) {
    const { logits, stops, filter, put } = this.#row(vocabulary);
    const probabilities = this.#tensor('probabilities', [1, vocabulary], 'f32');
    const tensors = { logits, stop_ids: stops, probabilities };
    const step = samplingDistribution(tensors, { ...filter, rows: 1 });
    const run = this.#runner('distribution', [step], { probabilities });
    return {
      compute: async (given: DrawCase): Promise<readonly number[]> => {
        put(given);
        return [...(await run()).probabilities];
      },
    };
  }

  #drawBench(vocabulary: number, rows: number) {
    const { logits, stops, filter, put } = this.#row(vocabulary);
    const episodes = this.#tensor('episodes', [rows, episodeColumns], 'u32');
    const status = this.#tensor('status', [rows, 2], 'u32');
    const finished = this.#tensor('finished', [1], 'u32');
    const current = this.#tensor('current', [rows], 'u32');
    const tokens = this.#tensor('tokens', [rows, 1], 'u32');
    const logprobs = this.#tensor('logprobs', [rows, 1], 'f32');
    const step = sampleToken(
      { logits, stop_ids: stops, episodes, status, finished, current, tokens, logprobs },
      { ...filter, rows, sharedLogits: true, minNew: 0, seed: 0, purpose: purposes.lesson },
    );
    const run = this.#runner('draws', [step], { tokens });
    return {
      compute: async (given: DrawCase & Roll): Promise<readonly number[]> => {
        put(given);
        this.#gpu.clear(status, finished);
        // Prompt id, sample, prompt slot, first prompt row, prompt length, most new tokens.
        const places = Array.from({ length: rows }, (_, i) => [given.number, i, 0, 0, 1, 1]);
        this.#put(episodes, places.flat());
        return [...(await run()).tokens];
      },
    };
  }

  #scoreBench(rows: number, epochs: number) {
    const sums = this.#tensor('sums', [rows, epochs], 'f32');
    const samples = this.#tensor('samples', [rows, epochs], 'u32');
    const held = this.#gpu.tensor('lesson deficits', [deficitBytes(epochs) / 4], 'f32', 'uniforms');
    const scores = this.#tensor('scores', [rows], 'f32');
    const deficits = { ...held, shape: [4, epochs] };
    const step = limScore({ sums, samples, deficits, scores }, { lanes: 1 });
    const run = this.#runner('scores', [step], { scores });
    return {
      compute: async (given: ScoreCase): Promise<readonly number[]> => {
        this.#gpu.upload(sums, given.sums);
        this.#gpu.upload(samples, new Uint32Array(given.sums.length).fill(given.samples));
        const row = given.mean.map((value) => 1 - value);
        this.#put(deficits, [row, row, row, row].flat());
        return Array.from((await run()).scores, (score) => (score === noScore ? NaN : score));
      },
    };
  }
}
