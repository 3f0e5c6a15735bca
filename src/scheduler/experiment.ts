import { checkPool, configHash, overridesOf, type ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
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
import { advance, freshProgress, type Progress } from './progress.ts';
import { readKept, type Kept } from './resume.ts';
import { clearMatrix, columnOf, meansOf, readMatrix, uploadMatrix } from './reward-matrix.ts';
import { RunArchive } from './run-archive.ts';
import type { RunControl } from './run-control.ts';
import type { RunStore } from './run-store.ts';
import { selectFromPool } from './selection-stage.ts';
import { KernelTrust } from './trust.ts';
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
  /** What a run met that goes on by itself. */
  readonly reason?: string | undefined;
  /** Most rows that decode together, which changes no result; a rollout's when left out. */
  readonly rowsTogether?: number | undefined;
}

type PhaseName = Extract<ExperimentEvent, { readonly type: 'phase' }>['phase'];

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
  readonly #trust: KernelTrust;
  #madeEngine: Engine | undefined;
  #progress = freshProgress();
  /** Updates of the base's pre-training done, until there is a base. */
  #pretrained = 0;
  #hash = '';
  /** Where the last checkpoint stands, and when this process wrote it. */
  #checkpointed: string | undefined;
  #checkpointedAt = performance.now();
  #checkpointSeconds = CHECKPOINT_SECONDS;
  #lastMetrics: UpdateRecord['metrics'] | undefined;
  /** What happened before a resume, until whoever watches has been shown. */
  #earlier: readonly ExperimentEvent[] | undefined;
  /** What a resume met, until it can be told. */
  #untold: string[] = [];
  /** A base that was half made when the run was left. */
  #half: PretrainState | undefined;
  #base: ReadonlyMap<string, Float32Array> | undefined;
  /** Whether it was found, and not pre-trained. */
  #shipped = false;
  /** Of the seed under way. */
  #pool: Pool | undefined;
  #clock = new WorkClock();
  /** Seconds, before a resume. */
  #worked = 0;

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
    this.#trust = new KernelTrust(host.gpu, config);
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
          (found, strict) => readKept(archive, experiment, found, strict),
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
    this.#clock = new WorkClock(this.#worked);
    const { emit, gpu, hostName } = this.#host;
    gpu.pipelines.onCompile = (compiled, of, label) => {
      emit({ type: 'compiling', label, compiled, of });
    };
    const started: ExperimentEvent = {
      type: 'started',
      adapter: gpu.name,
      host: hostName,
      config: this.config,
      seeds: this.seeds,
      totalUpdates: this.totalUpdates,
    };
    if (this.#earlier) {
      emit(started);
      for (const event of this.#earlier) emit(event);
      const { reason } = this.#host;
      const why = reason === undefined ? {} : { reason };
      // Not in the log: a run that was left and one that was not end with the same files.
      emit({ type: 'resumed', adapter: gpu.name, host: hostName, ...why });
      for (const text of this.#untold) this.#warn(text);
      this.#earlier = undefined;
    } else this.#tell(started);
    if (!this.#madeEngine && !this.#half) await this.#begin();
    if (!(await this.#prepareBase(control))) return undefined;
    for (const seed of this.seeds.slice(this.#progress.seedIndex)) {
      if (await this.#runSeed(seed, control)) continue;
      await this.#checkpoint();
      return undefined;
    }
    const results = this.#results();
    this.#enter(this.#firstSeed, 'report', 'Writing results');
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
      this.#trust.queueCheck();
      this.#madeEngine = this.#newEngine();
    }
    for (const text of await this.#dropWrongKernels(!this.#base)) this.#warn(text);
  }

  /**
   * Has other variants computed in place of those that compute wrong here.
   *
   * @param training Whether gradients are looked at too.
   * @returns A sentence for each. Whatever was computed is then to be computed again.
   */
  async #dropWrongKernels(training: boolean): Promise<string[]> {
    const sentences = await this.#trust.replaceWrong(training);
    if (sentences.length > 0) {
      // Its plans took their variants when they were built.
      this.#madeEngine?.destroy();
      this.#madeEngine = undefined;
    }
    return sentences;
  }

  /** Tells whoever watches, and takes it into progress and log. */
  #tell(event: ExperimentEvent): void {
    advance(this.#progress, event, this);
    this.#archive.keep(event, this.#progress.updates);
    this.#host.emit(event);
  }

  /** Begins a phase, unless the run was resumed inside it. */
  #enter(seed: number, phase: PhaseName, text: string): void {
    const now = this.#progress.phase;
    if (now?.seed !== seed || now.phase !== phase) this.#tell({ type: 'phase', seed, phase, text });
  }

  async #prepareBase(control: RunControl): Promise<boolean> {
    const { emit } = this.#host;
    const seed = this.#firstSeed;
    if (this.#progress.base && this.#base) return true;
    this.#enter(seed, 'base', 'The base model');
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
      this.#pretrained = 0;
      // So that it is not made again.
      this.#engine.trainer.reset(this.#base, seed);
      await this.#checkpoint();
    }
    await this.#evaluateBase(this.#base);
    return true;
  }

  /** Once more where gradients turn out to be wrong: by the variants that the run then takes. */
  async #evaluateBase(base: ReadonlyMap<string, Float32Array>): Promise<void> {
    const seed = this.#firstSeed;
    let wrong: readonly string[];
    do {
      this.#engine.trainer.reset(base, seed);
      const found = await this.#evaluator.evaluate(this.#engine.decoder, seed);
      const before = { seed, update: 0, samples: 0 };
      const shipped = this.#shipped;
      this.#tell({ type: 'evaluation', method: 'base', ...before, ...found, shipped });
      wrong = await this.#dropWrongKernels(true);
      for (const text of wrong) this.#warn(text);
    } while (wrong.length > 0);
  }

  /** @returns False when stopped on the way. */
  async #runSeed(seed: number, control: RunControl): Promise<boolean> {
    const progress = this.#progress;
    const goesOn = progress.pool === seed;
    // The matrix of the seed before: a run that goes on brings its own.
    if (!goesOn && progress.pool !== null) {
      clearMatrix(this.#host.gpu, this.#engine.matrix);
      this.#archive.completions = CompletionLog.of(this.config, seed);
    }
    const pool = await this.#openPool(seed);
    for (const method of this.methods.slice(goesOn ? progress.methodIndex : 0)) {
      if (!(await this.#runMethod(pool, method, control))) return false;
      if (method === 'full') await this.#select(pool);
    }
    return true;
  }

  async #openPool(seed: number): Promise<Pool> {
    const pool = await Pool.open(this.task, seed);
    this.#pool = pool;
    if (this.#progress.pool !== seed) {
      const prompts = pool.prompts.map((prompt) => ({ text: prompt.text, ...keyOf(prompt) }));
      this.#tell({ type: 'pool', seed, prompts });
    }
    return pool;
  }

  /** Trains a method on its prompts. @returns False when stopped on the way. */
  async #runMethod(pool: Pool, method: MethodName, control: RunControl): Promise<boolean> {
    const progress = this.#progress;
    const prompts = method === 'full' ? pool.all : this.#selected(method);
    const length = iterationsOf(this.config, method, prompts.length);
    this.#enter(pool.seed, method, trainingText(method, length));
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
      const record = await iterate(tools, { method, prompts, iteration: progress.iteration });
      this.#tell({ type: 'update', ...record });
      this.#lastMetrics = record.metrics;
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
      const responses = reply.failures.length;
      const { reason } = first;
      this.#tell({
        type: 'warning',
        text: `${responses} of ${request.promptOf.length} responses could not be judged: ${reason}`,
        unjudged: { during, responses, reason },
      });
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
    const { gpu } = this.#host;
    const means = meansOf(await readMatrix(gpu, this.#engine.matrix));
    const column = columnOf(means, this.config.experiment.epochs, epoch);
    this.#tell({ type: 'column', seed, epoch, ...column });
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
      this.#tell({ type: 'evaluation', method, ...evaluation });
    }
  }

  /** Scores the pool, selects from it, and writes both. */
  async #select(pool: Pool): Promise<void> {
    const { seed } = pool;
    // Resumed behind it.
    if (this.#progress.seeds.some((summary) => summary.seed === seed)) return;
    this.#enter(seed, 'score', 'Learning impact scores');
    const stage = await selectFromPool(this.#host.gpu, this.config, pool, this.#engine.matrix);
    for (const text of stage.warnings) this.#warn(text);
    const files = await this.#archive.writeSelections(pool, this.seeds, stage);
    const { scores, selections, summary } = stage;
    this.#tell({ type: 'scores', seed, lim: summary.lim, summary, scores, selections, files });
  }

  #warn(text: string): void {
    this.#tell({ type: 'warning', text, inResults: true });
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
      kernels: this.#trust.choices,
      host: hostName,
      seconds: this.#clock.seconds,
      warnings: [...progress.warnings, ...unjudgedWarnings(progress)],
      base: progress.base,
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
    this.#pretrained = update;
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
    const { updates } = this.#progress;
    const place = this.#place;
    // A stop right behind a checkpoint has nothing to add to it.
    if (place !== this.#checkpointed) {
      await this.#archive.writeCheckpoint(name, {
        configHash: this.#hash,
        seeds: this.seeds,
        adapter: gpu.name,
        host: hostName,
        progress: {
          pretrained: this.#pretrained,
          updates,
          seconds: this.#clock.seconds,
          kernels: this.#trust.choices,
        },
        ...(await state()),
      });
      this.#checkpointed = place;
    }
    this.#checkpointedAt = performance.now();
    emit({ type: 'checkpoint', update: updates });
  }

  /** Where the run stands, as text that is equal where nothing was computed in between. */
  get #place(): string {
    return JSON.stringify([this.#pretrained, this.#progress]);
  }

  async #restore({ found, standing, progress, events, files, damaged }: Kept): Promise<void> {
    const { gpu, hostName, emit } = this.#host;
    this.#progress = progress;
    this.#pretrained = standing.pretrained;
    this.#worked = standing.seconds;
    this.#earlier = events;
    Object.assign(this.#archive, files);
    this.#lastMetrics = events.findLast((event) => event.type === 'update')?.metrics;
    if (found.layout === 3) this.#checkpointed = this.#place;
    if (found.layout === 1) {
      const text = `${found.file} is of version 0.1.0, which kept no digests: it is taken as it is`;
      emit({ type: 'warning', text });
    }
    this.#trust.force(standing.kernels);
    this.#untold.push(...(await this.#dropWrongKernels(true)));
    if (found.pretraining) {
      this.#half = { update: standing.pretrained, state: found.pretraining };
    } else {
      this.#base = found.base;
      this.#restoreNetworks(found);
    }
    if (found.adapter !== gpu.name || found.host !== hostName) {
      this.#untold.push(
        `resumed on another adapter after ${progress.updates} updates: on ${gpu.name} ` +
          `in ${hostName}, before on ${found.adapter} in ${found.host}; bit-for-bit no longer holds`,
      );
    }
    for (const file of damaged) {
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
