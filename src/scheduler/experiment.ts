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
import { askForVariants, dropWrongVariants, type KernelUse } from '../gpu/self-check.ts';
import { describeBound, thetaBound } from '../lim/bound.ts';
import { unsolvedSignal, type RewardMatrix } from '../lim/matrix.ts';
import { scoreMatrix, type LimResult } from '../lim/score.ts';
import { selectLim, selectLinear, selectRandom } from '../lim/selection.ts';
import type { PpoTrainer, RewardMatrixTensors, RolloutGroup } from '../ppo/trainer.ts';
import { RandomStream } from '../random.ts';
import { updatesAt } from '../readouts.ts';
import type {
  Evaluation,
  ExperimentEvent,
  ExperimentResults,
  LimSummary,
  PromptCompletions,
  ScoredPrompt,
  SelectionSummary,
  UpdateRecord,
} from '../results.ts';
import type { Generation } from '../rollout/decoder.ts';
import { createTask, poolPromptsOf } from '../tasks/registry.ts';
import type { PoolPrompt, Task } from '../tasks/task.ts';
import type { VerifyReply, VerifyRequest } from '../tasks/verification.ts';
import { pretrainBase, type PretrainState } from './base.ts';
import { digestOf } from '../formats/digest.ts';
import { AppendedFile, checkMark, DamageError } from './appended-file.ts';
import {
  CheckpointError,
  Checkpoints,
  type Checkpoint,
  type FoundCheckpoint,
} from './checkpoint.ts';
import { CompletionLog } from './completion-log.ts';
import { createEngine, type Engine } from './engine.ts';
import { estimate } from './estimate.ts';
import { Evaluator, verifyRequest, type Verifier } from './evaluator.ts';
import {
  freshProgress,
  readProgress,
  readRecord,
  type Progress,
  type Selections,
} from './progress.ts';
import type { RunControl } from './run-control.ts';
import type { RunStore } from './run-store.ts';
import { WorkClock } from './work-clock.ts';

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
  /** Most rows that decode together, which changes no result; a rollout's when left out. */
  readonly rowsTogether?: number | undefined;
}

/** A method's code in the keys of random numbers; never renumber. */
const methodCodes: Readonly<Record<MethodName, number>> = { full: 0, lim: 1, linear: 2, rand: 3 };

/** The pool's scores and what LIM keeps of it. */
interface ScoredPool {
  readonly result: LimResult;
  /** As they were compared with the cut; NaN where a prompt has none. */
  readonly scores: Float64Array;
  readonly kept: number[];
}

type HostMatrix = Awaited<ReturnType<typeof readMatrix>>;

/** Longest that a run works between two checkpoints, unless one update takes longer. */
const CHECKPOINT_SECONDS = 300;

const RECORDS = 'metrics.jsonl';

/** What a resume has read: how the run stood, and what went before. */
interface Kept {
  readonly found: FoundCheckpoint;
  readonly progress: Progress;
  readonly records: readonly UpdateRecord[];
  readonly log: AppendedFile;
  readonly completions: CompletionLog;
  /** Files that the run goes on without. */
  readonly damaged: readonly string[];
}

/** How a run is opened. */
export interface OpenOptions {
  /** Goes on from the store's checkpoint where there is one. */
  readonly resume: boolean;
  /** Of the config as the run's folder has it, where the run was begun by another version. */
  readonly configHash?: string | undefined;
  /** Longest time between two checkpoints; see `CHECKPOINT_SECONDS`. */
  readonly checkpointSeconds?: number | undefined;
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
  #madeEngine: Engine | undefined;
  #progress = freshProgress();
  #hash = '';
  readonly #checkpoints: Checkpoints;
  /** Where the last checkpoint stands, and when this process wrote it. */
  #checkpointed: string | undefined;
  #checkpointedAt = performance.now();
  #checkpointSeconds = CHECKPOINT_SECONDS;
  #records = new AppendedFile(RECORDS);
  #lastMetrics: UpdateRecord['metrics'] | undefined;
  /** Of the time before a resume, until they have been shown. */
  #earlier: readonly UpdateRecord[] = [];
  /** A base that was half made when the run was left. */
  #half: PretrainState | undefined;
  #base: ReadonlyMap<string, Float32Array> | undefined;
  /** Whether it was found, and not pre-trained. */
  #shipped = false;
  #pool: readonly PoolPrompt[] = [];
  #encoded: readonly Uint32Array[] = [];
  #completions: CompletionLog;
  #clock = new WorkClock();
  /** Whether what happened before a resume is still to be shown. */
  #replays = false;

  private constructor(host: ExperimentHost, config: ExperimentConfig, seeds: readonly number[]) {
    this.config = config;
    this.seeds = seeds;
    this.#host = host;
    this.task = createTask(config.task);
    this.#evaluator = new Evaluator(this.task, config.evaluation, (request) =>
      this.#judge(request, 'evaluation'),
    );
    this.#checkpoints = new Checkpoints(host.store);
    this.#completions = this.#newCompletions();
  }

  /**
   * Checks that the device can hold a run, and goes back to its last checkpoint if asked.
   *
   * @throws AdapterError when the device cannot hold it; nothing is allocated then.
   * @throws CheckpointError when no checkpoint is whole, or they are of another config or other seeds,
   *   or were computed by kernels that this device cannot run.
   */
  static async open(
    host: ExperimentHost,
    config: ExperimentConfig,
    seeds: readonly number[],
    options: OpenOptions = { resume: false },
  ): Promise<Experiment> {
    estimate(config, host.gpu.limits);
    const experiment = new Experiment(host, config, seeds);
    experiment.#hash = options.configHash ?? (await configHash(config));
    experiment.#checkpointSeconds = options.checkpointSeconds ?? CHECKPOINT_SECONDS;
    if (options.resume) {
      const kept = await experiment.#checkpoints.find(
        { configHash: experiment.#hash, seeds },
        (found, strict) => experiment.#read(found, strict),
        (text) => host.emit({ type: 'warning', text }),
      );
      if (kept) await experiment.#restore(kept);
    }
    return experiment;
  }

  /** Made when first needed: not before a base has been pre-trained, whose memory it takes over. */
  get #engine(): Engine {
    this.#madeEngine ??= this.#newEngine();
    return this.#madeEngine;
  }

  #newEngine(): Engine {
    const { gpu, rowsTogether } = this.#host;
    return createEngine(gpu, this.config, this.task, rowsTogether);
  }

  get #matrix(): RewardMatrixTensors {
    return this.#engine.matrix;
  }

  get #trainer(): PpoTrainer {
    return this.#engine.trainer;
  }

  get #decoder(): Engine['decoder'] {
    return this.#engine.decoder;
  }

  get poolSize(): number {
    return poolPromptsOf(this.config.task);
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
    const { experiment } = this.config;
    if (method === 'full') return experiment.epochs * this.#updatesPerEpoch;
    return prompts === 0 ? 0 : updatesAt(this.config, experiment.armLength, prompts);
  }

  /**
   * Read-outs that a method on `prompts` prompts has reached with its last iteration: one at most,
   * but for equal epochs of a subset smaller than a rollout. Its end is always one.
   */
  #readoutsReached(method: MethodName, prompts: number, length: number): number[] {
    const { experiment } = this.config;
    const { iteration } = this.#progress;
    const epochs = method === 'full' ? experiment.epochs : experiment.armLength;
    const end = experiment.budget === 'updates' ? length : epochs;
    return [...new Set([...experiment.readouts, end])].filter(
      (readout) => readout <= end && updatesAt(this.config, readout, prompts) === iteration,
    );
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
    this.#clock = new WorkClock(this.#progress.seconds);
    const { emit, gpu, hostName } = this.#host;
    gpu.pipelines.onCompile = (compiled, of, label) => {
      emit({ type: 'compiling', label, compiled, of });
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
    if (!this.#madeEngine && !this.#half) await this.#begin();
    if (!(await this.#prepareBase(control))) return undefined;
    while (this.#progress.seedIndex < this.seeds.length) {
      if (await this.#runSeed(control)) continue;
      await this.#checkpoint();
      return undefined;
    }
    const results = this.#results();
    await this.#writeFiles(results);
    emit({ type: 'done', results });
    return results;
  }

  /**
   * Looks for a base, and checks the kernels that compute next: where there is one, those of gradients
   * are compiled while it is evaluated, and checked after that.
   */
  async #begin(): Promise<void> {
    this.#base = await this.#host.shippedBase(this.config);
    this.#shipped = this.#base !== undefined;
    if (this.#base) {
      // Asked for at once, in this order behind the rollout's: what updates wait for longest first.
      for (const use of this.#kernelUses(true)) askForVariants(this.#host.gpu, use);
      this.#madeEngine = this.#newEngine();
    }
    for (const text of await this.#dropWrongKernels(!this.#base)) this.#warn(text);
  }

  /** Bases are pre-trained in f32. */
  #kernelUses(training: boolean): KernelUse[] {
    const { model, weightStorage = 'f32', cacheStorage: cache = 'f32' } = this.config;
    const storages = new Set(['f32', weightStorage] as const);
    return Array.from(storages, (storage) => ({
      headDim: model.headDim,
      training,
      storage,
      cache,
    }));
  }

  /**
   * Has other variants computed in place of those that compute wrong here.
   *
   * @param training Whether gradients are looked at too.
   * @returns A sentence for each. Whatever was computed is then to be computed again.
   */
  async #dropWrongKernels(training: boolean): Promise<string[]> {
    const { gpu } = this.#host;
    const sentences: string[] = [];
    for (const use of this.#kernelUses(training)) {
      sentences.push(...(await dropWrongVariants(gpu, use)));
    }
    this.#progress.kernels = gpu.matmulChoices;
    if (sentences.length > 0) {
      // Its plans took their variants when they were built.
      this.#madeEngine?.destroy();
      this.#madeEngine = undefined;
    }
    return sentences;
  }

  /** Shows whoever watches a resumed run what happened before, but for the seed under way. */
  #replay(): void {
    const { emit } = this.#host;
    for (const text of this.#progress.warnings) emit({ type: 'warning', text });
    for (const record of this.#earlier) {
      if (record.seed !== this.#seed) emit({ type: 'update', ...record });
    }
    for (const [method, list] of Object.entries(this.#progress.evaluations)) {
      for (const evaluation of list) {
        emit({ type: 'evaluation', method: method as MethodName, ...evaluation });
      }
    }
  }

  /** The same of the seed under way, once its pool is known: updates, rewards, scores, selections. */
  async #replaySeed(seed: number): Promise<void> {
    const { iteration, seeds, selections } = this.#progress;
    const { emit } = this.#host;
    for (const record of this.#earlier) {
      if (record.seed === seed) emit({ type: 'update', ...record });
    }
    this.#earlier = [];
    const full = this.#method === 'full';
    const columns = full
      ? Math.floor(iteration / this.#updatesPerEpoch)
      : this.config.experiment.epochs;
    const matrix = await this.#readMatrix();
    for (let epoch = 0; epoch < columns; epoch++) this.#emitColumn(epoch, matrix);
    const lim = seeds.at(-1)?.lim;
    if (full || !lim) return;
    const { scores } = await this.#scorePool();
    emit({ type: 'scores', seed, lim, scores, selections });
  }

  async #prepareBase(control: RunControl): Promise<boolean> {
    const { emit } = this.#host;
    const seed = this.seeds[0] ?? 0;
    emit({ type: 'phase', seed, phase: 'base', text: 'The base model' });
    if (!this.#base) {
      this.#base = await pretrainBase(
        this.#host.gpu,
        this.config,
        this.task,
        (update, of, loss) => emit({ type: 'pretraining', update, of, loss }),
        () => this.#gate(control),
        {
          from: this.#half,
          due: () => this.#checkpointDue,
          save: (state) => this.#checkpointBase(state),
        },
      );
      this.#half = undefined;
      if (!this.#base) return false;
      this.#progress.pretrained = 0;
      // So that it is not made again.
      this.#trainer.reset(this.#base, seed);
      await this.#checkpoint();
    }
    if (this.#progress.base) this.#showBase(this.#progress.base.accuracy);
    else await this.#evaluateBase(this.#base);
    return true;
  }

  /** Once more where gradients turn out to be wrong: by the variants that the run then takes. */
  async #evaluateBase(base: ReadonlyMap<string, Float32Array>): Promise<void> {
    const [seed = 0] = this.seeds;
    let wrong: readonly string[];
    do {
      this.#trainer.reset(base, seed);
      const found = await this.#evaluator.evaluate(this.#decoder, seed);
      const accuracy = { ...found, shipped: this.#shipped };
      this.#progress.base = { accuracy };
      this.#showBase(accuracy);
      wrong = await this.#dropWrongKernels(true);
      for (const text of wrong) this.#warn(text);
    } while (wrong.length > 0);
  }

  #showBase(accuracy: ExperimentResults['base']): void {
    const [seed = 0] = this.seeds;
    this.#host.emit({
      type: 'evaluation',
      method: 'base',
      seed,
      update: 0,
      samples: 0,
      ...accuracy,
    });
  }

  /** @returns False when stopped on the way. */
  async #runSeed(control: RunControl): Promise<boolean> {
    const progress = this.#progress;
    const seed = this.#seed;
    this.#openPool(seed);
    if (this.#replays) await this.#replaySeed(seed);
    this.#replays = false;
    while (progress.methodIndex < this.methods.length) {
      const method = this.#method;
      const prompts = method === 'full' ? allOf(this.poolSize) : progress.selections[method];
      const length = this.#length(method, prompts?.length ?? 0);
      this.#host.emit({ type: 'phase', seed, phase: method, text: phaseText(method, length) });
      if (progress.iteration === 0) this.#trainer.reset(this.#base ?? new Map(), seed);
      while (progress.iteration < length) {
        if (!(await this.#gate(control))) return false;
        this.#clock.startLap();
        await this.#iterate(method, prompts ?? [], length);
        this.#clock.endLap();
        this.#emitProgress();
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
      this.#completions = this.#newCompletions();
    }
    return true;
  }

  #gate(control: RunControl): Promise<boolean> {
    return this.#clock.rest(() => control.gate());
  }

  #openPool(seed: number): void {
    this.#pool = this.task.pool(seed);
    this.#encoded = this.#pool.map((prompt) => this.task.tokenizer.encode(prompt.text));
    this.#host.emit({
      type: 'pool',
      seed,
      prompts: this.#pool.map((prompt) => ({ text: prompt.text, ...keyOf(prompt) })),
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
    const reply = await this.#judge(
      verifyRequest(
        indices.map((index) => this.#promptAt(index)),
        Uint32Array.from(responses, (_, row) => Math.floor(row / rollout.samples)),
        responses,
      ),
      'training',
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
    this.#record({
      seed,
      method,
      update: progress.iteration,
      epoch,
      metrics: {
        ...metrics,
        verifier_failures: reply.failures.length,
        tokens_per_second: (tokens / (now - started)) * 1000,
        step_ms: now - started,
        rollout_ms: sampled - started,
        verify_ms: verified - sampled,
        update_ms: now - verified,
      },
    });
    if (full && progress.iteration % this.#updatesPerEpoch === 0) {
      this.#emitColumn(epoch, await this.#readMatrix());
    }
    const readouts = this.#readoutsReached(method, prompts.length, length);
    if (readouts.length > 0) await this.#evaluate(method, readouts);
    const { iteration: done } = progress;
    if (done % experiment.checkpointEvery === 0 || done === length || this.#checkpointDue) {
      await this.#checkpoint();
    }
  }

  /** Has responses judged, and never lets one that could not be pass unnoticed. */
  async #judge(request: VerifyRequest, during: 'training' | 'evaluation'): Promise<VerifyReply> {
    const reply = await this.#host.verify(request);
    const [first] = reply.failures;
    if (first) {
      const { unjudged } = this.#progress;
      unjudged[during] += reply.failures.length;
      unjudged.reason ||= first.reason;
      const text = `${reply.failures.length} of ${request.promptOf.length} responses could not be judged`;
      this.#host.emit({ type: 'warning', text: `${text}: ${first.reason}` });
    }
    return reply;
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
    const progress = this.#progress;
    progress.updates++;
    if ((record.metrics['verifier_failures'] ?? 0) > 0) progress.unjudged.updates++;
    this.#lastMetrics = record.metrics;
    this.#records.add(JSON.stringify(record));
    this.#host.emit({ type: 'update', ...record });
  }

  #emitProgress(): void {
    const { updates } = this.#progress;
    const metrics = this.#lastMetrics;
    const total = this.totalUpdates;
    this.#host.emit({
      type: 'progress',
      fraction: Math.min(1, updates / total),
      eta: Math.max(0, total - updates) * this.#clock.pace,
      tokensPerSecond: metrics?.['tokens_per_second'] ?? 0,
      stepMs: metrics?.['step_ms'] ?? 0,
    });
  }

  #newCompletions(seed = this.#seed): CompletionLog {
    const { experiment, rollout } = this.config;
    return new CompletionLog(seed, { epochs: experiment.epochs, samples: rollout.samples });
  }

  #remember(epoch: number, groups: readonly RolloutGroup[], rewards: Float32Array): void {
    let at = 0;
    for (const { promptIndex, responses } of groups) {
      const judged = responses.map((tokens) => ({
        text: this.task.tokenizer.decode(tokens),
        reward: rewards[at++] ?? 0,
      }));
      this.#completions.remember(epoch, promptIndex, judged);
    }
  }

  /** What the FULL pass of the current seed sampled for a prompt; see `CompletionLog`. */
  completions(promptIndex: number): PromptCompletions {
    const { text, key } = this.#promptAt(promptIndex);
    return { prompt: text, key, epochs: this.#completions.of(promptIndex) };
  }

  #emitColumn(epoch: number, matrix: HostMatrix): void {
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

  async #evaluate(method: MethodName, readouts: readonly number[]): Promise<void> {
    const { rollout, experiment } = this.config;
    const { iteration } = this.#progress;
    const accuracy = await this.#evaluator.evaluate(this.#decoder, this.#seed);
    for (const readout of readouts) {
      const evaluation: Evaluation = {
        seed: this.#seed,
        update: iteration,
        ...(experiment.budget === 'epochs' ? { epochs: readout } : {}),
        samples: iteration * rollout.prompts * rollout.samples,
        ...accuracy,
      };
      (this.#progress.evaluations[method] ??= []).push(evaluation);
      this.#host.emit({ type: 'evaluation', method, ...evaluation });
    }
  }

  #readMatrix(): Promise<HostMatrix> {
    return readMatrix(this.#host.gpu, this.#matrix);
  }

  /** Scores the pool on the GPU from the buffers that the rollouts filled. */
  async #scorePool(): Promise<ScoredPool> {
    const { lim } = this.config;
    const sums = lim.signal === 'accuracy' ? this.#matrix.accuracySums : this.#matrix.rewardSums;
    const result = await scoreMatrix(
      this.#host.gpu,
      { sums, samples: this.#matrix.samples },
      { theta: lim.theta, rule: lim.compat, unsolved: unsolvedSignal[lim.signal] },
    );
    const scored = this.poolSize - result.unscored.length;
    const chosen = await selectLim(
      result,
      lim.count === undefined ? { threshold: lim.theta } : { count: Math.min(lim.count, scored) },
    );
    return { result, scores: chosen.scores ?? result.scores, kept: [...chosen.indices] };
  }

  /** Scores the pool, selects from it, and writes both. */
  async #score(seed: number): Promise<void> {
    const { emit } = this.#host;
    const { lim, experiment } = this.config;
    const { epochs } = experiment;
    emit({ type: 'phase', seed, phase: 'score', text: 'Learning impact scores' });
    const pool = await this.#scorePool();
    const { kept } = pool;
    const host = await this.#readMatrix();
    const matrix: RewardMatrix = {
      prompts: this.poolSize,
      epochs,
      sums: lim.signal === 'accuracy' ? host.accuracySums : host.rewardSums,
      samples: host.samples,
    };
    const selections: Selections = {};
    const short: string[] = [];
    for (const method of this.methods) {
      if (method === 'lim') selections.lim = kept;
      if (method === 'rand') {
        selections.rand = [...selectRandom(this.poolSize, kept.length, seed).indices];
      }
      if (method === 'linear') {
        const count = Math.round(lim.linearShare * kept.length);
        const { indices, shortfall } = await selectLinear(matrix, { count });
        selections.linear = [...indices];
        if (shortfall !== undefined) {
          short.push(
            `seed ${seed}: LINEAR kept ${counted(indices.length)}, not ${count}: ${shortfall}` +
              (indices.length === 0 ? ', so that it is not trained' : ''),
          );
        }
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
    const summary = this.#limSummary(pool);
    this.#warnOfSize(seed, pool);
    for (const text of short) this.#warn(text);
    this.#progress.seeds.push({
      seed,
      lim: summary,
      pool: this.#summarize(allOf(this.poolSize)),
      selections: Object.fromEntries(
        Object.entries(selections).map(([name, indices]) => [name, this.#summarize(indices)]),
      ),
      scoreQuantiles: quantiles(pool.scores),
    });
    await this.#writeScores(seed, pool.scores, matrix, host, selections);
    emit({ type: 'scores', seed, lim: summary, scores: pool.scores, selections });
  }

  #limSummary({ result, scores, kept }: ScoredPool): LimSummary {
    const { lim } = this.config;
    const lowest = kept.reduce((least, prompt) => Math.min(least, scores[prompt] ?? NaN), Infinity);
    const byCount = lim.count !== undefined && kept.length > 0;
    const bound = byCount
      ? thetaBound(
          [...result.meanCurve].flatMap((mean) => (Number.isNaN(mean) ? [] : [1 - mean])),
          lowest,
          unsolvedSignal[lim.signal],
        )
      : result.bound;
    const cut = byCount
      ? `the cut at the ${lim.count ?? 0} highest, down to a score of ${lowest.toFixed(3)},`
      : `theta ${lim.theta}`;
    const works = bound.rejectsNeverSolved && bound.rejectsAlwaysSolved;
    return {
      signal: lim.signal,
      compat: lim.compat,
      theta: lim.theta,
      ...(lim.count === undefined ? {} : { count: lim.count }),
      ...(byCount ? { lowestKept: lowest } : {}),
      kept: kept.length,
      meanCurve: [...result.meanCurve],
      neverSolved: bound.neverSolvedScore,
      alwaysSolved: bound.alwaysSolvedScore,
      warning: works ? '' : describeBound(bound, cut),
    };
  }

  /** Says so where LIM keeps nothing, or less than was asked for. */
  #warnOfSize(seed: number, { scores, kept }: ScoredPool): void {
    const { theta, count } = this.config.lim;
    const highest = scores.reduce((most, score) => (score > most ? score : most), -Infinity);
    if (kept.length === 0) {
      const most = Number.isFinite(highest)
        ? `the highest is ${highest.toFixed(3)}`
        : 'there is none';
      const why =
        count === undefined ? `no score reaches theta ${theta} (${most})` : 'none has a score';
      this.#warn(
        `seed ${seed}: LIM kept no prompt, for ${why}; ` +
          'selections that take their size from it are empty too, and none of them is trained',
      );
    } else if (count !== undefined && kept.length < count) {
      this.#warn(
        `seed ${seed}: LIM kept ${counted(kept.length)}, not ${count}: no other has a score`,
      );
    }
  }

  #warn(text: string): void {
    this.#progress.warnings.push(text);
    this.#host.emit({ type: 'warning', text });
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
    scores: Float64Array,
    matrix: RewardMatrix,
    host: { readonly accuracySums: Float32Array; readonly rewardSums: Float32Array },
    selections: Selections,
  ): Promise<void> {
    const { prompts, epochs, samples } = matrix;
    const suffix = this.#progress.seedIndex === 0 ? '' : `-seed-${seed}`;
    const means = (sums: Float32Array): Float32Array =>
      sums.map((sum, i) => ((samples[i] ?? 0) === 0 ? NaN : sum / (samples[i] ?? 1)));
    const shape = [prompts, epochs];
    const accuracy = means(host.accuracySums);
    const reward = means(host.rewardSums);
    await this.#writeResult(
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
      score: finite(scores[id] ?? NaN),
      rewards: Array.from(signal.subarray(id * epochs, (id + 1) * epochs), finite),
      ...keyOf(prompt),
    }));
    await this.#writeResult(`scores${suffix}.json`, jsonLines(scored));
    for (const [method, indices] of Object.entries(selections)) {
      const rows = indices.map((id) => {
        const { text, key } = this.#promptAt(id);
        return { id, prompt: text, answer: key };
      });
      await this.#writeResult(`subsets/${method}${suffix}.json`, jsonLines(rows));
    }
  }

  /** Writes a file and remembers what was written. */
  async #writeResult(path: string, content: Uint8Array | string): Promise<void> {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    this.#progress.written[path] = { bytes: bytes.length, sha256: digestOf(bytes) };
    try {
      await this.#host.store.write(path, bytes);
    } catch (cause) {
      throw this.#checkpoints.writeError(`${path} could not be written`, cause);
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
      seconds: this.#clock.seconds,
      warnings: [...progress.warnings, ...unjudgedWarnings(progress)],
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
    try {
      await this.#records.flush(store);
      const bytes = new TextEncoder().encode(`${JSON.stringify(results, null, 1)}\n`);
      // Whoever finds the results finds what they are held against.
      await this.#checkpoints.finish({
        ...this.#progress.written,
        [RECORDS]: this.#records.mark,
        'results.json': { bytes: bytes.length, sha256: digestOf(bytes) },
      });
      await store.write('results.json', bytes);
    } catch (cause) {
      throw this.#checkpoints.writeError('results.json could not be written', cause);
    }
  }

  /** Whether the run has worked long enough since the last one, by the clock. */
  get #checkpointDue(): boolean {
    return performance.now() - this.#checkpointedAt >= this.#checkpointSeconds * 1000;
  }

  /** Everything that the next iteration depends on. */
  async #checkpoint(): Promise<void> {
    const base = this.#base;
    if (!base) return;
    const { seedIndex, iteration } = this.#progress;
    await this.#writeCheckpoint(`seed-${seedIndex}-${this.#method}-${iteration}`, async () => ({
      base,
      pretraining: null,
      ppo: await this.#trainer.save(),
      matrix: await this.#readMatrix(),
    }));
  }

  /** The same while there is no base to train. */
  async #checkpointBase({ update, state }: PretrainState): Promise<void> {
    this.#progress.pretrained = update;
    const none = { base: new Map<string, Float32Array>(), ppo: null, matrix: null };
    await this.#writeCheckpoint(`seed-0-base-${update}`, () =>
      Promise.resolve({ ...none, pretraining: state }),
    );
  }

  async #writeCheckpoint(
    name: string,
    state: () => Promise<Pick<Checkpoint, 'base' | 'pretraining' | 'ppo' | 'matrix'>>,
  ): Promise<void> {
    const { store, gpu, hostName, emit } = this.#host;
    const progress = this.#progress;
    progress.seconds = this.#clock.seconds;
    const { selections, ...told } = progress;
    const place = placeOf(progress);
    // A stop right behind a checkpoint has nothing to add to it.
    if (place !== this.#checkpointed) {
      const networks = await state();
      try {
        await this.#records.flush(store);
        await this.#completions.save(store);
      } catch (cause) {
        throw this.#checkpoints.writeError(`the checkpoint ${name} could not be written`, cause);
      }
      const { mark } = this.#records;
      await this.#checkpoints.write(
        name,
        {
          configHash: this.#hash,
          seeds: this.seeds,
          adapter: gpu.name,
          host: hostName,
          progress: told,
          selections: new Map(
            Object.entries(selections).map(([method, of]) => [method, Uint32Array.from(of)]),
          ),
          ...networks,
        },
        { ...(mark.bytes > 0 ? { [RECORDS]: mark } : {}), ...this.#completions.marks },
      );
      this.#checkpointed = place;
    }
    this.#checkpointedAt = performance.now();
    emit({ type: 'checkpoint', update: progress.updates });
  }

  /** What a checkpoint says, checked, with the files that belong to it. @throws DamageError */
  async #read(found: FoundCheckpoint, strict: boolean): Promise<Kept> {
    const { store } = this.#host;
    const { file, files, firstLayout } = found;
    const { experiment, base } = this.config;
    const { progress, records: held } = readProgress(
      found.progress,
      found.selections,
      {
        methods: this.methods,
        seeds: this.seeds,
        poolSize: this.poolSize,
        pretraining: base.updates,
        length: (method, prompts) => this.#length(method, prompts),
      },
      firstLayout,
      file,
    );
    if (found.pretraining === null && !(found.ppo && found.matrix && found.base.size > 0)) {
      throw new DamageError(`${file} is damaged: it holds no network`);
    }
    const log = new AppendedFile(RECORDS);
    let records = held;
    if (records) for (const record of records) log.add(JSON.stringify(record));
    else {
      const mark = files.get(RECORDS);
      const lines = mark ? await log.resume(store, mark) : [];
      records = lines.map((line, i) => readRecord(line, `${RECORDS} line ${i + 1}`));
      if (records.length !== progress.updates) {
        throw new DamageError(
          `${RECORDS} is damaged: ${records.length} updates, ${file} has ${progress.updates}`,
        );
      }
    }
    const full = this.methods[progress.methodIndex] === 'full';
    const epochs = full ? Math.ceil(progress.iteration / this.#updatesPerEpoch) : experiment.epochs;
    const completions = this.#newCompletions(this.seeds[progress.seedIndex]);
    const damaged = await completions.load(store, epochs, firstLayout ? undefined : files);
    const [first] = damaged;
    if (strict && !firstLayout && first !== undefined) throw new DamageError(`${first} is damaged`);
    // Of finished FULL passes: what the report and whoever looks at the run will read.
    for (const [path, mark] of Object.entries(progress.written)) {
      await checkMark(store, path, mark);
    }
    return { found, progress, records, log, completions, damaged };
  }

  async #restore(kept: Kept): Promise<void> {
    const { found, progress } = kept;
    const { gpu, hostName, emit } = this.#host;
    this.#progress = progress;
    if (found.firstLayout) {
      const text = `${found.file} is of version 0.1.0, which kept no digests: it is taken as it is`;
      emit({ type: 'warning', text });
    } else this.#checkpointed = placeOf(progress);
    forceKernels(gpu, progress.kernels);
    // Shown with the others when the run goes on.
    progress.warnings.push(...(await this.#dropWrongKernels(true)));
    this.#records = kept.log;
    this.#earlier = kept.records;
    this.#lastMetrics = kept.records.at(-1)?.metrics;
    if (found.pretraining) {
      this.#half = { update: progress.pretrained, state: found.pretraining };
    } else {
      this.#base = found.base;
      this.#replays = true;
      this.#restoreNetworks(found);
    }
    if (found.adapter !== gpu.name || found.host !== hostName) {
      progress.warnings.push(
        `resumed on another adapter after ${progress.updates} updates: on ${gpu.name} ` +
          `in ${hostName}, before on ${found.adapter} in ${found.host}; bit-for-bit no longer holds`,
      );
    }
    this.#completions = kept.completions;
    for (const file of kept.damaged) {
      emit({ type: 'warning', text: `${file} is damaged: its responses are not shown` });
    }
  }

  #restoreNetworks({ base, ppo, matrix }: FoundCheckpoint): void {
    const { gpu } = this.#host;
    if (!ppo || !matrix) throw new CheckpointError('a checkpoint without networks was accepted');
    this.#trainer.restore(base, ppo);
    gpu.upload(this.#matrix.accuracySums, matrix.accuracySums);
    gpu.upload(this.#matrix.rewardSums, matrix.rewardSums);
    gpu.upload(this.#matrix.samples, matrix.samples);
  }

  /** Weights of the policy as it stands, by Hugging Face names. */
  async weights(): Promise<Map<string, Float32Array>> {
    return this.#trainer.actor.weights.read();
  }
}

/** What a reader may know of a prompt: where it came from, its key, and the truth beside a wrong one. */
const keyOf = ({ origin, wrongKey, key, truth }: PoolPrompt) => ({
  origin,
  wrongKey,
  key,
  ...(truth === undefined ? {} : { truth }),
});

/** Where a run stands, as text that is equal where nothing was computed in between. */
const placeOf = (progress: Progress): string => JSON.stringify({ ...progress, seconds: 0 });

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

async function readMatrix(gpu: Gpu, matrix: RewardMatrixTensors) {
  const [accuracySums, rewardSums, samples] = await Promise.all([
    gpu.read(matrix.accuracySums, 'f32'),
    gpu.read(matrix.rewardSums, 'f32'),
    gpu.read(matrix.samples, 'u32'),
  ]);
  return { accuracySums, rewardSums, samples };
}

/** What responses without a verdict mean for the results; nothing where all were judged. */
function unjudgedWarnings({ unjudged }: Progress): string[] {
  const { training, evaluation, updates, reason } = unjudged;
  return [
    ...(training > 0
      ? [
          `${training} responses of ${updates} updates could not be judged and were rewarded -1: ` +
            `another run with these seeds may come out otherwise (the first: ${reason})`,
        ]
      : []),
    ...(evaluation > 0
      ? [
          `${evaluation} held-out responses could not be judged and count as wrong (the first: ${reason})`,
        ]
      : []),
  ];
}

const counted = (prompts: number): string =>
  prompts === 0 ? 'no prompt' : `${prompts} prompt${prompts === 1 ? '' : 's'}`;

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
