import type { MatmulChoices } from '../../kernels/lib/matmul-variants.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import {
  configHash,
  limrDefaults,
  overridesOf,
  type ExperimentConfig,
  type MethodName,
} from '../config.ts';
import { float32Entry, writeSafetensors } from '../formats/safetensors.ts';
import type { Gpu } from '../gpu/device.ts';
import { asMatmulChoices, defaultMatmulChoices, unrunnable } from '../gpu/matmul-choices.ts';
import { describeBound } from '../lim/bound.ts';
import { unsolvedSignal, type RewardMatrix } from '../lim/matrix.ts';
import { scoreMatrix, type LimResult } from '../lim/score.ts';
import { selectLim, selectLinear, selectRandom } from '../lim/selection.ts';
import type { PpoTrainer, RewardMatrixTensors, RolloutGroup } from '../ppo/trainer.ts';
import { RandomStream } from '../random.ts';
import type {
  Evaluation,
  ExperimentEvent,
  ExperimentResults,
  LimSummary,
  PromptCompletions,
  ScoredPrompt,
  SeedResults,
  SelectionSummary,
  UpdateRecord,
} from '../results.ts';
import type { Decoder, Generation } from '../rollout/decoder.ts';
import { createTask } from '../tasks/registry.ts';
import type { PoolPrompt, Task } from '../tasks/task.ts';
import { pretrainBase } from './base.ts';
import { CheckpointError, readCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { createEngine, poolSizeOf } from './engine.ts';
import { estimate } from './estimate.ts';
import { Evaluator, verifyRequest, type Verifier } from './evaluator.ts';
import type { RunControl } from './run-control.ts';
import type { RunStore } from './run-store.ts';

/** What an experiment needs from its host. */
export interface ExperimentHost {
  readonly gpu: Gpu;
  /** `node`, `deno`, `chromium`, ... : goes into the results. */
  readonly hostName: string;
  readonly store: RunStore;
  readonly verify: Verifier;
  /** A base trained before for this config, if there is one. */
  readonly shippedBase: (
    config: ExperimentConfig,
  ) => Promise<ReadonlyMap<string, Float32Array> | undefined>;
  readonly emit: (event: ExperimentEvent) => void;
}

type Selections = Partial<Record<MethodName, number[]>>;

/** Where a run stands; plain data, saved with every checkpoint. */
interface Progress {
  seedIndex: number;
  /** Index into the config's methods, FULL first. */
  methodIndex: number;
  /** PPO iterations of that method done. */
  iteration: number;
  base: { accuracy: ExperimentResults['base'] } | null;
  evaluations: Partial<Record<MethodName, Evaluation[]>>;
  seeds: SeedResults[];
  /** Of the current seed, once FULL is done. */
  selections: Selections;
  /** Prompts of each method of the first seed. */
  sizes: Partial<Record<MethodName, number>>;
  records: UpdateRecord[];
  seconds: number;
  /** Forced when the run goes on, so that it computes the same bits; absent: the defaults. */
  readonly kernels?: MatmulChoices;
}

/** A method's code in the keys of random numbers; never renumber. */
const methodCodes: Readonly<Record<MethodName, number>> = { full: 0, lim: 1, linear: 2, rand: 3 };

/** One epoch's samples of the FULL pass, for looking at. */
interface EpochSamples {
  /** By prompt: responses and rewards. */
  readonly byPrompt: Map<number, { readonly tokens: Uint32Array; readonly reward: number }[]>;
}

/**
 * A LIMR experiment: base, PPO on the full pool with its reward matrix, LIM scores, selections, and
 * PPO from the same base on each, evaluated at fixed read-outs. It advances by whole PPO iterations;
 * after each it can be paused, stopped or killed, and goes on from its last checkpoint bit for bit.
 */
export class Experiment {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  readonly task: Task;
  readonly #host: ExperimentHost;
  readonly #evaluator: Evaluator;
  readonly #matrix: RewardMatrixTensors;
  readonly #trainer: PpoTrainer;
  readonly #decoder: Decoder;
  #progress: Progress;
  #hash = '';
  #base: ReadonlyMap<string, Float32Array> | undefined;
  #pool: readonly PoolPrompt[] = [];
  #encoded: readonly Uint32Array[] = [];
  #samples: EpochSamples[] = [];
  #startedAt = 0;
  #workDone = 0;
  #workStarted = 0;

  private constructor(host: ExperimentHost, config: ExperimentConfig, seeds: readonly number[]) {
    this.config = config;
    this.seeds = seeds;
    this.#host = host;
    this.task = createTask(config.task);
    this.#evaluator = new Evaluator(this.task, config.evaluation, host.verify);
    const engine = createEngine(host.gpu, config, this.task);
    this.#matrix = engine.matrix;
    this.#trainer = engine.trainer;
    this.#decoder = engine.decoder;
    this.#progress = {
      seedIndex: 0,
      methodIndex: 0,
      iteration: 0,
      base: null,
      evaluations: {},
      seeds: [],
      selections: {},
      sizes: {},
      records: [],
      seconds: 0,
      kernels: host.gpu.matmulChoices,
    };
  }

  /**
   * Allocates everything a run needs.
   *
   * @param options.resume Goes on from the store's checkpoint where there is one.
   * @throws AdapterError when the device cannot hold it; nothing is allocated then.
   * @throws CheckpointError when the checkpoint is damaged, of another config, or was computed by
   *   kernels that this device cannot run.
   */
  static async open(
    host: ExperimentHost,
    config: ExperimentConfig,
    seeds: readonly number[],
    options: { readonly resume: boolean } = { resume: false },
  ): Promise<Experiment> {
    estimate(config, host.gpu.limits);
    const hash = await configHash(config);
    const found = options.resume ? await readCheckpoint<Progress>(host.store, hash) : undefined;
    // Before any plan is built: plans take their variants once.
    if (found) forceKernels(host.gpu, found.progress.kernels);
    const experiment = new Experiment(host, config, seeds);
    experiment.#hash = hash;
    if (found) experiment.#restore(found);
    return experiment;
  }

  get poolSize(): number {
    return poolSizeOf(this.config);
  }

  get #updatesPerEpoch(): number {
    return Math.ceil(this.poolSize / this.config.rollout.prompts);
  }

  get #seed(): number {
    return this.seeds[this.#progress.seedIndex] ?? 0;
  }

  get #method(): MethodName {
    return this.methods[this.#progress.methodIndex] ?? 'full';
  }

  /** FULL first: the others come from its rewards. */
  get methods(): readonly MethodName[] {
    return ['full', ...this.config.experiment.methods.filter((method) => method !== 'full')];
  }

  /** PPO iterations of a method on `prompts` prompts. */
  #length(method: MethodName, prompts: number): number {
    const { experiment, rollout } = this.config;
    if (method === 'full') return experiment.epochs * this.#updatesPerEpoch;
    if (prompts === 0) return 0;
    return experiment.budget === 'updates'
      ? experiment.armLength
      : Math.ceil((experiment.armLength * prompts) / rollout.prompts);
  }

  /** PPO iterations of the whole run, as far as is known before selections are made. */
  get totalUpdates(): number {
    const perSeed = this.methods.reduce(
      (sum, method) =>
        sum + this.#length(method, this.#progress.sizes[method] ?? Math.ceil(this.poolSize / 8)),
      0,
    );
    return perSeed * this.seeds.length;
  }

  /**
   * Runs to the end, or until `control` ends it. A pause or stop takes effect between iterations.
   *
   * @returns The results, or undefined when stopped before the end (a checkpoint is then written).
   * @throws NonFiniteUpdateError at the update whose loss is not finite; the last checkpoint stays.
   */
  async run(control: RunControl): Promise<ExperimentResults | undefined> {
    this.#startedAt = performance.now() - this.#progress.seconds * 1000;
    const { emit, gpu, hostName } = this.#host;
    let compiled = 0;
    gpu.queue.onCompile = (_index, _total, label) => {
      emit({ type: 'compiling', label, compiled: ++compiled });
    };
    emit({
      type: 'started',
      adapter: gpu.name,
      host: hostName,
      config: this.config,
      seeds: this.seeds,
      totalUpdates: this.totalUpdates,
    });
    this.#replay();
    this.#workStarted = performance.now();
    if (!(await this.#prepareBase(control))) return undefined;
    while (this.#progress.seedIndex < this.seeds.length) {
      if (!(await this.#runSeed(control))) {
        await this.#checkpoint();
        return undefined;
      }
    }
    const results = this.#results();
    await this.#writeFiles(results);
    emit({ type: 'done', results });
    return results;
  }

  /** Shows whoever watches a resumed run what happened before. */
  #replay(): void {
    for (const record of this.#progress.records) this.#host.emit({ type: 'update', ...record });
    for (const [method, list] of Object.entries(this.#progress.evaluations)) {
      for (const evaluation of list) {
        this.#host.emit({ type: 'evaluation', method: method as MethodName, ...evaluation });
      }
    }
  }

  async #prepareBase(control: RunControl): Promise<boolean> {
    const { emit, shippedBase } = this.#host;
    const seed = this.seeds[0] ?? 0;
    emit({ type: 'phase', seed, phase: 'base', text: 'The base model' });
    let shipped = this.#progress.base?.accuracy.shipped ?? false;
    if (!this.#base) {
      this.#base = await shippedBase(this.config);
      shipped = this.#base !== undefined;
    }
    this.#base ??= await pretrainBase(
      this.#host.gpu,
      this.config,
      this.task,
      (update, of, loss) => emit({ type: 'pretraining', update, of, loss }),
      () => control.gate(),
    );
    if (!this.#base) return false;
    if (!this.#progress.base) {
      this.#trainer.reset(this.#base, seed);
      const accuracy = await this.#evaluator.evaluate(this.#decoder, seed);
      this.#progress.base = { accuracy: { ...accuracy, shipped } };
    }
    const { accuracy } = this.#progress.base;
    emit({ type: 'evaluation', method: 'base', seed, update: 0, samples: 0, ...accuracy });
    return true;
  }

  /** @returns False when stopped on the way. */
  async #runSeed(control: RunControl): Promise<boolean> {
    const progress = this.#progress;
    const seed = this.#seed;
    this.#openPool(seed);
    while (progress.methodIndex < this.methods.length) {
      const method = this.#method;
      const prompts = method === 'full' ? allOf(this.poolSize) : progress.selections[method];
      const length = this.#length(method, prompts?.length ?? 0);
      this.#host.emit({ type: 'phase', seed, phase: method, text: phaseText(method, length) });
      if (progress.iteration === 0) this.#trainer.reset(this.#base ?? new Map(), seed);
      while (progress.iteration < length) {
        if (!(await control.gate())) return false;
        await this.#iterate(method, prompts ?? [], length);
      }
      if (method === 'full') await this.#score(seed);
      progress.methodIndex++;
      progress.iteration = 0;
    }
    progress.seedIndex++;
    progress.methodIndex = 0;
    progress.selections = {};
    if (progress.seedIndex < this.seeds.length) {
      this.#clearMatrix();
      this.#trainer.reset(this.#base ?? new Map(), this.#seed);
      await this.#checkpoint();
    }
    return true;
  }

  #openPool(seed: number): void {
    this.#pool = this.task.pool(seed);
    this.#encoded = this.#pool.map((prompt) => this.task.tokenizer.encode(prompt.text));
    this.#samples = [];
    this.#host.emit({
      type: 'pool',
      seed,
      prompts: this.#pool.map(({ text, origin, wrongKey }) => ({ text, origin, wrongKey })),
    });
  }

  #clearMatrix(): void {
    const { device } = this.#host.gpu;
    const encoder = device.createCommandEncoder();
    const tensors: readonly Tensor[] = Object.values(this.#matrix);
    for (const tensor of tensors) encoder.clearBuffer(tensor.buffer);
    device.queue.submit([encoder.finish()]);
  }

  /** Prompts of one iteration: consecutive places of an endless shuffle, epoch after epoch. */
  #promptsOf(method: MethodName, prompts: readonly number[], iteration: number): number[] {
    const count = this.config.rollout.prompts;
    const orders = new Map<number, number[]>();
    const chosen: number[] = [];
    for (let place = iteration * count; place < (iteration + 1) * count; place++) {
      const epoch = Math.floor(place / prompts.length);
      let order = orders.get(epoch);
      if (!order) {
        const stream = new RandomStream(this.#seed, 'promptOrder', methodCodes[method], epoch);
        order = stream.shuffle([...prompts]);
        orders.set(epoch, order);
      }
      chosen.push(order[place % prompts.length] ?? 0);
    }
    return chosen;
  }

  async #iterate(method: MethodName, prompts: readonly number[], length: number): Promise<void> {
    const { rollout, experiment } = this.config;
    const progress = this.#progress;
    const seed = this.#seed;
    const { iteration } = progress;
    const started = performance.now();
    const indices = this.#promptsOf(method, prompts, iteration);
    const generation = await this.#generate(method, indices, iteration);
    const sampled = performance.now();

    const groups = groupResponses(generation, indices, this.#encoded, rollout.samples);
    const responses = groups.flatMap((group) => group.responses);
    const reply = await this.#host.verify(
      verifyRequest(
        indices.map((index) => this.#promptAt(index)),
        Uint32Array.from(responses, (_, row) => Math.floor(row / rollout.samples)),
        responses,
      ),
    );
    const verified = performance.now();

    const epoch = Math.floor((iteration * rollout.prompts) / prompts.length);
    const full = method === 'full';
    if (full) this.#remember(epoch, groups, reply.rewards);
    const metrics = await this.#trainer.update(groups, reply.rewards, {
      seed: new RandomStream(seed, 'minibatchOrder', methodCodes[method]).next(),
      iteration,
      ...(full ? { column: epoch } : {}),
    });
    const now = performance.now();
    const tokens = responses.reduce((sum, response) => sum + response.length, 0);
    progress.iteration++;
    this.#workDone++;
    this.#record({
      seed,
      method,
      update: progress.iteration,
      epoch,
      metrics: {
        ...metrics,
        tokens_per_second: (tokens / (now - started)) * 1000,
        step_ms: now - started,
        rollout_ms: sampled - started,
        verify_ms: verified - sampled,
        update_ms: now - verified,
      },
    });
    if (full && progress.iteration % this.#updatesPerEpoch === 0) await this.#emitColumn(epoch);
    if (experiment.readouts.includes(progress.iteration) || progress.iteration === length) {
      await this.#evaluate(method);
    }
    progress.seconds = (performance.now() - this.#startedAt) / 1000;
    if (progress.iteration % experiment.checkpointEvery === 0 && progress.iteration < length) {
      await this.#checkpoint();
    }
  }

  #generate(method: MethodName, indices: readonly number[], iteration: number) {
    const { rollout } = this.config;
    const seen = new Map<number, number>();
    const stream = new RandomStream(this.#seed, 'sampling', methodCodes[method], iteration);
    return this.#decoder.generate({
      prompts: indices.map((index) => this.#encoded[index] ?? new Uint32Array()),
      // A small subset may come up twice in one rollout: each occurrence draws its own samples.
      promptIds: indices.map((index) => {
        const occurrence = seen.get(index) ?? 0;
        seen.set(index, occurrence + 1);
        return index + occurrence * this.poolSize;
      }),
      samplesPerPrompt: rollout.samples,
      seed: stream.next(),
      temperature: rollout.temperature,
      topK: rollout.topK,
      topP: rollout.topP,
      minP: rollout.minP,
      stopIds: this.task.endToken === undefined ? [] : [this.task.endToken],
    });
  }

  #promptAt(index: number): PoolPrompt {
    const prompt = this.#pool[index];
    if (!prompt) throw new RangeError(`prompt ${index} is not in the pool of ${this.#pool.length}`);
    return prompt;
  }

  #record(record: UpdateRecord): void {
    this.#progress.records.push(record);
    this.#host.emit({ type: 'update', ...record });
    const total = this.totalUpdates;
    const done = this.#progress.records.length;
    const pace = (performance.now() - this.#workStarted) / this.#workDone;
    this.#host.emit({
      type: 'progress',
      fraction: Math.min(1, done / total),
      eta: (Math.max(0, total - done) * pace) / 1000,
      tokensPerSecond: record.metrics['tokens_per_second'] ?? 0,
      stepMs: record.metrics['step_ms'] ?? 0,
    });
  }

  #remember(epoch: number, groups: readonly RolloutGroup[], rewards: Float32Array): void {
    const samples = (this.#samples[epoch] ??= { byPrompt: new Map() });
    let at = 0;
    for (const { promptIndex, responses } of groups) {
      samples.byPrompt.set(
        promptIndex,
        responses.map((tokens) => ({ tokens: tokens.slice(), reward: rewards[at++] ?? 0 })),
      );
    }
  }

  /** What the FULL pass of the current seed sampled for a prompt since the run was opened. */
  completions(promptIndex: number): PromptCompletions {
    const { text, key } = this.#promptAt(promptIndex);
    return {
      prompt: text,
      key,
      epochs: this.#samples.flatMap((samples, epoch) => {
        const list = samples.byPrompt.get(promptIndex);
        if (!list) return [];
        const completions = list.map(({ tokens, reward }) => ({
          text: this.task.tokenizer.decode(tokens),
          reward,
        }));
        return [{ epoch, completions }];
      }),
    };
  }

  async #emitColumn(epoch: number): Promise<void> {
    const matrix = await this.#readMatrix();
    const { epochs } = this.config.experiment;
    const column = (sums: Float32Array): Float32Array =>
      Float32Array.from({ length: this.poolSize }, (_, prompt) => {
        const at = prompt * epochs + epoch;
        const count = matrix.samples[at] ?? 0;
        return count === 0 ? NaN : (sums[at] ?? 0) / count;
      });
    this.#host.emit({
      type: 'column',
      seed: this.#seed,
      epoch,
      accuracy: column(matrix.accuracySums),
      reward: column(matrix.rewardSums),
    });
  }

  async #evaluate(method: MethodName): Promise<void> {
    const { rollout } = this.config;
    const { iteration } = this.#progress;
    const accuracy = await this.#evaluator.evaluate(this.#decoder, this.#seed);
    const evaluation: Evaluation = {
      seed: this.#seed,
      update: iteration,
      samples: iteration * rollout.prompts * rollout.samples,
      ...accuracy,
    };
    (this.#progress.evaluations[method] ??= []).push(evaluation);
    this.#host.emit({ type: 'evaluation', method, ...evaluation });
  }

  async #readMatrix() {
    const { gpu } = this.#host;
    const [accuracySums, rewardSums, samples] = await Promise.all([
      gpu.read(this.#matrix.accuracySums),
      gpu.read(this.#matrix.rewardSums),
      gpu.readU32(this.#matrix.samples),
    ]);
    return { accuracySums, rewardSums, samples };
  }

  /** Scores the pool on the GPU from the buffers that the rollouts filled, and selects. */
  async #score(seed: number): Promise<void> {
    const { gpu, emit } = this.#host;
    const { lim, experiment } = this.config;
    const { epochs } = experiment;
    emit({ type: 'phase', seed, phase: 'score', text: 'Learning impact scores' });
    const sums = lim.signal === 'accuracy' ? this.#matrix.accuracySums : this.#matrix.rewardSums;
    const result = await scoreMatrix(
      gpu,
      { sums, samples: this.#matrix.samples },
      { theta: lim.theta, rule: lim.compat, unsolved: unsolvedSignal[lim.signal] },
    );
    const chosen = await selectLim(result, { threshold: lim.theta });
    const host = await this.#readMatrix();
    const matrix: RewardMatrix = {
      prompts: this.poolSize,
      epochs,
      sums: lim.signal === 'accuracy' ? host.accuracySums : host.rewardSums,
      samples: host.samples,
    };
    const kept = [...chosen.indices];
    const selections: Selections = {};
    for (const method of this.methods) {
      if (method === 'lim') selections.lim = kept;
      if (method === 'rand') {
        selections.rand = [...selectRandom(this.poolSize, kept.length, seed).indices];
      }
      if (method === 'linear') {
        const count = Math.round(lim.linearShare * kept.length);
        selections.linear = count === 0 ? [] : [...(await selectLinear(matrix, { count })).indices];
      }
    }
    this.#progress.selections = selections;
    if (this.#progress.seedIndex === 0) {
      this.#progress.sizes = {
        full: this.poolSize,
        ...Object.fromEntries(
          Object.entries(selections).map(([name, indices]) => [name, indices.length]),
        ),
      };
    }
    const summary = this.#limSummary(result, kept.length);
    this.#progress.seeds.push({
      seed,
      lim: summary,
      pool: this.#summarize(allOf(this.poolSize)),
      selections: Object.fromEntries(
        Object.entries(selections).map(([name, indices]) => [name, this.#summarize(indices)]),
      ),
      scoreQuantiles: quantiles(result.scores),
    });
    await this.#writeScores(seed, result, matrix, host, selections);
    emit({ type: 'scores', seed, lim: summary, scores: result.scores, selections });
  }

  #limSummary(result: LimResult, kept: number): LimSummary {
    const { lim } = this.config;
    const { bound } = result;
    return {
      signal: lim.signal,
      compat: lim.compat,
      theta: lim.theta,
      kept,
      meanCurve: [...result.meanCurve],
      neverSolved: bound.neverSolvedScore,
      alwaysSolved: bound.alwaysSolvedScore,
      warning: bound.rejectsNeverSolved && bound.rejectsAlwaysSolved ? '' : describeBound(bound),
    };
  }

  #summarize(indices: readonly number[]): SelectionSummary {
    const byOrigin = { easy: 0, learnable: 0, hard: 0 };
    let wrongKeys = 0;
    for (const index of indices) {
      const prompt = this.#promptAt(index);
      byOrigin[prompt.origin]++;
      if (prompt.wrongKey) wrongKeys++;
    }
    return { prompts: indices.length, byOrigin, wrongKeys };
  }

  async #writeScores(
    seed: number,
    result: LimResult,
    matrix: RewardMatrix,
    host: { readonly accuracySums: Float32Array; readonly rewardSums: Float32Array },
    selections: Selections,
  ): Promise<void> {
    const { store } = this.#host;
    const { prompts, epochs, samples } = matrix;
    const suffix = this.#progress.seedIndex === 0 ? '' : `-seed-${seed}`;
    const means = (sums: Float32Array): Float32Array =>
      sums.map((sum, i) => ((samples[i] ?? 0) === 0 ? NaN : sum / (samples[i] ?? 1)));
    const shape = [prompts, epochs];
    const accuracy = means(host.accuracySums);
    const reward = means(host.rewardSums);
    await store.write(
      `rewards${suffix}.safetensors`,
      writeSafetensors(
        [float32Entry('accuracy', shape, accuracy), float32Entry('reward', shape, reward)],
        { seed: String(seed), missing: 'NaN' },
      ),
    );
    const signal = this.config.lim.signal === 'accuracy' ? accuracy : reward;
    const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
    const scored: ScoredPrompt[] = this.#pool.map((prompt, id) => ({
      prompt: prompt.text,
      id,
      score: finite(result.scores[id] ?? NaN),
      rewards: Array.from(signal.subarray(id * epochs, (id + 1) * epochs), finite),
      origin: prompt.origin,
      wrongKey: prompt.wrongKey,
    }));
    await store.write(`scores${suffix}.json`, jsonLines(scored));
    for (const [method, indices] of Object.entries(selections)) {
      const rows = indices.map((id) => {
        const { text, key } = this.#promptAt(id);
        return { id, prompt: text, answer: key };
      });
      await store.write(`subsets/${method}${suffix}.json`, jsonLines(rows));
    }
  }

  #results(): ExperimentResults {
    const { gpu, hostName } = this.#host;
    const progress = this.#progress;
    if (!progress.base) throw new Error('results before the base was evaluated');
    const reference = { ...limrDefaults };
    return {
      schema: 1,
      config: this.config,
      configHash: this.#hash,
      overrides: overridesOf(
        {
          rollout: this.config.rollout,
          ppo: this.config.ppo,
          lim: this.config.lim,
          evaluation: this.config.evaluation,
        },
        reference,
      ),
      injected: this.task.describeInjected(),
      adapter: gpu.name,
      kernels: gpu.matmulChoices,
      host: hostName,
      seconds: (performance.now() - this.#startedAt) / 1000,
      base: progress.base.accuracy,
      lim: progress.seeds[0]?.lim ?? null,
      seeds: progress.seeds,
      methods: Object.fromEntries(
        this.methods.map((method) => [
          method,
          {
            prompts: progress.sizes[method] ?? 0,
            evaluations: progress.evaluations[method] ?? [],
          },
        ]),
      ),
    };
  }

  async #writeFiles(results: ExperimentResults): Promise<void> {
    const { store, emit } = this.#host;
    emit({ type: 'phase', seed: this.seeds[0] ?? 0, phase: 'report', text: 'Writing results' });
    await this.#writeMetrics();
    await store.write('results.json', `${JSON.stringify(results, null, 1)}\n`);
  }

  async #writeMetrics(): Promise<void> {
    const lines = this.#progress.records.map((record) => `${JSON.stringify(record)}\n`);
    await this.#host.store.write('metrics.jsonl', lines.join(''));
  }

  /** Everything that the next iteration depends on. */
  async #checkpoint(): Promise<void> {
    const progress = this.#progress;
    progress.seconds = (performance.now() - this.#startedAt) / 1000;
    if (!this.#base) return;
    const [ppo, matrix] = [await this.#trainer.save(), await this.#readMatrix()];
    const name = `seed-${progress.seedIndex}-${this.#method}-${progress.iteration}`;
    await writeCheckpoint(this.#host.store, name, {
      configHash: this.#hash,
      progress,
      base: this.#base,
      ppo,
      matrix,
    });
    await this.#writeMetrics();
    this.#host.emit({ type: 'checkpoint', update: progress.records.length });
  }

  #restore(found: Checkpoint<Progress>): void {
    this.#progress = found.progress;
    this.#base = found.base;
    this.#trainer.restore(found.base, found.ppo);
    const { gpu } = this.#host;
    gpu.upload(this.#matrix.accuracySums, found.matrix.accuracySums);
    gpu.upload(this.#matrix.rewardSums, found.matrix.rewardSums);
    gpu.upload(this.#matrix.samples, found.matrix.samples);
  }

  /** Weights of the policy as it stands, by Hugging Face names. */
  async weights(): Promise<Map<string, Float32Array>> {
    return this.#trainer.actor.weights.read();
  }
}

function forceKernels(gpu: Gpu, recorded: unknown): void {
  const kernels = recorded === undefined ? defaultMatmulChoices(gpu) : asMatmulChoices(recorded);
  if (!kernels) throw new CheckpointError('the checkpoint names no known matmul variants');
  const missing = unrunnable(gpu, kernels);
  if (missing !== undefined) {
    throw new CheckpointError(
      `the run was computed with the matmul variant '${missing}', which ${gpu.name} cannot run`,
    );
  }
  gpu.matmulChoices = kernels;
}

const allOf = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const jsonLines = (rows: readonly unknown[]): string =>
  `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`;

const phaseText = (method: MethodName, length: number): string =>
  method === 'full'
    ? `PPO on the full pool, ${length} updates, recording every prompt's reward`
    : length === 0
      ? `${method.toUpperCase()} kept no prompt: nothing to train on`
      : `PPO from the base on the ${method.toUpperCase()} subset, ${length} updates`;

function groupResponses(
  generation: Generation,
  indices: readonly number[],
  encoded: readonly Uint32Array[],
  samples: number,
): RolloutGroup[] {
  return indices.map((promptIndex, i) => ({
    promptIndex,
    prompt: encoded[promptIndex] ?? new Uint32Array(),
    responses: Array.from({ length: samples }, (_, s) => generation.response(i * samples + s)),
  }));
}

/** Scores at 0, 5, ..., 100 % of the scored prompts. */
function quantiles(scores: Float64Array): number[] {
  const sorted = scores.filter((score) => !Number.isNaN(score)).sort();
  if (sorted.length === 0) return [];
  return Array.from(
    { length: 21 },
    (_, i) => sorted[Math.round((i / 20) * (sorted.length - 1))] ?? 0,
  );
}
