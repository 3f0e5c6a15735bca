import type { ExperimentConfig } from '../config.ts';
import { evaluationsAt, readoutUnit } from '../readouts.ts';
import { cutText } from '../report/cut.ts';
import {
  type Completion,
  type Evaluation,
  type EventOf,
  type ExperimentEvent,
  type ExperimentResults,
  type LimSummary,
  type RunState,
  type UpdateRecord,
} from '../results.ts';
import { METRICS, RESULTS, seedFiles } from '../run-folder/names.ts';
import { describeTask } from '../tasks/registry.ts';
import { isSupervised, methodEntries, type MethodName, onlineOf } from '../selection/methods.ts';

export type PoolPrompt = EventOf<'pool'>['prompts'][number];

/** Prompts by how they were drawn; wrong keys are counted across origins. */
export type Makeup = Readonly<
  Record<'prompts' | 'easy' | 'learnable' | 'hard' | 'wrongKeys', number>
>;

/** What a response is, as people are told it: a match with a wrong key is no right answer. */
export type Verdict =
  'right' | 'wrong' | 'unformatted' | 'matches-wrong-key' | 'misses-wrong-key' | 'right-unpaid';

/** The read-out that was fixed before the run. */
export interface FixedReadout {
  /** As `update 12`, or `data epoch 3 of its own prompts`. */
  readonly text: string;
  /** Updates of each method at it, as far as they are known. */
  readonly updates: Readonly<Partial<Record<MethodName | 'base', number>>>;
}

/** Where a run's files are, and what happened to it before it was looked at. */
export interface Keeping {
  /** In the browser's storage; else in memory alone. */
  readonly stored: boolean;
  /** `resumed` goes on from a checkpoint, `reopened` had finished. */
  readonly past?: 'resumed' | 'reopened';
}

/** A run as whoever shows it knows it: events go in, what is shown is read. */
export class RunView {
  state: RunState | 'starting' = 'starting';
  /** Why a run failed or was stopped. */
  message = '';
  /** What it computes on now; before a resume it may have been another. */
  adapter = '';
  host = '';
  /** How often it has gone on from a checkpoint. */
  resumes = 0;
  phase = 'Starting';
  /** What `phase` names; undefined before the first phase. */
  stage: EventOf<'phase'>['phase'] | undefined;
  /** The kernel compiled last, while nothing else has happened since. */
  compiling: EventOf<'compiling'> | undefined;
  compiled = 0;
  /** While the files of the run are read. */
  loading: EventOf<'loading'> | undefined;
  lastUpdate: UpdateRecord | undefined;
  pretraining: EventOf<'pretraining'> | undefined;
  progress: EventOf<'progress'> | undefined;
  /** While the run waits for another device. */
  recovery: EventOf<'recovery'> | undefined;
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  /** The seed under way: the pool, its rewards and the curves are this one's. */
  seed: number;
  updates: Partial<Record<MethodName, UpdateRecord[]>> = {};
  pool: readonly PoolPrompt[] = [];
  /** Complete columns of the reward matrix, by epoch, in the signal that LIM uses. */
  columns: Float32Array[] = [];
  /** Mean of each column over the prompts that have a value. */
  meanCurve: number[] = [];
  scores: Float64Array | undefined;
  lim: LimSummary | undefined;
  selections: Partial<Record<MethodName, ReadonlySet<number>>> = {};
  /** Of all seeds. */
  evaluations: Partial<Record<MethodName | 'base', Evaluation[]>> = {};
  /** What each method trains on, of the seed under way. */
  makeup: Partial<Record<MethodName, Makeup>> = {};
  results: ExperimentResults | undefined;
  /** What a reader must know beside the numbers. */
  warnings: readonly string[] = [];
  /** Files that the run has written. */
  files: string[] = [];
  readonly keeping: Keeping;
  /** `order`, while nothing has changed it. */
  #order: readonly number[] | undefined;
  /** The browser has no adapter to offer any more: nothing goes on before it is restarted. */
  gpuGone = false;
  /** Whether there is a checkpoint to go on from. */
  checkpointed: boolean;

  constructor(
    config: ExperimentConfig,
    seeds: readonly number[],
    keeping: Keeping = { stored: false },
  ) {
    this.config = config;
    this.seeds = seeds;
    this.seed = seeds[0] ?? 0;
    this.keeping = keeping;
    this.checkpointed = keeping.past === 'resumed';
  }

  /**
   * Prompts from the highest to the lowest score; before scores, of mean signal so far. Prompts
   * without either come last.
   */
  get order(): readonly number[] {
    // Of equal scores LIM takes the first prompts, and so does this order.
    return (this.#order ??= descending(
      this.scores ? [...this.scores] : this.pool.map((_, prompt) => this.meanOf(prompt)),
    ));
  }

  get running(): boolean {
    return ['starting', 'running', 'pausing', 'stepping', 'paused', 'stopping'].includes(
      this.state,
    );
  }

  apply(event: ExperimentEvent): void {
    if (event.type !== 'compiling' && event.type !== 'phase') this.compiling = undefined;
    if (event.type !== 'state') this.loading = undefined;
    switch (event.type) {
      case 'loading':
        if (event.bytes < event.of) this.loading = event;
        return;
      case 'started':
        this.adapter = event.adapter;
        this.host = event.host;
        if (this.state === 'starting') this.state = 'running';
        this.#begin();
        return;
      case 'recovery':
        this.recovery = event;
        return;
      case 'resumed':
        this.adapter = event.adapter;
        this.host = event.host;
        this.resumes++;
        return;
      case 'compiling':
        this.compiling = event;
        this.compiled = event.compiled;
        return;
      case 'phase':
        this.phase = event.text;
        this.stage = event.phase;
        // The report is of all seeds: what is shown stays of the last one.
        if (event.phase !== 'report') this.seed = event.seed;
        this.lastUpdate = undefined;
        if (event.phase !== 'base') this.pretraining = undefined;
        return;
      case 'pretraining':
        this.pretraining = event;
        return;
      case 'pool':
        this.#openPool(event);
        return;
      case 'update':
        this.lastUpdate = event;
        (this.updates[event.method] ??= []).push(event);
        return;
      case 'progress':
        this.progress = event;
        return;
      case 'column':
        this.#addColumn(event);
        return;
      case 'evaluation':
        // Of a task without tiers: nothing was evaluated.
        if (Object.keys(event.tiers).length === 0) return;
        (this.evaluations[event.method] ??= []).push(event);
        return;
      case 'scores':
        this.#addScores(event);
        return;
      case 'checkpoint':
        this.checkpointed = true;
        return;
      case 'state':
        this.state = event.state;
        this.message = event.message;
        return;
      case 'warning':
        if (!this.warnings.includes(event.text)) this.warnings = [...this.warnings, event.text];
        return;
      case 'done':
        this.results = event.results;
        // They sum up those of the way.
        this.warnings = event.results.warnings ?? [];
        this.#addFiles(RESULTS, METRICS);
        // Of seeds that were done before this page came, too.
        for (const { seed, lim, selections } of event.results.seeds) {
          if (lim) this.#addSeedFiles(seed, Object.keys(selections));
        }
    }
  }

  /** What was told before is told again by a run that goes on, on another device. */
  #begin(): void {
    this.recovery = undefined;
    this.stage = undefined;
    this.resumes = 0;
    this.pretraining = undefined;
    this.progress = undefined;
    this.lastUpdate = undefined;
    this.updates = {};
    this.evaluations = {};
    this.pool = [];
    this.#clearSeed();
  }

  /** Of the seed under way: its rewards, and what follows from them. */
  #clearSeed(): void {
    this.columns = [];
    this.meanCurve = [];
    this.scores = undefined;
    this.lim = undefined;
    this.selections = {};
    this.#order = undefined;
    const all = this.pool.map((_, i) => i);
    this.makeup = all.length > 0 ? { full: this.#makeupOf(all) } : {};
  }

  #addFiles(...names: readonly string[]): void {
    this.files.push(...names.filter((name) => !this.files.includes(name)));
  }

  #addSeedFiles(seed: number, selections: readonly string[]): void {
    const { scores, rewards, subset } = seedFiles(seed, this.seeds);
    this.#addFiles(scores, rewards, ...selections.map((name) => subset(name as MethodName)));
  }

  #openPool({ seed, prompts }: EventOf<'pool'>): void {
    this.seed = seed;
    this.pool = prompts;
    // What a resumed run tells of the time before it comes first, that of earlier seeds with it.
    this.updates = Object.fromEntries(
      methodEntries(this.updates).map(([name, records]) => [
        name,
        records.filter((record) => record.seed === seed),
      ]),
    );
    this.#clearSeed();
  }

  #addColumn({ epoch, accuracy, reward }: EventOf<'column'>): void {
    const column = this.config.lim.signal === 'accuracy' ? accuracy : reward;
    for (let before = this.columns.length; before < epoch; before++) {
      this.columns[before] = new Float32Array(column.length).fill(NaN);
      this.meanCurve[before] = NaN;
    }
    this.columns[epoch] = column;
    const seen = column.filter((value) => !Number.isNaN(value));
    this.meanCurve[epoch] = seen.reduce((sum, value) => sum + value, 0) / seen.length;
    this.#order = undefined;
  }

  #addScores({ seed, lim, scores, selections }: EventOf<'scores'>): void {
    this.lim = lim;
    this.scores = scores;
    this.#order = undefined;
    this.#addSeedFiles(seed, Object.keys(selections));
    for (const [name, indices] of methodEntries(selections)) {
      this.selections[name] = new Set(indices);
      this.makeup[name] = this.#makeupOf(indices);
    }
  }

  #makeupOf(indices: readonly number[]): Makeup {
    const makeup = { prompts: indices.length, easy: 0, learnable: 0, hard: 0, wrongKeys: 0 };
    for (const index of indices) {
      const prompt = this.pool[index];
      if (!prompt) continue;
      if (prompt.origin) makeup[prompt.origin]++;
      if (prompt.wrongKey) makeup.wrongKeys++;
    }
    return makeup;
  }

  /** A prompt as people read it. */
  textOf(prompt: number): string {
    const text = this.pool[prompt]?.text ?? '';
    return describeTask(this.config.task).promptText(text);
  }

  /** What the verifier said of a response to a prompt, and what that means where the key is wrong. */
  verdictOn(prompt: number, completion: Completion): Verdict {
    const { wrongKey = false, truth } = this.pool[prompt] ?? {};
    const { text: response, reward } = completion;
    // Files of older versions have the reward alone, which was 1, -0.5 or -1 then.
    const { correct = reward === 1, formatted = reward !== -1 } = completion;
    if (correct) return wrongKey ? 'matches-wrong-key' : 'right';
    if (!formatted) return 'unformatted';
    if (!wrongKey) return 'wrong';
    const answer = describeTask(this.config.task).answerOf(response);
    return truth !== undefined && answer === truth ? 'right-unpaid' : 'misses-wrong-key';
  }

  /** Mean signal of a prompt over the epochs so far; NaN before the first. */
  meanOf(prompt: number): number {
    let sum = 0;
    let count = 0;
    for (const column of this.columns) {
      const value = column[prompt] ?? NaN;
      if (Number.isNaN(value)) continue;
      sum += value;
      count++;
    }
    return sum / count;
  }

  /** The score of a prompt; undefined before scores exist, NaN where a prompt has none. */
  scoreOf(prompt: number): number | undefined {
    return this.scores?.[prompt];
  }

  /** The read-out that was fixed before the run, and each method's updates at it. */
  get fixedReadout(): FixedReadout {
    const { experiment } = this.config;
    const { tableReadout, methods, budget } = experiment;
    const updates = methods.flatMap((method): [MethodName, number][] => {
      if (budget === 'updates') return [[method, tableReadout]];
      const found = this.atReadout(method).find(({ seed }) => seed === this.seed);
      return found ? [[method, found.update]] : [];
    });
    const text = `${readoutUnit(this.config)} ${tableReadout}`;
    return {
      text: budget === 'updates' ? text : `${text} of its own prompts`,
      updates: Object.fromEntries(updates),
    };
  }

  /** What the results table and its read-out show of a method: one evaluation a seed. */
  atReadout(method: MethodName | 'base'): Evaluation[] {
    const { tableReadout } = this.config.experiment;
    const all = this.evaluations[method] ?? [];
    return method === 'base' ? all : evaluationsAt(this.config, all, tableReadout);
  }

  /**
   * The same of the seeds alone that every method has which was read at all: while several seeds are
   * under way, means over unequal seeds would be compared.
   */
  comparable(method: MethodName | 'base'): Evaluation[] {
    const found = this.atReadout(method);
    if (method === 'base') return found;
    const read = this.config.experiment.methods
      .map((one) => new Set(this.atReadout(one).map(({ seed }) => seed)))
      .filter((seeds) => seeds.size > 0);
    return found.filter(({ seed }) => read.every((seeds) => seeds.has(seed)));
  }

  /** Prompts that a method trains on: of all seeds once a run is done, before of the one under way. */
  sizesOf(method: MethodName): number[] {
    const { results, makeup } = this;
    const wholePool = method === 'full' || onlineOf(method) !== undefined;
    if (!results) {
      const own = makeup[wholePool ? 'full' : method];
      return own ? [own.prompts] : [];
    }
    if (isSupervised(method)) return [results.methods[method]?.prompts ?? 0];
    return results.seeds.flatMap(({ pool, selections }) =>
      wholePool ? pool.prompts : (selections[method]?.prompts ?? []),
    );
  }

  /**
   * Responses of an online method before the evaluations that the results table shows, over its
   * seeds; undefined for other methods.
   */
  samplesOf(method: MethodName): { generated: number; trained: number } | undefined {
    const found = this.comparable(method).filter((one) => one.samplesTrained !== undefined);
    if (found.length === 0) return undefined;
    return {
      generated: found.reduce((sum, { samples }) => sum + samples, 0),
      trained: found.reduce((sum, { samplesTrained = 0 }) => sum + samplesTrained, 0),
    };
  }
}

/** How many LIM kept, and by what cut; empty before. */
export function keptText({ lim, pool }: RunView): string {
  if (!lim) return '';
  const { kept, lowestKept } = lim;
  const many = `${kept} of ${pool.length}`;
  const verb = kept === 1 ? 'is' : 'are';
  return lowestKept === undefined
    ? `${many} reach ${cutText(lim)} and ${verb} kept`
    : `${many} ${verb} kept: ${cutText(lim)}`;
}

/** Indices by falling value; NaN last; equal ones as they came. */
function descending(values: readonly number[]): number[] {
  const keys = values.map((value) => (Number.isNaN(value) ? -Infinity : value));
  return keys.map((_, i) => i).sort((a, b) => (keys[b] ?? 0) - (keys[a] ?? 0) || a - b);
}

/** Which buttons can be used; `pause` is also the button to resume with. */
export function buttonsFor(model: RunView | undefined, ready: boolean) {
  const state = model?.state;
  const held = state === 'pausing' || state === 'stepping' || state === 'paused';
  const between = state === 'running' || held;
  return {
    start: ready && !model?.running,
    pause: between,
    resumes: held,
    step: state === 'paused',
    // Reading can be stopped at once.
    stop: between || (state === 'starting' && model?.loading !== undefined),
  };
}
