import {
  checkPool,
  configHash,
  drawnConfig,
  type ExperimentConfig,
  startsFromFolder,
} from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ModelConfig } from '../model/config.ts';
import type { ExperimentEvent, ExperimentResults, PromptCompletions } from '../results.ts';
import { type CheckpointPlace, methodFileName, trainedFolder } from '../run-folder/names.ts';
import {
  at,
  iterationsOf,
  plannedUpdates,
  readoutsReached,
  trainingOrder,
  trainingText,
  updatesPerEpoch,
} from '../run-plan.ts';
import { promptsRolledOut } from '../rollout-order.ts';
import { openTask, poolPromptsOf, takesGivenModel } from '../tasks/registry.ts';
import { noResources, type Task, type TaskResources } from '../tasks/task.ts';
import { type MethodName, selectionOf } from '../selection/methods.ts';
import {
  type Base,
  drawnBase,
  factsOf,
  givenBase,
  type GivenModel,
  modelConfigOf,
  pretrainBase,
  type PretrainState,
} from './base.ts';
import { CheckpointError, type FoundCheckpoint } from './checkpoint.ts';
import { CompletionLog } from './completion-log.ts';
import { estimate } from './estimate.ts';
import { Evaluator, judging, type Verifier } from './evaluator.ts';
import type { MemoryChoices } from './experiment-buffers.ts';
import { resultsOf, type FinishedRun } from './experiment-results.ts';
import { iterate } from './iteration.ts';
import { planRun } from './plan-memory.ts';
import { keyOf, Pool } from './pool.ts';
import { baseAnswers, probe, probeWarning } from './probe.ts';
import { advance, freshProgress, progressEvent } from './progress.ts';
import { damageWarnings, moveWarnings, readResumeState, type ResumeState } from './resume.ts';
import { clearMatrix, columnOf, meansOf, readMatrix, uploadMatrix } from './reward-matrix.ts';
import { RunArchive } from './run-archive.ts';
import { RunCheckpoints, type ComputedState } from './run-checkpoints.ts';
import type { RunControl } from './run-control.ts';
import type { RunStore } from './run-store.ts';
import { type GivenSubsets, openSubsets } from './given-subsets.ts';
import { expectSelectable, selectFromPool } from './selection-stage.ts';
import { trainedFiles } from './trained-files.ts';
import { TrustedBuffers } from './trusted-buffers.ts';
import { WorkClock } from './work-clock.ts';

/** What an experiment needs from its host. */
export interface ExperimentHost {
  readonly gpu: Gpu;
  /** `node`, `deno`, `chromium`, ... : goes into the results. */
  readonly hostName: string;
  readonly store: RunStore;
  readonly verify: Verifier;
  /** The files that the config names, and the tokenizer of its model; none when left out. */
  readonly resources?: TaskResources | undefined;
  /** The model that the config names; none where the config has the model drawn. */
  readonly given?: GivenModel | undefined;
  /** A base trained before for this config, if there is one. */
  readonly shippedBase: (
    config: ExperimentConfig,
  ) => Promise<ReadonlyMap<string, Float32Array> | undefined>;
  readonly emit: (event: ExperimentEvent) => void;
  /** What a run met that goes on by itself. */
  readonly reason?: string | undefined;
  /** What the device's memory decides; nothing when left out. */
  readonly memory?: MemoryChoices | undefined;
  /** Bytes of buffers that the run may take: `planRun` then makes the other choices. */
  readonly budget?: number | undefined;
}

type PhaseName = Extract<ExperimentEvent, { readonly type: 'phase' }>['phase'];

/** The base that was there before the run; undefined if the run pre-trains one. */
async function baseBefore(
  { given, shippedBase }: ExperimentHost,
  config: ExperimentConfig,
): Promise<Base | undefined> {
  if (given) return givenBase(given);
  const shipped = await shippedBase(config);
  return shipped && drawnBase(shipped);
}

/** How a run is opened. */
export interface OpenOptions {
  /** Goes on from the store's checkpoint where there is one. */
  readonly resume: boolean;
  /**
   * Hash of the config as the run's folder has it: another version may have begun the run, and
   * files count by their content. When left out, files count by their paths.
   */
  readonly configHash?: string | undefined;
  /** Longest time between two checkpoints, unless one update takes longer; 300 s when left out. */
  readonly checkpointSeconds?: number | undefined;
}

/** The model that a run trains, and how its buffers are laid out. */
interface RunLayout {
  readonly model: ModelConfig;
  readonly choices: MemoryChoices;
  readonly sentence: string | undefined;
}

/**
 * Lays a run out on its device: within the budget if there is one, else as a whole.
 *
 * @throws AdapterError when the device cannot bind one of its buffers, MemoryError when the budget is
 *   too small; both in a budget alone.
 */
function layoutOf(
  { gpu, given, memory = {}, budget }: ExperimentHost,
  config: ExperimentConfig,
  task: Task,
): RunLayout {
  const model = modelConfigOf(config, task, given?.directory.config);
  if (budget === undefined) return { model, choices: memory, sentence: undefined };
  const { choices, sentence } = planRun(config, model, task, {
    memory: budget,
    limits: gpu.limits,
  });
  // After a failed allocation fewer rows decode together than planned.
  const rowsTogether = Math.min(choices.rowsTogether, memory.rowsTogether ?? Infinity);
  return { model, choices: { ...choices, ...memory, rowsTogether }, sentence };
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
  readonly #buffers: TrustedBuffers;
  readonly #checkpoints: RunCheckpoints;
  readonly #configHash: string;
  readonly #layout: RunLayout;
  readonly #subsets: GivenSubsets;
  #progress = freshProgress();
  /** Updates of the base's pre-training done, until there is a base. */
  #pretrained = 0;
  /** What happened before a resume, until whoever watches has been shown. */
  #earlier: readonly ExperimentEvent[] | undefined;
  /** What a resume met, until it can be told. */
  #untold: string[] = [];
  /** A base that was half made when the run was left. */
  #half: PretrainState | undefined;
  #base: Base | undefined;
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
    options: OpenOptions & {
      readonly configHash: string;
      readonly layout: RunLayout;
      readonly subsets: GivenSubsets;
    },
  ) {
    const { gpu, hostName, store } = host;
    this.#layout = options.layout;
    this.#subsets = options.subsets;
    this.config = config;
    this.seeds = seeds;
    this.methods = trainingOrder(config);
    this.#host = host;
    this.task = task;
    this.#configHash = options.configHash;
    this.#evaluator = new Evaluator(this.task, config.evaluation, this.#judging('evaluation'));
    const { model, choices } = options.layout;
    this.#buffers = new TrustedBuffers(gpu, config, task, { ...choices, model });
    this.#archive = new RunArchive(store, CompletionLog.of(config, this.#seed));
    this.#checkpoints = new RunCheckpoints(
      this.#archive,
      { configHash: options.configHash, seeds, adapter: gpu.name, host: hostName },
      options.checkpointSeconds,
    );
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
    const task = await openTask(config.task, host.resources ?? noResources);
    try {
      if (poolPromptsOf(config.task) === undefined) checkPool(config, task.poolPrompts, 'config');
      const layout = layoutOf(host, config, task);
      expectSelectable(config, seeds[0] ?? 0, task);
      const { files } = host.resources ?? noResources;
      const subsets = await openSubsets(config, seeds, task, files);
      const hash = options.configHash ?? (await configHash(config));
      const experiment = new Experiment(host, config, seeds, task, {
        ...options,
        configHash: hash,
        layout,
        subsets,
      });
      const archive = experiment.#archive;
      const kept = options.resume
        ? await archive.checkpoints.find(
            { configHash: hash, seeds },
            (found, strict) => readResumeState(archive, experiment, found, strict),
            (text) => host.emit({ type: 'warning', text }),
          )
        : undefined;
      const base = kept ? undefined : await baseBefore(host, config);
      estimate(config, host.gpu.limits, {
        task,
        model: layout.model,
        choices: layout.choices,
        hasBase: kept ? kept.found.pretraining === null : base !== undefined,
      });
      if (kept) await experiment.#restore(kept);
      else experiment.#base = base;
      experiment.#shipped = base !== undefined;
      return experiment;
    } catch (error) {
      await task.text.close();
      throw error;
    }
  }

  get poolSize(): number {
    return this.task.poolPrompts;
  }

  /** How the run uses memory, in a sentence; undefined where nothing limits it. */
  get layoutText(): string | undefined {
    return this.#layout.sentence;
  }

  /** Limit on the rows that decode together; undefined for those of a rollout. */
  get rowsTogether(): number | undefined {
    return this.#layout.choices.rowsTogether;
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
    } else {
      this.#tell(started);
      await this.#tellOfTask();
    }
    if (!this.#buffers.allocated && !this.#half) await this.#begin();
    if (!(await this.#prepareBase(control))) return undefined;
    for (const seed of this.seeds.slice(this.#progress.seedIndex)) {
      if (await this.#runSeed(seed, control)) continue;
      await this.#checkpoint();
      return undefined;
    }
    const results = resultsOf(this.#finished, this.#progress);
    this.#enter(this.#firstSeed, 'report', 'Writing results');
    await this.#archive.writeResults(results, this.#progress.written);
    emit({ type: 'done', results });
    return results;
  }

  /**
   * Checks the kernels that compute next: where there is a base, those of gradients are compiled
   * while the base is evaluated, and checked after that.
   */
  async #begin(): Promise<void> {
    if (this.#base) this.#buffers.allocateAhead();
    for (const text of await this.#buffers.replaceWrong(!this.#base)) this.#warn(text);
  }

  /** What the task says of its files: rows that are left out, and the like. */
  async #tellOfTask(): Promise<void> {
    const { notes = [], leftOut = [] } = this.task;
    await this.#archive.writeLeftOut(leftOut);
    for (const text of notes) this.#warn(text);
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
      const numbers = await pretrainBase(
        this.#host.gpu,
        drawnConfig(this.config, 'pre-training'),
        this.task,
        (update, of, loss) => emit({ type: 'pretraining', update, of, loss }),
        () => this.#mayContinue(control),
        {
          from: this.#half,
          due: () => this.#checkpoints.due,
          save: (state) => this.#checkpointBase(state),
        },
      );
      this.#half = undefined;
      if (!numbers) return false;
      this.#base = drawnBase(numbers);
      this.#pretrained = 0;
      // So that it is not made again.
      await this.#buffers.current.trainer.reset(this.#base.source, seed);
      await this.#checkpoint();
    }
    await this.#evaluateBase(this.#base);
    return true;
  }

  /** Once more where gradients turn out to be wrong: by the variants that the run then takes. */
  async #evaluateBase({ source }: Base): Promise<void> {
    const seed = this.#firstSeed;
    let wrong: readonly string[];
    do {
      await this.#buffers.current.trainer.reset(source, seed);
      const found = await this.#evaluator.evaluate(this.#buffers.current.decoder, seed);
      const before = { seed, update: 0, samples: 0 };
      const shipped = this.#shipped;
      this.#tell({ type: 'evaluation', method: 'base', ...before, ...found, shipped });
      wrong = await this.#buffers.replaceWrong(true);
      for (const text of wrong) this.#warn(text);
    } while (wrong.length > 0);
  }

  /** @returns False when stopped on the way. */
  async #runSeed(seed: number, control: RunControl): Promise<boolean> {
    const progress = this.#progress;
    const goesOn = progress.pool === seed;
    // The matrix of the seed before: a run that goes on brings its own.
    if (!goesOn && progress.pool !== null) {
      clearMatrix(this.#host.gpu, this.#buffers.current.matrix);
      this.#archive.completions = CompletionLog.of(this.config, seed);
    }
    const pool = await this.#openPool(seed);
    await this.#probeOnce(pool);
    await this.#answerOnce(pool);
    for (const method of this.methods.slice(goesOn ? progress.methodIndex : 0)) {
      if (!(await this.#runMethod(pool, method, control))) return false;
      if (method === 'full') await this.#select(pool);
    }
    return true;
  }

  /**
   * Samples the base on some of a user's prompts, before FULL of the first seed: whether the
   * threshold can work is told before the pass that it needs.
   */
  async #probeOnce(pool: Pool): Promise<void> {
    const { probe: known, methodIndex, iteration } = this.#progress;
    if (known || !takesGivenModel(this.config.task) || this.methods.length === 1) return;
    if (pool.seed !== this.#firstSeed || methodIndex > 0 || iteration > 0) return;
    const { decoder } = this.#buffers.current;
    const verify = this.#judging('evaluation');
    const found = await probe({ config: this.config, task: this.task, pool, decoder, verify });
    this.#tell({ type: 'probe', seed: pool.seed, ...found });
    const warning = probeWarning(this.config, found);
    if (warning !== undefined) this.#warn(warning);
  }

  /** Samples the base on the whole pool before FULL, if a method selects by its answers. */
  async #answerOnce(pool: Pool): Promise<void> {
    const { answers, methodIndex, iteration } = this.#progress;
    if (answers || methodIndex > 0 || iteration > 0) return;
    if (!this.methods.some((name) => selectionOf(name)?.needs.includes('answers'))) return;
    const { trainer, decoder } = this.#buffers.current;
    // The decoder's model may be what the seed before has trained.
    await trainer.reset(this.#start.source, pool.seed);
    const verify = this.#judging('evaluation');
    const tools = { config: this.config, task: this.task, pool, decoder, verify };
    this.#tell({ type: 'answers', seed: pool.seed, ...(await baseAnswers(tools)) });
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
    const { trainer, decoder } = this.#buffers.current;
    if (progress.iteration === 0) await trainer.reset(this.#start.source, pool.seed);
    const tools = {
      config: this.config,
      task: this.task,
      pool,
      decoder,
      trainer,
      verify: this.#judging('training'),
      completions: this.#archive.completions,
    };
    while (progress.iteration < length) {
      if (!(await this.#mayContinue(control))) return false;
      this.#clock.startLap();
      const record = await iterate(tools, { method, prompts, iteration: progress.iteration });
      this.#tell({ type: 'update', ...record });
      await this.#lookAround(method, prompts.length, length);
      this.#clock.endLap();
      const { updates } = progress;
      const { pace } = this.#clock;
      this.#host.emit(progressEvent(updates, this.totalUpdates, pace, record.metrics));
    }
    await this.#keepTrained(pool.seed, method);
    return true;
  }

  /** Writes what a method has trained of a given model. Others than FULL may have no prompts. */
  async #keepTrained(seed: number, method: MethodName): Promise<void> {
    const { given } = this.#host;
    const { config } = this;
    if (!given || !startsFromFolder(config) || this.#progress.iteration === 0) return;
    const { actor } = await this.#buffers.current.trainer.save();
    const { folder, files } = await trainedFiles(config, given, actor.parameters);
    await this.#archive.writeTrained(trainedFolder(folder, method, seed, this.seeds), files);
  }

  /** @throws Error where FULL has not been scored. */
  #selected(method: MethodName): readonly number[] {
    const prompts = this.#progress.selections[method];
    if (!prompts) throw new Error(`${method} is to be trained before its prompts are selected`);
    return prompts;
  }

  #mayContinue(control: RunControl): Promise<boolean> {
    return this.#clock.rest(() => control.untilMayContinue());
  }

  /** What an iteration may complete: a column of the matrix, a read-out, the time to a checkpoint. */
  async #lookAround(method: MethodName, prompts: number, length: number): Promise<void> {
    const { iteration } = this.#progress;
    const perEpoch = updatesPerEpoch(this.config, this.poolSize);
    if (method === 'full' && iteration % perEpoch === 0) {
      await this.#emitColumn(this.#seed, iteration / perEpoch - 1);
    }
    const readouts = readoutsReached(this.config, method, prompts, iteration);
    if (readouts.length > 0) await this.#evaluate(method, readouts, prompts);
    const { checkpointEvery } = this.config.experiment;
    if (iteration % checkpointEvery === 0 || iteration === length || this.#checkpoints.due) {
      await this.#checkpoint();
    }
  }

  /** Has responses judged, and never lets one that could not be pass unnoticed. */
  #judging(during: 'training' | 'evaluation'): Verifier {
    return judging(
      (request) => this.#host.verify(request),
      (unjudged) => {
        const { responses, of, reason } = unjudged;
        this.#tell({
          type: 'warning',
          text: `${responses} of ${of} responses could not be judged: ${reason}`,
          unjudged: { during, responses, reason },
        });
      },
    );
  }

  /** What the FULL pass of the current seed sampled for a prompt; see `CompletionLog`. */
  completions(promptIndex: number): PromptCompletions {
    if (!this.#pool) throw new RangeError('the run has opened no pool yet');
    const { text, key } = this.#pool.at(promptIndex);
    return { prompt: text, key, epochs: this.#archive.completions.of(promptIndex) };
  }

  async #emitColumn(seed: number, epoch: number): Promise<void> {
    const { gpu } = this.#host;
    const means = meansOf(await readMatrix(gpu, this.#buffers.current.matrix));
    const column = columnOf(means, this.config.experiment.epochs, epoch);
    this.#tell({ type: 'column', seed, epoch, ...column });
  }

  async #evaluate(method: MethodName, readouts: readonly number[], prompts: number): Promise<void> {
    if (!this.#evaluator.evaluates) return;
    const { rollout, experiment } = this.config;
    const { iteration } = this.#progress;
    const samples = promptsRolledOut(this.config, prompts, iteration) * rollout.samples;
    const accuracy = await this.#evaluator.evaluate(this.#buffers.current.decoder, this.#seed);
    for (const readout of readouts) {
      const epochs = experiment.budget === 'epochs' ? { epochs: readout } : {};
      const found = { seed: this.#seed, update: iteration, ...epochs, samples, ...accuracy };
      this.#tell({ type: 'evaluation', method, ...found });
    }
  }

  /** Scores the pool, selects from it, and writes both. */
  async #select(pool: Pool): Promise<void> {
    const { seed } = pool;
    // Resumed behind it.
    if (this.#progress.seeds.some((summary) => summary.seed === seed)) return;
    this.#enter(seed, 'score', 'Learning impact scores');
    const { matrix } = this.#buffers.current;
    const { answers } = this.#progress;
    const stage = await selectFromPool(this.#host.gpu, this.config, pool, {
      matrix,
      listed: (method) => this.#subsets(seed, method),
      ...(answers && { answers }),
    });
    for (const text of stage.warnings) this.#warn(text);
    const files = await this.#archive.writeSelections(pool, this.seeds, stage);
    const { scores, selections, summary } = stage;
    this.#tell({ type: 'scores', seed, lim: summary.lim, summary, scores, selections, files });
  }

  #warn(text: string): void {
    this.#tell({ type: 'warning', text, inResults: true });
  }

  get #finished(): FinishedRun {
    const { gpu, hostName } = this.#host;
    return {
      config: this.config,
      configHash: this.#configHash,
      model: this.#host.given && factsOf(this.#host.given, this.config.adapter),
      memory: this.layoutText,
      injected: this.task.describeInjected(),
      adapter: gpu.name,
      host: hostName,
      kernels: this.#buffers.trust.choices,
      seconds: this.#clock.seconds,
    };
  }

  /** @throws Error before there is a base. */
  get #start(): Base {
    if (!this.#base) throw new Error('a training before there is a base');
    return this.#base;
  }

  /** Everything that the next iteration depends on. */
  async #checkpoint(): Promise<void> {
    const base = this.#base;
    if (!base) return;
    const { seedIndex, iteration } = this.#progress;
    await this.#writeCheckpoint(
      { seedIndex, method: methodFileName(this.#method), update: iteration },
      async () => ({
        base: base.numbers ?? new Map<string, Float32Array>(),
        baseDigest: base.digest,
        pretraining: null,
        ppo: await this.#buffers.current.trainer.save(),
        matrix: await readMatrix(this.#host.gpu, this.#buffers.current.matrix),
      }),
    );
  }

  /** The same while there is no base to train. */
  async #checkpointBase({ update, state }: PretrainState): Promise<void> {
    this.#pretrained = update;
    const none = { base: new Map<string, Float32Array>(), ppo: null, matrix: null };
    await this.#writeCheckpoint({ seedIndex: 0, method: 'base', update }, () =>
      Promise.resolve({ ...none, pretraining: state }),
    );
  }

  async #writeCheckpoint(
    place: CheckpointPlace,
    state: () => Promise<ComputedState>,
  ): Promise<void> {
    const { updates } = this.#progress;
    const standing = {
      pretrained: this.#pretrained,
      updates,
      seconds: this.#clock.seconds,
      kernels: this.#buffers.trust.choices,
    };
    await this.#checkpoints.write({ place, standing, fingerprint: this.#fingerprint }, state);
    this.#host.emit({ type: 'checkpoint', update: updates });
  }

  /** Where the run stands, as text that is equal where nothing was computed in between. */
  get #fingerprint(): string {
    return JSON.stringify([this.#pretrained, this.#progress]);
  }

  async #restore(kept: ResumeState): Promise<void> {
    const { found, standing, progress, events, files } = kept;
    const { gpu, hostName, emit } = this.#host;
    this.#progress = progress;
    this.#pretrained = standing.pretrained;
    this.#worked = standing.seconds;
    this.#earlier = events;
    Object.assign(this.#archive, files);
    if (found.layout === 3) this.#checkpoints.resumed(this.#fingerprint);
    for (const text of damageWarnings(kept)) emit({ type: 'warning', text });
    this.#buffers.trust.force(standing.kernels);
    this.#untold.push(...(await this.#buffers.replaceWrong(true)));
    if (found.pretraining) {
      this.#half = { update: standing.pretrained, state: found.pretraining };
    } else {
      this.#base = this.#baseOf(found);
      await this.#restoreNetworks(found);
    }
    this.#untold.push(...moveWarnings(kept, { adapter: gpu.name, host: hostName }));
  }

  /** The base that a checkpoint goes on from. @throws CheckpointError if it is another model. */
  #baseOf({ file, base, baseDigest }: FoundCheckpoint): Base {
    const { given } = this.#host;
    if (baseDigest !== given?.digest) {
      const found = given ? `model ${given.digest.slice(0, 12)}` : 'a drawn model';
      throw new CheckpointError(
        `${file}: starts from ${baseDigest === undefined ? 'a drawn model' : `model ${baseDigest.slice(0, 12)}`}, this run from ${found}`,
      );
    }
    return given ? givenBase(given) : drawnBase(base);
  }

  async #restoreNetworks({ ppo, matrix }: FoundCheckpoint): Promise<void> {
    if (!ppo || !matrix) throw new CheckpointError('a checkpoint without networks was accepted');
    await this.#buffers.current.trainer.restore(this.#start.source, ppo);
    uploadMatrix(this.#host.gpu, this.#buffers.current.matrix, matrix);
  }

  /** Weights of the policy as it stands, by Hugging Face names. */
  async weights(): Promise<Map<string, Float32Array>> {
    return this.#buffers.current.trainer.actor.weights.read();
  }
}
