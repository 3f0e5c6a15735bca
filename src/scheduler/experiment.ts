import { checkPool, configHash, overridesOf, type ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import { asMatmulChoices, defaultMatmulChoices, unrunnable } from '../gpu/matmul-choices.ts';
import { askForVariants, dropWrongVariants, type KernelUse } from '../gpu/self-check.ts';
import { limrDefaults } from '../presets.ts';
import type {
  Evaluation,
  ExperimentEvent,
  ExperimentResults,
  PromptCompletions,
  UpdateRecord,
} from '../results.ts';
import { checkpointName } from '../run-folder/names.ts';
import {
  at,
  iterationsOf,
  plannedUpdates,
  readoutsReached,
  trainingOrder,
  trainingText,
  updatesPerEpoch,
} from '../run-plan.ts';
import { openTask, poolPromptsOf } from '../tasks/registry.ts';
import type { Task } from '../tasks/task.ts';
import {
  expectFiniteRewards,
  type VerifyReply,
  type VerifyRequest,
} from '../tasks/verification.ts';
import type { MethodName } from '../vocabulary/methods.ts';
import { pretrainBase, type PretrainState } from './base.ts';
import { CheckpointError, type Checkpoint, type FoundCheckpoint } from './checkpoint.ts';
import { CompletionLog } from './completion-log.ts';
import { createEngine, type Engine } from './engine.ts';
import { estimate } from './estimate.ts';
import { Evaluator, type Verifier } from './evaluator.ts';
import { iterate } from './iteration.ts';
import { keyOf, Pool } from './pool.ts';
import { freshProgress, type Progress } from './progress.ts';
import { readKept, type Kept } from './resume.ts';
import { clearMatrix, columnOf, meansOf, readMatrix, uploadMatrix } from './reward-matrix.ts';
import { RunArchive } from './run-archive.ts';
import type { RunControl } from './run-control.ts';
import type { RunStore } from './run-store.ts';
import { selectFromPool } from './selection-stage.ts';
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

/** Longest that a run works between two checkpoints, unless one update takes longer. */
const CHECKPOINT_SECONDS = 300;

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
  readonly methods: readonly MethodName[];
  readonly #host: ExperimentHost;
  readonly #evaluator: Evaluator;
  readonly #archive: RunArchive;
  #madeEngine: Engine | undefined;
  #progress = freshProgress();
  #hash = '';
  /** Where the last checkpoint stands, and when this process wrote it. */
  #checkpointed: string | undefined;
  #checkpointedAt = performance.now();
  #checkpointSeconds = CHECKPOINT_SECONDS;
  #lastMetrics: UpdateRecord['metrics'] | undefined;
  /** Of the time before a resume, until they have been shown. */
  #earlier: readonly UpdateRecord[] = [];
  /** A base that was half made when the run was left. */
  #half: PretrainState | undefined;
  #base: ReadonlyMap<string, Float32Array> | undefined;
  /** Whether it was found, and not pre-trained. */
  #shipped = false;
  /** Of the seed under way. */
  #pool: Pool | undefined;
  #clock = new WorkClock();
  /** Whether what happened before a resume is still to be shown. */
  #replays = false;

  private constructor(
    host: ExperimentHost,
    config: ExperimentConfig,
    seeds: readonly number[],
    task: Task,
  ) {
    this.config = config;
    this.seeds = seeds;
    this.methods = trainingOrder(config);
    this.#host = host;
    this.task = task;
    this.#evaluator = new Evaluator(this.task, config.evaluation, (request) =>
      this.#judge(request, 'evaluation'),
    );
    this.#archive = new RunArchive(host.store, CompletionLog.of(config, this.#seed));
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
    const task = await openTask(config.task);
    try {
      if (poolPromptsOf(config.task) === undefined) checkPool(config, task.poolPrompts, 'config');
      estimate(config, host.gpu.limits, task);
      const experiment = new Experiment(host, config, seeds, task);
      experiment.#hash = options.configHash ?? (await configHash(config));
      experiment.#checkpointSeconds = options.checkpointSeconds ?? CHECKPOINT_SECONDS;
      if (options.resume) {
        const archive = experiment.#archive;
        const kept = await archive.checkpoints.find(
          { configHash: experiment.#hash, seeds },
          (found, strict) =>
            readKept(archive, { config, seeds, poolSize: task.poolPrompts }, found, strict),
          (text) => host.emit({ type: 'warning', text }),
        );
        if (kept) await experiment.#restore(kept);
      }
      return experiment;
    } catch (error) {
      await task.text.close();
      throw error;
    }
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

  get poolSize(): number {
    return this.task.poolPrompts;
  }

  /** Whether the memory of rows that decode together is asked for: not while a base is pre-trained. */
  get decodes(): boolean {
    return this.#base !== undefined;
  }

  get #seed(): number {
    return at(this.seeds, this.#progress.seedIndex, 'seed');
  }

  get #firstSeed(): number {
    return at(this.seeds, 0, 'seed');
  }

  get #method(): MethodName {
    return at(this.methods, this.#progress.methodIndex, 'method');
  }

  /** PPO iterations of the whole run, as far as is known before selections are made. */
  get totalUpdates(): number {
    return plannedUpdates(this.config, this.poolSize, this.seeds.length, this.#progress.sizes);
  }

  /**
   * Runs to the end, or until `control` ends it. A pause or stop takes effect between iterations.
   *
   * The task's text is closed then: a run is run once.
   *
   * @returns The results, or undefined when stopped before the end (a checkpoint is then written).
   * @throws NonFiniteUpdateError at the update whose loss is not finite; the last checkpoint stays.
   */
  async run(control: RunControl): Promise<ExperimentResults | undefined> {
    try {
      return await this.#run(control);
    } finally {
      await this.task.text.close();
    }
  }

  async #run(control: RunControl): Promise<ExperimentResults | undefined> {
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
    emit({ type: 'phase', seed: this.#firstSeed, phase: 'report', text: 'Writing results' });
    await this.#archive.writeResults(results, this.#progress.written);
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
  async #replaySeed(pool: Pool): Promise<void> {
    const { seed } = pool;
    const { iteration, seeds, selections } = this.#progress;
    const { emit, gpu } = this.#host;
    for (const record of this.#earlier) {
      if (record.seed === seed) emit({ type: 'update', ...record });
    }
    this.#earlier = [];
    const full = this.#method === 'full';
    const columns = full
      ? Math.floor(iteration / updatesPerEpoch(this.config, this.poolSize))
      : this.config.experiment.epochs;
    for (let epoch = 0; epoch < columns; epoch++) await this.#emitColumn(seed, epoch);
    const lim = seeds.at(-1)?.lim;
    if (full || !lim) return;
    const { scores } = await selectFromPool(gpu, this.config, pool, this.#engine.matrix);
    emit({ type: 'scores', seed, lim, scores, selections });
  }

  async #prepareBase(control: RunControl): Promise<boolean> {
    const { emit } = this.#host;
    const seed = this.#firstSeed;
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
      this.#engine.trainer.reset(this.#base, seed);
      await this.#checkpoint();
    }
    if (this.#progress.base) this.#showBase(this.#progress.base.accuracy);
    else await this.#evaluateBase(this.#base);
    return true;
  }

  /** Once more where gradients turn out to be wrong: by the variants that the run then takes. */
  async #evaluateBase(base: ReadonlyMap<string, Float32Array>): Promise<void> {
    const seed = this.#firstSeed;
    let wrong: readonly string[];
    do {
      this.#engine.trainer.reset(base, seed);
      const found = await this.#evaluator.evaluate(this.#engine.decoder, seed);
      const accuracy = { ...found, shipped: this.#shipped };
      this.#progress.base = { accuracy };
      this.#showBase(accuracy);
      wrong = await this.#dropWrongKernels(true);
      for (const text of wrong) this.#warn(text);
    } while (wrong.length > 0);
  }

  #showBase(accuracy: ExperimentResults['base']): void {
    const seed = this.#firstSeed;
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
    const pool = await this.#openPool(this.#seed);
    if (this.#replays) await this.#replaySeed(pool);
    this.#replays = false;
    while (progress.methodIndex < this.methods.length) {
      if (!(await this.#runMethod(pool, control))) return false;
      if (this.#method === 'full') await this.#select(pool);
      progress.methodIndex++;
      progress.iteration = 0;
    }
    progress.seedIndex++;
    progress.methodIndex = 0;
    progress.selections = {};
    if (progress.seedIndex < this.seeds.length) {
      clearMatrix(this.#host.gpu, this.#engine.matrix);
      this.#archive.completions = CompletionLog.of(this.config, this.#seed);
    }
    return true;
  }

  async #openPool(seed: number): Promise<Pool> {
    const pool = await Pool.open(this.task, seed);
    const prompts = pool.prompts.map((prompt) => ({ text: prompt.text, ...keyOf(prompt) }));
    this.#pool = pool;
    this.#host.emit({ type: 'pool', seed, prompts });
    return pool;
  }

  /** Trains the method that the run stands at. @returns False when stopped on the way. */
  async #runMethod(pool: Pool, control: RunControl): Promise<boolean> {
    const progress = this.#progress;
    const method = this.#method;
    const prompts = method === 'full' ? pool.all : this.#selected(method);
    const length = iterationsOf(this.config, method, prompts.length);
    const text = trainingText(method, length);
    this.#host.emit({ type: 'phase', seed: pool.seed, phase: method, text });
    const { trainer, decoder } = this.#engine;
    if (progress.iteration === 0) trainer.reset(this.#base ?? new Map(), pool.seed);
    const tools = {
      config: this.config,
      task: this.task,
      pool,
      decoder,
      trainer,
      verify: (request: VerifyRequest) => this.#judge(request, 'training'),
      completions: this.#archive.completions,
    };
    while (progress.iteration < length) {
      if (!(await this.#gate(control))) return false;
      this.#clock.startLap();
      this.#record(await iterate(tools, { method, prompts, iteration: progress.iteration }));
      await this.#lookAround(method, prompts.length, length);
      this.#clock.endLap();
      this.#emitProgress();
    }
    return true;
  }

  /** @throws Error where FULL has not been scored. */
  #selected(method: MethodName): readonly number[] {
    const prompts = this.#progress.selections[method];
    if (!prompts) throw new Error(`${method} is to be trained before its prompts are selected`);
    return prompts;
  }

  #gate(control: RunControl): Promise<boolean> {
    return this.#clock.rest(() => control.gate());
  }

  #record(record: UpdateRecord): void {
    const progress = this.#progress;
    progress.iteration = record.update;
    progress.updates++;
    if ((record.metrics['verifier_failures'] ?? 0) > 0) progress.unjudged.updates++;
    this.#lastMetrics = record.metrics;
    this.#archive.record(record);
    this.#host.emit({ type: 'update', ...record });
  }

  /** What an iteration may complete: a column of the matrix, a read-out, the time to a checkpoint. */
  async #lookAround(method: MethodName, prompts: number, length: number): Promise<void> {
    const { iteration } = this.#progress;
    const perEpoch = updatesPerEpoch(this.config, this.poolSize);
    if (method === 'full' && iteration % perEpoch === 0) {
      await this.#emitColumn(this.#seed, iteration / perEpoch - 1);
    }
    const readouts = readoutsReached(this.config, method, prompts, iteration);
    if (readouts.length > 0) await this.#evaluate(method, readouts);
    const { checkpointEvery } = this.config.experiment;
    if (iteration % checkpointEvery === 0 || iteration === length || this.#checkpointDue) {
      await this.#checkpoint();
    }
  }

  /** Has responses judged, and never lets one that could not be pass unnoticed. */
  async #judge(request: VerifyRequest, during: 'training' | 'evaluation'): Promise<VerifyReply> {
    const reply = await this.#host.verify(request);
    expectFiniteRewards(request, reply);
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

  /** What the FULL pass of the current seed sampled for a prompt; see `CompletionLog`. */
  completions(promptIndex: number): PromptCompletions {
    if (!this.#pool) throw new RangeError('the run has opened no pool yet');
    const { text, key } = this.#pool.at(promptIndex);
    return { prompt: text, key, epochs: this.#archive.completions.of(promptIndex) };
  }

  async #emitColumn(seed: number, epoch: number): Promise<void> {
    const { gpu, emit } = this.#host;
    const means = meansOf(await readMatrix(gpu, this.#engine.matrix));
    const column = columnOf(means, this.config.experiment.epochs, epoch);
    emit({ type: 'column', seed, epoch, ...column });
  }

  async #evaluate(method: MethodName, readouts: readonly number[]): Promise<void> {
    const { rollout, experiment } = this.config;
    const { iteration } = this.#progress;
    const accuracy = await this.#evaluator.evaluate(this.#engine.decoder, this.#seed);
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

  /** Scores the pool, selects from it, and writes both. */
  async #select(pool: Pool): Promise<void> {
    const { emit, gpu } = this.#host;
    const { seed } = pool;
    const progress = this.#progress;
    emit({ type: 'phase', seed, phase: 'score', text: 'Learning impact scores' });
    const stage = await selectFromPool(gpu, this.config, pool, this.#engine.matrix);
    const { scores, selections, summary } = stage;
    progress.selections = selections;
    if (progress.seedIndex === 0) {
      progress.sizes = {
        full: pool.size,
        ...Object.fromEntries(
          Object.entries(selections).map(([name, indices]) => [name, indices.length]),
        ),
      };
    }
    for (const text of stage.warnings) this.#warn(text);
    progress.seeds.push(summary);
    Object.assign(progress.written, await this.#archive.writeSelections(pool, this.seeds, stage));
    emit({ type: 'scores', seed, lim: summary.lim, scores, selections });
  }

  #warn(text: string): void {
    this.#progress.warnings.push(text);
    this.#host.emit({ type: 'warning', text });
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

  /** Whether the run has worked long enough since the last one, by the clock. */
  get #checkpointDue(): boolean {
    return performance.now() - this.#checkpointedAt >= this.#checkpointSeconds * 1000;
  }

  /** Everything that the next iteration depends on. */
  async #checkpoint(): Promise<void> {
    const base = this.#base;
    if (!base) return;
    const { seedIndex, iteration } = this.#progress;
    await this.#writeCheckpoint(
      checkpointName({ seedIndex, method: this.#method, update: iteration }),
      async () => ({
        base,
        pretraining: null,
        ppo: await this.#engine.trainer.save(),
        matrix: await readMatrix(this.#host.gpu, this.#engine.matrix),
      }),
    );
  }

  /** The same while there is no base to train. */
  async #checkpointBase({ update, state }: PretrainState): Promise<void> {
    this.#progress.pretrained = update;
    const none = { base: new Map<string, Float32Array>(), ppo: null, matrix: null };
    await this.#writeCheckpoint(checkpointName({ seedIndex: 0, method: 'base', update }), () =>
      Promise.resolve({ ...none, pretraining: state }),
    );
  }

  async #writeCheckpoint(
    name: string,
    state: () => Promise<Pick<Checkpoint, 'base' | 'pretraining' | 'ppo' | 'matrix'>>,
  ): Promise<void> {
    const { gpu, hostName, emit } = this.#host;
    const progress = this.#progress;
    progress.seconds = this.#clock.seconds;
    const { selections, ...told } = progress;
    const place = placeOf(progress);
    // A stop right behind a checkpoint has nothing to add to it.
    if (place !== this.#checkpointed) {
      await this.#archive.writeCheckpoint(name, {
        configHash: this.#hash,
        seeds: this.seeds,
        adapter: gpu.name,
        host: hostName,
        progress: told,
        selections: new Map(
          Object.entries(selections).map(([method, of]) => [method, Uint32Array.from(of)]),
        ),
        ...(await state()),
      });
      this.#checkpointed = place;
    }
    this.#checkpointedAt = performance.now();
    emit({ type: 'checkpoint', update: progress.updates });
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
    this.#archive.records = kept.log;
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
    this.#archive.completions = kept.completions;
    for (const file of kept.damaged) {
      emit({ type: 'warning', text: `${file} is damaged: its responses are not shown` });
    }
  }

  #restoreNetworks({ base, ppo, matrix }: FoundCheckpoint): void {
    if (!ppo || !matrix) throw new CheckpointError('a checkpoint without networks was accepted');
    this.#engine.trainer.restore(base, ppo);
    uploadMatrix(this.#host.gpu, this.#engine.matrix, matrix);
  }

  /** Weights of the policy as it stands, by Hugging Face names. */
  async weights(): Promise<Map<string, Float32Array>> {
    return this.#engine.trainer.actor.weights.read();
  }
}

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
