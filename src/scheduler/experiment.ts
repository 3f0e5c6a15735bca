import type { Tensor } from '../../kernels/lib/tensor.ts';
import { checkLengths, checkPool, configHash, type ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import {
  type Attention,
  type AttentionCall,
  type GenerateCall,
  type Generated,
  type InspectCall,
  type Inspected,
  InspectionError,
  type LastRollout,
  type RolloutCall,
} from '../inspection/calls.ts';
import type { ExperimentEvent, ExperimentResults, PromptCompletions } from '../results.ts';
import { type CheckpointPlace, methodFileName } from '../run-folder/names.ts';
import { at, plannedUpdates, trainingOrder } from '../run-plan.ts';
import { openTask, poolPromptsOf, takesGivenModel } from '../tasks/registry.ts';
import { noResources, type Task } from '../tasks/task.ts';
import { type ByMethod, type MethodName, onlineOf, selectionOf } from '../selection/methods.ts';
import { Asking, type Standing } from './asking.ts';
import { type Base, drawnBase, factsOf, givenBase, type PretrainState } from './base.ts';
import { baseBefore, BaseStage } from './base-stage.ts';
import { CheckpointError, type FoundCheckpoint } from './checkpoint.ts';
import { SeedCompletions } from './completion-log.ts';
import { estimate } from './estimate.ts';
import { Evaluator, type Verifier } from './evaluator.ts';
import type { ExperimentHost } from './experiment-host.ts';
import { resultsOf, type FinishedRun } from './experiment-results.ts';
import { type GivenSubsets, openSubsets } from './given-subsets.ts';
import { trainMethod } from './method-stage.ts';
import { keyOf, Pool } from './pool.ts';
import { baseAnswers, probe, probeWarning } from './probe.ts';
import type { Progress } from './progress.ts';
import { damageWarnings, moveWarnings, readResumeState, type ResumeState } from './resume.ts';
import { clearMatrix, readMatrix, uploadMatrix } from './reward-matrix.ts';
import { RunArchive } from './run-archive.ts';
import { RunCheckpoints, type ComputedState } from './run-checkpoints.ts';
import type { RunControl } from './run-control.ts';
import { keepBase } from './kept-weights.ts';
import { layoutOf, type RunLayout } from './run-layout.ts';
import { RunLog } from './run-log.ts';
import { expectSelectable, selectFromPool } from './selection-stage.ts';
import { openTaughtRows, type TaughtRows } from './supervised-iteration.ts';
import { TrustedBuffers } from './trusted-buffers.ts';
import { WorkClock } from './work-clock.ts';

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
  readonly #taught: TaughtRows;
  readonly #log: RunLog;
  readonly #base: BaseStage;
  /** What happened before a resume, until whoever watches has been shown. */
  #earlier: readonly ExperimentEvent[] | undefined;
  /** What a resume met, until it can be told. */
  #untold: string[] = [];
  /** Of the seed under way. */
  #pool: Pool | undefined;
  #clock = new WorkClock();
  /** Made when the run is first asked. */
  #asking: Asking | undefined;
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
      readonly taught: TaughtRows;
    },
  ) {
    const { gpu, hostName, store } = host;
    this.#layout = options.layout;
    this.#subsets = options.subsets;
    this.#taught = options.taught;
    this.config = config;
    this.seeds = seeds;
    this.methods = trainingOrder(config);
    this.#host = host;
    this.task = task;
    this.#configHash = options.configHash;
    this.#archive = new RunArchive(store, new SeedCompletions(config, this.#firstSeed));
    this.#log = new RunLog(this, this.#archive, host.emit);
    this.#evaluator = new Evaluator(task, config.evaluation, this.#judging('evaluation'));
    const { model, choices } = options.layout;
    this.#buffers = new TrustedBuffers(gpu, config, task, { ...choices, model });
    const seed = this.#firstSeed;
    const [log, buffers, evaluator] = [this.#log, this.#buffers, this.#evaluator];
    this.#base = new BaseStage({ host, config, task, seed, log, buffers, evaluator });
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
      checkLengths(config, task.maxResponseTokens, 'config');
      const layout = layoutOf(host, config, task);
      expectSelectable(config, seeds[0] ?? 0, task);
      const { files } = host.resources ?? noResources;
      const subsets = await openSubsets(config, seeds, task, files);
      const taught = await openTaughtRows(config, task, files);
      const hash = options.configHash ?? (await configHash(config));
      const experiment = new Experiment(host, config, seeds, task, {
        ...options,
        configHash: hash,
        layout,
        subsets,
        taught,
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
      else experiment.#base.base = base;
      experiment.#base.shipped = base !== undefined;
      return experiment;
    } catch (error) {
      await task.text.close();
      throw error;
    }
  }

  /** Rows that each supervised method learns. */
  get rows(): ByMethod<number> {
    return Object.fromEntries([...this.#taught].map(([method, rows]) => [method, rows.length]));
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
    return this.#base.base !== undefined;
  }

  get #progress(): Progress {
    return this.#log.progress;
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
    const sizes = { ...this.#progress.sizes, ...this.rows };
    return plannedUpdates(this.config, this.poolSize, this.seeds.length, sizes);
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
      this.#asking?.destroy();
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
      for (const text of this.#untold) this.#log.warn(text);
      this.#earlier = undefined;
    } else {
      this.#log.tell(started);
      await this.#tellOfTask();
    }
    if (!this.#buffers.allocated && !this.#base.half) await this.#begin();
    if (!(await this.#prepareBase(control))) return undefined;
    await keepBase({
      host: this.#host,
      config: this.config,
      model: this.#layout.model,
      text: this.task.text,
      archive: this.#archive,
      base: this.#base.start,
    });
    for (const seed of this.seeds.slice(this.#progress.seedIndex)) {
      if (await this.#runSeed(seed, control)) continue;
      await this.#checkpoint();
      return undefined;
    }
    const results = resultsOf(this.#finished, this.#progress);
    this.#log.enter(this.#firstSeed, 'report', 'Writing results');
    await this.#archive.writeResults(results, this.#progress.written);
    emit({ type: 'done', results });
    return results;
  }

  /**
   * Checks the kernels that compute next: where there is a base, those of gradients are compiled
   * while the base is evaluated, and checked after that.
   */
  async #begin(): Promise<void> {
    const found = this.#base.base !== undefined;
    if (found) this.#buffers.allocateAhead();
    for (const text of await this.#buffers.replaceWrong(!found)) this.#log.warn(text);
  }

  /** What the task says of its files: rows that are left out, and the like. */
  async #tellOfTask(): Promise<void> {
    const { notes = [], leftOut = [] } = this.task;
    await this.#archive.writeLeftOut(leftOut);
    for (const text of notes) this.#log.warn(text);
  }

  #prepareBase(control: RunControl): Promise<boolean> {
    return this.#base.prepare({
      mayContinue: () => this.#mayContinue(control),
      due: () => this.#checkpoints.due,
      saveHalf: (state) => this.#checkpointBase(state),
      saveWhole: () => this.#checkpoint(),
    });
  }

  /** @returns False when stopped on the way. */
  async #runSeed(seed: number, control: RunControl): Promise<boolean> {
    const progress = this.#progress;
    const goesOn = progress.pool === seed;
    // The matrix of the seed before: a run that goes on brings its own.
    if (!goesOn && progress.pool !== null) {
      clearMatrix(this.#host.gpu, this.#buffers.current.matrix);
      this.#archive.completions = new SeedCompletions(this.config, seed);
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
    this.#log.tell({ type: 'probe', seed: pool.seed, ...found });
    const warning = probeWarning(this.config, found);
    if (warning !== undefined) this.#log.warn(warning);
  }

  /** Samples the base on the whole pool before FULL, if a method selects by its answers. */
  async #answerOnce(pool: Pool): Promise<void> {
    const { answers, seedIndex, methodIndex, iteration } = this.#progress;
    const isUnderWay = seedIndex === this.seeds.indexOf(pool.seed);
    if (answers || (isUnderWay && (methodIndex > 0 || iteration > 0))) return;
    if (!this.methods.some((name) => selectionOf(name)?.needs.includes('answers'))) return;
    const { trainer, decoder } = this.#buffers.current;
    // The decoder's model may be what the seed before has trained.
    await trainer.reset(this.#base.start.source, pool.seed);
    const verify = this.#judging('evaluation');
    const tools = { config: this.config, task: this.task, pool, decoder, verify };
    this.#log.tell({ type: 'answers', seed: pool.seed, ...(await baseAnswers(tools)) });
  }

  async #openPool(seed: number): Promise<Pool> {
    const pool = await Pool.open(this.task, seed);
    this.#pool = pool;
    if (this.#progress.pool !== seed) {
      const prompts = pool.prompts.map((prompt) => ({ text: prompt.text, ...keyOf(prompt) }));
      this.#log.tell({ type: 'pool', seed, prompts });
    }
    return pool;
  }

  /** Trains a method on its prompts. @returns False when stopped on the way. */
  #runMethod(pool: Pool, method: MethodName, control: RunControl): Promise<boolean> {
    const wholePool = method === 'full' || onlineOf(method) !== undefined;
    const rows = this.#taught.get(method);
    const prompts = wholePool ? pool.all : rows ? [...rows.keys()] : this.#selected(method);
    return trainMethod(
      {
        host: this.#host,
        config: this.config,
        task: this.task,
        seeds: this.seeds,
        base: this.#base.start,
        log: this.#log,
        archive: this.#archive,
        buffers: this.#buffers,
        evaluator: this.#evaluator,
        taught: this.#taught,
        clock: this.#clock,
        totalUpdates: () => this.totalUpdates,
        mayContinue: () => this.#mayContinue(control),
        checkpointDue: () => this.#checkpoints.due,
        checkpoint: () => this.#checkpoint(),
      },
      { pool, method, prompts },
    );
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

  #judging(during: 'training' | 'evaluation'): Verifier {
    return this.#log.judging((request) => this.#host.verify(request), during);
  }

  /** FULL's rewards where they lie, in the signal that LIM uses; undefined before they are allocated. */
  get lyingMatrix():
    { readonly gpu: Gpu; readonly sums: Tensor; readonly samples: Tensor } | undefined {
    if (!this.#buffers.allocated) return undefined;
    const { accuracySums, rewardSums, samples } = this.#buffers.current.matrix;
    const sums = this.config.lim.signal === 'accuracy' ? accuracySums : rewardSums;
    return { gpu: this.#host.gpu, sums, samples };
  }

  /** What a method of the current seed sampled for a prompt; see `CompletionLog`. */
  completions(promptIndex: number, method: MethodName = 'full'): PromptCompletions {
    if (!this.#pool) throw new RangeError('the run has opened no pool yet');
    const { text, key } = this.#pool.at(promptIndex);
    const epochs = this.#archive.completions.of(method).of(promptIndex);
    return { prompt: text, key, epochs };
  }

  /**
   * Draws responses of the base, of a trained method or of the policy as it stands. Between iterations
   * alone: see `RunControl.visit`. What is asked changes no bit of the run.
   *
   * @throws InspectionError naming what cannot be answered; AllocationError when memory is short.
   */
  async generate(call: GenerateCall): Promise<Generated> {
    return this.#asked().generate(call, this.#standing);
  }

  /** Gives what the networks say of each token of responses; as `generate`. */
  async inspect(call: InspectCall): Promise<Inspected> {
    return this.#asked().inspect(call, this.#standing);
  }

  /** Gives what the last update was made from; as `generate`. */
  async rollout(call: RolloutCall): Promise<LastRollout> {
    return this.#asked().rollout(call, this.#standing);
  }

  /** Gives what a layer attends to before each token of a response; as `generate`. */
  async attend(call: AttentionCall): Promise<Attention> {
    return this.#asked().attend(call, this.#standing);
  }

  #asked(): Asking {
    // Until then its kernels are not known to compute right.
    if (!this.#progress.base) throw new InspectionError('the run has not evaluated its base yet');
    const { gpu, store } = this.#host;
    this.#asking ??= new Asking({
      gpu,
      config: this.config,
      model: this.#layout.model,
      task: this.task,
      seeds: this.seeds,
      store,
      base: this.#base.start.source,
      verify: (request) => this.#host.verify(request),
    });
    return this.#asking;
  }

  get #standing(): Standing {
    const { iteration: update } = this.#progress;
    const { trainer } = this.#buffers.current;
    return {
      seed: this.#seed,
      pool: this.#pool,
      training: { method: this.#method, update, trainer },
    };
  }

  /** Scores the pool, selects from it, and writes both. */
  async #select(pool: Pool): Promise<void> {
    const { seed } = pool;
    // Resumed behind it.
    if (this.#progress.seeds.some((summary) => summary.seed === seed)) return;
    this.#log.enter(seed, 'score', 'Learning impact scores');
    const { matrix } = this.#buffers.current;
    const { answers } = this.#progress;
    const stage = await selectFromPool(this.#host.gpu, this.config, pool, {
      matrix,
      listed: (method) => this.#subsets(seed, method),
      ...(answers && { answers }),
    });
    for (const text of stage.warnings) this.#log.warn(text);
    const files = await this.#archive.writeSelections(pool, this.seeds, stage);
    const { scores, selections, summary } = stage;
    this.#log.tell({ type: 'scores', seed, lim: summary.lim, summary, scores, selections, files });
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

  /** Everything that the next iteration depends on. */
  async #checkpoint(): Promise<void> {
    const { base } = this.#base;
    if (!base) return;
    const { seedIndex, iteration } = this.#progress;
    await this.#writeCheckpoint(
      { seedIndex, method: methodFileName(this.#method), update: iteration },
      async () => {
        const { trainer, matrix, online } = this.#buffers.current;
        return {
          base: base.numbers ?? new Map<string, Float32Array>(),
          baseDigest: base.digest,
          pretraining: null,
          ppo: await trainer.save(),
          matrix: await readMatrix(this.#host.gpu, matrix),
          online: online && (await readMatrix(this.#host.gpu, online.matrix)),
        };
      },
    );
  }

  /** The same while there is no base to train. */
  async #checkpointBase({ update, state }: PretrainState): Promise<void> {
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
      pretrained: this.#base.pretrained,
      updates,
      seconds: this.#clock.seconds,
      kernels: this.#buffers.trust.choices,
    };
    await this.#checkpoints.write({ place, standing, fingerprint: this.#fingerprint }, state);
    this.#host.emit({ type: 'checkpoint', update: updates });
  }

  /** Where the run stands, as text that is equal where nothing was computed in between. */
  get #fingerprint(): string {
    return JSON.stringify([this.#base.pretrained, this.#progress]);
  }

  async #restore(kept: ResumeState): Promise<void> {
    const { found, standing, progress, events, files } = kept;
    const { gpu, hostName, emit } = this.#host;
    this.#log.progress = progress;
    this.#base.pretrained = standing.pretrained;
    this.#worked = standing.seconds;
    this.#earlier = events;
    Object.assign(this.#archive, files);
    if (found.layout === 3) this.#checkpoints.resumed(this.#fingerprint);
    for (const text of damageWarnings(kept)) emit({ type: 'warning', text });
    this.#buffers.trust.force(standing.kernels);
    this.#untold.push(...(await this.#buffers.replaceWrong(true)));
    if (found.pretraining) {
      this.#base.half = { update: standing.pretrained, state: found.pretraining };
    } else {
      this.#base.base = this.#baseOf(found);
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

  async #restoreNetworks({ ppo, matrix, online }: FoundCheckpoint): Promise<void> {
    if (!ppo || !matrix) throw new CheckpointError('a checkpoint without networks was accepted');
    await this.#buffers.current.trainer.restore(this.#base.start.source, ppo);
    const buffers = this.#buffers.current;
    uploadMatrix(this.#host.gpu, buffers.matrix, matrix);
    if (!buffers.online) return;
    if (!online) throw new CheckpointError('a checkpoint without its online matrix was accepted');
    uploadMatrix(this.#host.gpu, buffers.online.matrix, online);
  }

  /** Weights of the policy as it stands, by Hugging Face names. */
  async weights(): Promise<Map<string, Float32Array>> {
    return this.#buffers.current.trainer.actor.weights.read();
  }
}
