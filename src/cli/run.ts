import { defineCommand } from 'citty';
import { shippedBases } from '../bases/shipped.ts';
import { type ExperimentConfig, startsFromFolder } from '../config.ts';
import { readText } from '../formats/byte-source.ts';
import { fieldOf, isRecord, jsonText, parseJson } from '../formats/json.ts';
import { presetSeeds } from '../presets.ts';
import type { AdapterChoice } from '../gpu/device.ts';
import { bytes, counted, duration, percent } from '../look/wording.ts';
import { evaluationsAt, readoutUnit } from '../readouts.ts';
import {
  type Evaluation,
  type ExperimentEvent,
  type ExperimentResults,
  type LimSummary,
} from '../results.ts';
import { CONFIG, LATEST, placeOfCheckpoint, REPORT, RESULTS } from '../run-folder/names.ts';
import { readInputs } from '../run-folder/inputs.ts';
import type { Run } from '../run-folder/finished-run.ts';
import { parseRunFile } from '../run-folder/run-file.ts';
import { weightsFolders } from '../run-folder/weights.ts';
import { modelConfigOf } from '../scheduler/base.ts';
import { estimate, type MemoryUse } from '../scheduler/estimate.ts';
import { planRun } from '../scheduler/plan-memory.ts';
import { checkMark, DamageError } from '../scheduler/appended-file.ts';
import { resultMarks } from '../scheduler/checkpoint.ts';
import { FolderStore } from '../workers/folder-store.ts';
import { reopeningText } from '../workers/device-recovery.ts';
import { modulesOf } from '../tasks/registry.ts';
import { moduleNotice } from '../workers/module-verifier.ts';
import type { StartedRun } from '../workers/protocol.ts';
import { connectTrainer, eventsOf } from '../workers/trainer.ts';
import { openCommandGpu } from './adapter.ts';
import { commonArgs, outArg, UsageError } from './arguments.ts';
import { chosenConfig, readConfigFile } from './chosen-config.ts';
import { withSizes } from './experiment-sizes.ts';
import { costText } from './run-cost.ts';
import { expectFreshRun, nextFree } from './output.ts';
import { writeReport } from './run-report.ts';
import type { FolderLock } from './folder-lock.ts';
import { clearLeftOvers, failureOf, type FolderRun, openInFolder } from './folder-run.ts';
import { budgetOf, memoryArg } from './memory-budget.ts';
import { withSource } from './sources.ts';
import { type Look, system, type System } from './system.ts';
import { isSubsetFile } from '../selection/file.ts';
import { isTaughtFile } from '../selection/sft.ts';
import { isMethodName, methodForms, methodLabel, type MethodName } from '../selection/methods.ts';
import { evaluationsOf, isEvaluated, methodsOf, trainingEnds } from '../report/readings.ts';
import { RunView } from '../view/run-view.ts';
import { visibleLine } from './visible-text.ts';

/** Largest record of a run's input files, in bytes. */
const MOST_RECORD_BYTES = 2 ** 24;

interface PlannedRun extends FolderRun {
  readonly lock: FolderLock | undefined;
  /** The run is done and only lacks its report. */
  readonly unreported?: true;
}

export const command = defineCommand({
  args: {
    config: {
      type: 'positional',
      required: false,
      description: 'JSON file whose fields replace those of the preset',
    },
    preset: {
      type: 'string',
      valueHint: 'name',
      description: 'quick, standard or study (default: quick, or what the file says)',
    },
    methods: {
      type: 'string',
      valueHint: 'full,lim,file:PATH,…',
      description: 'selections to train and compare; full is always run, for its rewards',
    },
    seed: { type: 'string', valueHint: 'N or N,N,…', description: 'one whole experiment per seed' },
    out: outArg('folder of the run (default: runs/PRESET-SEED, or the next free name after it)'),
    resume: {
      type: 'string',
      valueHint: 'folder',
      description: 'go on with a run from its last checkpoint, bit for bit',
    },
    estimate: {
      type: 'boolean',
      description: 'only tell the GPU memory it would take on this adapter; runs nothing',
    },
    memory: memoryArg,
    ...commonArgs,
  },
  async run({ args }) {
    const host = await system();
    if (args.estimate) {
      if (args.resume === undefined) return estimateRun(host, await freshConfig(args), args);
      const { config, memory, seeds, out } = await resumedRun(host, args);
      const madeBase = await hasMadeBase(host, out);
      return estimateLaidOut(host, config, { memory, seeds, madeBase }, args);
    }
    const plan =
      args.resume === undefined ? await freshPlan(host, args) : await resumedPlan(host, args);
    return carryOut(host, plan, args);
  },
});

/** Runs a plan to its end, or until it is stopped. @returns The command's exit code. */
async function carryOut(host: System, plan: PlannedRun, args: RunArgs): Promise<number> {
  let run: Run | undefined;
  try {
    await clearLeftOvers(host, plan);
    run = plan.unreported
      ? await reportFinished(host, plan.out)
      : await runExperiment(host, plan, (args.adapter ?? 'auto') as AdapterChoice);
  } finally {
    await plan.lock?.release();
  }
  if (!run) {
    const began = (await host.info(`${plan.out}/${CONFIG}`)) !== undefined;
    const next = began ? `continue with: limr run --resume ${plan.out}` : 'the run had not begun';
    await host.stderr(`stopped; ${next}\n`);
    return 1;
  }
  await host.stderr(
    `${table(run)}\nreport: ${plan.out}/${REPORT}\n${await weightsText(host, plan)}`,
  );
  if (args.json) await host.stdout(jsonText(run.results));
  return 0;
}

/** The folders of weights that a run has kept, for commands that take a model; empty if there are none. */
async function weightsText(host: System, { out, config, seeds }: PlannedRun): Promise<string> {
  const kept: string[] = [];
  for (const { folder, last } of weightsFolders(config, seeds)) {
    if ((await host.info(`${out}/${folder}/${last}`))?.kind === 'file') kept.push(folder);
  }
  const [first] = kept;
  if (first === undefined) return '';
  const asked = config.adapter ? `--adapter-dir ${out}/${first}` : `${out}/${first}`;
  return `weights: ${kept.join(', ')} (limr generate and limr eval take ${asked})\n`;
}

/** Starts a run of a config in a folder of its own. @returns The command's exit code. */
export async function runConfig(
  host: System,
  config: ExperimentConfig,
  args: RunArgs,
): Promise<number> {
  return carryOut(host, await planOf(host, config, args), args);
}

/** Options of a run. */
export interface RunArgs {
  readonly config?: string | undefined;
  readonly preset?: string | undefined;
  readonly methods?: string | undefined;
  readonly seed?: string | undefined;
  readonly out?: string | undefined;
  readonly resume?: string | undefined;
  readonly memory?: string | undefined;
  readonly adapter?: string;
  readonly json?: boolean | undefined;
}

/** The config that the file, the preset and the options make together. */
async function freshConfig(args: RunArgs): Promise<ExperimentConfig> {
  const methods = args.methods?.split(',');
  const unknown = methods?.find((method) => !isMethodName(method));
  if (unknown !== undefined) {
    throw new UsageError(`--methods: '${unknown}' is none of ${methodForms}`);
  }
  const twice = methods?.find((method, i) => methods.indexOf(method) !== i);
  if (twice !== undefined) throw new UsageError(`--methods: '${twice}' is given twice`);
  const asked = methods && [...new Set(['full', ...methods])];
  return chosenConfig('the options', args.config, args.preset, asked);
}

const freshPlan = async (host: System, args: RunArgs): Promise<PlannedRun> =>
  planOf(host, await freshConfig(args), args);

async function planOf(
  host: System,
  config: ExperimentConfig,
  args: Pick<RunArgs, 'seed' | 'out' | 'memory'>,
): Promise<PlannedRun> {
  const { preset } = config;
  const memory = memoryOf(config, args);
  const seeds = seedsOf(config, args);
  if (startsFromFolder(config)) {
    const cost = await withSizes(host, config, (sizes) => costText(config, sizes, seeds.length));
    if (cost !== undefined) await host.stderr(`${cost}\n`);
  }
  const out = args.out ?? (await defaultFolder(host, `runs/${preset}-${seeds.join('-')}`));
  const lock = await lockedFor(host, out, () => expectFreshRun(out));
  return { out, config, seeds, lock, memory };
}

const seedsOf = (
  { preset }: Pick<ExperimentConfig, 'preset'>,
  { seed }: Pick<RunArgs, 'seed'>,
): number[] => (seed === undefined ? [...(presetSeeds[preset] ?? [1])] : seedList(seed));

/** The budget of a run: models of a folder have one in any case, drawn models only if it is asked for. */
const memoryOf = (config: ExperimentConfig, args: Pick<RunArgs, 'memory'>): number | undefined =>
  args.memory !== undefined || startsFromFolder(config) ? budgetOf(args) : undefined;

/**
 * Makes this command the only one that works in a folder, if the folder passes the check.
 *
 * @param expect Throws when the folder is not as it should be.
 */
async function lockedFor(
  host: System,
  out: string,
  expect: () => Promise<void>,
): Promise<FolderLock | undefined> {
  let lock: FolderLock | undefined;
  try {
    lock = await host.lock?.(out);
  } catch (error) {
    // Reports first who works in the folder, then what is wrong with it, then why it cannot be
    // locked.
    if (!(error instanceof Error) || error.name !== 'UsageError') await expect();
    throw error;
  }
  try {
    await expect();
    return lock;
  } catch (error) {
    await lock?.release();
    throw error;
  }
}

/** Writes the missing report of a finished run, after a check that its files are unchanged. */
async function reportFinished(host: System, out: string): Promise<Run> {
  const store = host.runStore?.(out) ?? new FolderStore(out);
  try {
    for (const [path, mark] of (await resultMarks(store)) ?? []) await checkMark(store, path, mark);
  } catch (cause) {
    if (cause instanceof DamageError) throw new UsageError(`${out}/${cause.message}`);
    throw cause;
  }
  const run = await writeReport(out);
  await host.stderr('that run was done but for its report\n');
  return run;
}

/** The folder of a run without `--out`. An unfinished run in the usual folder stays untouched. */
async function defaultFolder(host: System, usual: string): Promise<string> {
  const out = await nextFree(usual);
  if (out !== usual && (await isUnfinished(host, usual))) {
    await host.stderr(`${usual} is not finished: limr run --resume ${usual} goes on with it\n`);
  }
  await host.stderr(`run: ${out}\n`);
  return out;
}

const isUnfinished = async (host: System, folder: string): Promise<boolean> =>
  (await host.info(`${folder}/${CONFIG}`)) !== undefined &&
  (await host.info(`${folder}/${RESULTS}`)) === undefined;

/** Prints the GPU memory by purpose, for the config of a run with these options. */
export const estimateRun = (
  host: System,
  config: ExperimentConfig,
  args: RunArgs,
): Promise<number> =>
  estimateLaidOut(
    host,
    config,
    { memory: memoryOf(config, args), seeds: seedsOf(config, args) },
    args,
  );

/** Whether a run that was left stands behind the pre-training of its base. */
async function hasMadeBase(host: System, out: string): Promise<boolean> {
  const path = `${out}/${LATEST}`;
  if ((await host.info(path))?.kind !== 'file') return false;
  const text = await withSource(path, (source) => readText(source, MOST_RECORD_BYTES));
  const latest = parseJson(text, path);
  const file = isRecord(latest) ? fieldOf(latest, 'file') : undefined;
  const place = typeof file === 'string' ? placeOfCheckpoint(file) : undefined;
  return place !== undefined && place.method !== 'base';
}

/**
 * @param run.memory The budget within which the run is laid out; undefined for none.
 * @param run.madeBase Whether the run has pre-trained its base already.
 */
async function estimateLaidOut(
  host: System,
  config: ExperimentConfig,
  {
    memory,
    seeds,
    madeBase = false,
  }: Pick<PlannedRun, 'memory' | 'seeds'> & { readonly madeBase?: boolean },
  args: RunArgs,
): Promise<number> {
  const gpu = await openCommandGpu(args);
  try {
    const hasBase = madeBase || (await shippedBases(config)).length > 0;
    const { found, sentence, cost } = await withSizes(host, config, (sizes) => {
      const { task, model } = sizes;
      const { limits } = gpu;
      const plan =
        memory === undefined
          ? undefined
          : planRun(config, modelConfigOf(config, task, model), task, { memory, limits });
      const known = { task, model, hasBase, choices: plan?.choices };
      return {
        found: estimate(config, limits, known),
        sentence: plan?.sentence,
        cost: costText(config, sizes, seeds.length),
      };
    });
    if (cost !== undefined) await host.stderr(`${cost}\n`);
    if (sentence !== undefined) await host.stderr(`${sentence}\n`);
    const row = (name: string, bytes: number): string =>
      `  ${name.padEnd(24)}${(bytes / 2 ** 20).toFixed(2).padStart(12)} MiB\n`;
    const rows = (use: MemoryUse): string =>
      Object.entries(use.byPurpose)
        .sort(([, a], [, b]) => b - a)
        .map(([purpose, bytes]) => row(`  ${purpose}`, bytes))
        .join('');
    await host.stderr(
      `GPU memory of ${config.preset}:\n${row('the run', found.run.total)}${rows(found.run)}` +
        (found.pretraining.total > 0
          ? `${row('pre-training its base', found.pretraining.total)}${rows(found.pretraining)}`
          : '') +
        row('at most', found.peak),
    );
    if (args.json) await host.stdout(jsonText(found));
    return 0;
  } finally {
    await gpu.close();
  }
}

function seedList(text: string): number[] {
  const seeds = text.split(',').map((word) => {
    const seed = Number(word);
    if (!/^\d+$/.test(word) || seed > 0xffff_ffff) {
      throw new UsageError(`--seed: '${word}' is not a whole number in [0, 4294967295]`);
    }
    return seed;
  });
  const twice = seeds.find((seed, i) => seeds.indexOf(seed) !== i);
  if (twice !== undefined) throw new UsageError(`--seed: ${twice} is given twice`);
  return seeds;
}

/** Reads folder, config and seeds of the run to resume. */
async function resumedRun(
  host: System,
  args: RunArgs,
): Promise<Pick<PlannedRun, 'out' | 'config' | 'seeds' | 'memory'>> {
  const out = args.resume ?? '';
  // A run resumes with its own settings; others would be ignored, so they are refused.
  const options = ['config', 'preset', 'methods', 'seed', 'out', 'memory'] as const;
  const asked = options.find((name) => args[name] !== undefined);
  if (asked !== undefined) {
    const named = asked === 'config' ? `config (${args.config ?? ''})` : `--${asked}`;
    throw new UsageError(`--resume goes on with the run as it was started: it takes no ${named}`);
  }
  const where = `${out}/${CONFIG}`;
  if (!(await host.info(where))) throw new UsageError(`--resume ${out}: no run there (${where})`);
  const textOf = async (name: string): Promise<string | undefined> => {
    const path = `${out}/${name}`;
    if ((await host.info(path))?.kind !== 'file') return undefined;
    return withSource(path, (source) => readText(source, MOST_RECORD_BYTES));
  };
  const inputs = await readInputs(textOf, `${out}/`);
  const file = await parseRunFile(await readConfigFile(where), where, inputs);
  const { config, seeds, memory } = file;
  return { out, config, seeds, memory };
}

async function resumedPlan(host: System, args: RunArgs): Promise<PlannedRun> {
  const { out, config, seeds, memory } = await resumedRun(host, args);
  const has = async (name: string): Promise<boolean> =>
    (await host.info(`${out}/${name}`)) !== undefined;
  const lock = await lockedFor(host, out, async () => {
    if ((await has(RESULTS)) && (await has(REPORT))) {
      throw new UsageError(`--resume ${out}: that run is done (see ${out}/${REPORT})`);
    }
  });
  const unreported = await has(RESULTS);
  return { out, config, seeds, memory, lock, resumed: true, ...(unreported ? { unreported } : {}) };
}

/**
 * Tells where the user's modules run that judge responses.
 *
 * @throws UsageError for a module inside the run's folder: what comes with a run never runs.
 */
async function tellOfModules(host: System, { config, out }: PlannedRun): Promise<void> {
  const folder = `${await host.resolve(out)}/`.replaceAll('\\', '/');
  for (const path of modulesOf(config.task)) {
    if ((await host.resolve(path)).replaceAll('\\', '/').startsWith(folder)) {
      throw new UsageError(`verifier ${path}: lies in the run's folder, whose files are never run`);
    }
    await host.stderr(`verifier: ${moduleNotice(path)}\n`);
  }
}

/**
 * Runs the experiment in a worker that owns the device; this thread only watches. Returns undefined
 * after an interruption.
 */
async function runExperiment(
  host: System,
  plan: PlannedRun,
  adapter: AdapterChoice,
): Promise<Run | undefined> {
  await tellOfModules(host, plan);
  const trainer = await connectTrainer();
  const wanted = { stop: false };
  let begun = false;
  const stop = (): void => {
    trainer.api.stop().catch(() => undefined); // a dead worker reports its death in its events
  };
  const leave = host.onInterrupt(() => {
    wanted.stop = true;
    const last = begun ? ' after this iteration, then writing a checkpoint' : '';
    void host.stderr(`\nstopping${last} …\n`);
    // Also while the files of a model are read.
    stop();
  });
  // If another process took the folder over, this run, which was asleep, gives up.
  void plan.lock?.lost.then((why) => trainer.api.abandon(why)).catch(() => undefined);
  try {
    const started = await unlessUnread(
      openInFolder(host, trainer, plan, adapter, () => {
        // Ctrl-C may have come before there was a start to stop.
        if (wanted.stop) stop();
      }),
    );
    if (!started) return undefined;
    begun = true;
    await host.stderr(`adapter: ${started.adapter}\n`);
    for (const note of started.notes) await host.stderr(`${note}\n`);
    if (!wanted.stop) await trainer.api.resume();
    const screen = new Screen(host, plan);
    for await (const batch of eventsOf(trainer)) await screen.show(batch);
    if (screen.failure !== undefined) {
      const failure = failureOf(screen.failure);
      if (failure.name === 'FileError') failure.message += ` (${goesOn(plan.out)} from there)`;
      else if (deviceFaults.has(failure.name)) {
        // A browser may refuse a new adapter after a crash; a new browser grants one.
        const browser = failure.name === 'AdapterError' && typeof document !== 'undefined';
        failure.message += ` (${goesOn(plan.out)}${browser ? ', in another browser with --host chromium' : ''})`;
      }
      throw failure;
    }
    if (!screen.results) return undefined;
    return { ...(await writeReport(plan.out)), results: screen.results };
  } finally {
    await trainer.close();
    leave();
  }
}

/** What a start gives; undefined if it was stopped while files were read. */
const unlessUnread = (starting: Promise<StartedRun>): Promise<StartedRun | undefined> =>
  starting.catch((error: unknown) => {
    // An error of a worker keeps its name alone.
    if (error instanceof Error && error.name === 'UnreadError') return undefined;
    throw error;
  });

const goesOn = (folder: string): string => `limr run --resume ${folder} goes on`;

/** Names of errors that another device, or more memory, could have avoided. */
const deviceFaults: ReadonlySet<string> = new Set([
  'DeviceLostError',
  'AdapterError',
  'AllocationError',
]);

/** Least time between two progress lines that cannot overwrite each other. */
const LINE_EVERY_MS = 5000;

/** Prints a run's events as lines for a person. */
class Screen {
  readonly #host: System;
  readonly #view: RunView;
  #lastLine = 0;
  #open = false;
  readonly #told = new Set<string>();
  /** Lines printed before the run changed its device: the run reports them again. */
  #before: ReadonlySet<string> = new Set();

  constructor(host: System, { config, seeds }: Pick<PlannedRun, 'config' | 'seeds'>) {
    this.#host = host;
    this.#view = new RunView(config, seeds);
  }

  get results(): ExperimentResults | undefined {
    return this.#view.results;
  }

  /** Why the run failed; undefined unless it has. */
  get failure(): string | undefined {
    return this.#view.state === 'failed' ? this.#view.message : undefined;
  }

  async show(batch: readonly ExperimentEvent[]): Promise<void> {
    for (const event of batch) {
      this.#view.apply(event);
      switch (event.type) {
        case 'started':
          this.#before = new Set(this.#told);
          break;
        case 'phase':
          await this.#news(`seed ${event.seed}: ${event.text}`, 'heading');
          break;
        case 'loading':
          if (event.bytes === event.of) break;
          await this.#status(
            `${event.stage === 'check' ? 'checking files' : 'loading the model'}: ` +
              `${bytes(event.bytes)} of ${bytes(event.of)}`,
          );
          break;
        case 'compiling':
          await this.#status(`compiling ${event.label} (${event.compiled} of ${event.of})`);
          break;
        case 'pretraining':
          await this.#status(
            `pre-training ${event.update}/${event.of}, loss ${event.loss.toFixed(3)}`,
          );
          break;
        case 'update': {
          const narrowed = event.online?.narrowed;
          if (narrowed) {
            const { ranking_change: change = NaN, ranking_noise: noise = NaN } = event.metrics;
            await this.#news(
              `  ${event.method} goes on with ${counted(narrowed.length, 'prompt')} after ${counted(event.update, 'update')}: ` +
                `the ranking moved by ${change.toFixed(2)}, its noise is ${noise.toFixed(2)}`,
            );
          }
          const {
            reward_mean: reward = 0,
            accuracy_mean: accuracy = 0,
            supervised_loss: loss,
          } = event.metrics;
          if (loss !== undefined) {
            await this.#status(
              `${shownName(event.method)} update ${event.update}: loss ${loss.toFixed(3)}${this.#progressText()}`,
            );
            break;
          }
          await this.#status(
            `${shownName(event.method)} update ${event.update}: reward ${reward.toFixed(3)}, ` +
              `accuracy ${accuracy.toFixed(3)}${this.#progressText()}`,
          );
          break;
        }
        case 'probe':
          await this.#news(
            `  probe of the base: ${percent(event.accuracy, 1)} of ${event.prompts} prompts × ${event.samples} right, ` +
              `${percent(event.neverSolved)} of the prompts never, ${percent(event.alwaysSolved)} always`,
          );
          break;
        case 'evaluation': {
          if (Object.keys(event.tiers).length === 0) {
            await this.#news(
              `  ${shownOf(event.method)}: not evaluated, the task has no held-out tiers`,
            );
            break;
          }
          const tiers = Object.entries({ ...event.tiers, ...event.outOfDistribution })
            .map(([name, value]) => `${name} ${value.toFixed(3)}`)
            .join('  ');
          await this.#news(
            `  ${shownOf(event.method)} after ${event.update} updates: held-out ${event.mean.toFixed(3)}  (${tiers})`,
          );
          break;
        }
        case 'scores': {
          const { lim } = event;
          await this.#news(
            `  LIM kept ${lim.kept} of ${event.scores.length} prompts ${cutOf(lim)}; ` +
              `never-solved prompts score ${lim.neverSolved.toFixed(2)}`,
          );
          if (lim.warning) await this.#news(`  ${lim.warning}`, 'warning');
          break;
        }
        case 'warning':
          await this.#news(`  ${event.text}`, 'warning');
          break;
        case 'recovery':
          await this.#line(`  ${reopeningText(event)}`, 'warning');
          break;
        case 'state':
          if (event.state === 'stopped' && event.message !== '') {
            await this.#line(`  ${event.message}`, 'warning');
          }
          break;
        default:
      }
    }
    if (this.results || this.failure !== undefined) await this.#closeStatus();
  }

  /** The run's progress, behind a separator; empty until it is known. */
  #progressText(): string {
    const { progress } = this.#view;
    if (!progress) return '';
    const { fraction, tokensPerSecond, eta } = progress;
    return ` · ${Math.floor(fraction * 100)} % · ${Math.round(tokensPerSecond)} tokens/s · ${duration(eta)} left`;
  }

  /**
   * Prints a line that the next status overwrites. Without a terminal, prints only some of the
   * lines.
   */
  async #status(text: string): Promise<void> {
    if (this.#host.terminal) {
      await this.#host.stderr(`  ${visibleLine(text)}`, 'status');
      this.#open = true;
      return;
    }
    const now = performance.now();
    if (now - this.#lastLine < LINE_EVERY_MS) return;
    this.#lastLine = now;
    await this.#host.stderr(`  ${visibleLine(text)}\n`);
  }

  async #closeStatus(): Promise<void> {
    if (this.#open) await this.#host.stderr('', 'clear');
    this.#open = false;
  }

  /** Prints a line of results, unless the run printed it before it changed its device. */
  async #news(text: string, look?: Look): Promise<void> {
    if (this.#before.has(text)) return;
    this.#told.add(text);
    await this.#line(text, look);
  }

  /** Prints a whole line and keeps the line's leading blanks. */
  async #line(text: string, look?: Look): Promise<void> {
    await this.#closeStatus();
    const indent = /^ */.exec(text)?.[0] ?? '';
    await this.#host.stderr(`${indent}${visibleLine(text)}\n`, look);
  }
}

/** The rule of LIM's cut, in words. */
function cutOf({ theta, count, lowestKept }: LimSummary): string {
  if (count === undefined) return `at theta ${theta}`;
  const down = lowestKept === undefined ? '' : `, down to a score of ${lowestKept.toFixed(3)}`;
  return `by count, the ${count} highest${down}`;
}

const shownOf = (method: MethodName | 'base'): string =>
  method === 'base' ? method : shownName(method);

/** A method's name in a table: one with a file, without the file's folder. */
const shownName = (method: MethodName): string =>
  isSubsetFile(method) || isTaughtFile(method) ? visibleLine(methodLabel(method)) : method;

/**
 * Held-out accuracy of every method at the read-out that was fixed before the run; without held-out
 * prompts, the samples of training at its beginning and at its end.
 */
function table(run: Run): string {
  const { results } = run;
  const ran = `${counted(results.seeds.length, 'seed')}, ${(results.seconds / 60).toFixed(1)} min`;
  const methods = methodsOf(run);
  const width = Math.max(8, ...methods.map((method) => shownName(method).length + 2));
  const line = (method: MethodName, text: string): string => {
    const prompts = results.methods[method]?.prompts ?? 0;
    return `  ${shownName(method).padEnd(width)}${String(prompts).padStart(7)} prompts   ${text}`;
  };
  if (!isEvaluated(run)) {
    return [
      '',
      `no held-out tiers; means of training over the first and the last quarter of updates, ${ran}`,
      ...methods.map((method) => line(method, trainingText(run, method))),
    ].join('\n');
  }
  const { tableReadout } = results.config.experiment;
  const rows = methods.map((method) => {
    const means = evaluationsAt(results.config, evaluationsOf(run, method), tableReadout);
    const mean = means.reduce((sum, one) => sum + one.mean, 0) / means.length;
    return line(method, means.length === 0 ? 'none' : `${mean.toFixed(3)}${samplesText(means)}`);
  });
  return [
    '',
    `held-out accuracy at ${tableReadout} ${readoutUnit(results.config)}s, ${ran}`,
    `  ${'base'.padEnd(width)}${' '.repeat(18)}${results.base.mean.toFixed(3)}`,
    ...rows,
  ].join('\n');
}

/** What an online method sampled and trained on, a seed; empty for other methods. */
function samplesText(evaluations: readonly Evaluation[]): string {
  const mean = (of: (one: Evaluation) => number): number =>
    Math.round(evaluations.reduce((sum, one) => sum + of(one), 0) / evaluations.length);
  if (evaluations.every(({ samplesTrained }) => samplesTrained === undefined)) return '';
  const trained = mean(({ samplesTrained, samples }) => samplesTrained ?? samples);
  return `   trained on ${trained} of ${mean(({ samples }) => samples)} samples`;
}

/** Reward, right responses and cut responses at both ends of a method's training. */
function trainingText(run: Run, method: MethodName): string {
  const ends = (
    key: Parameters<typeof trainingEnds>[2],
    show: (value: number) => string,
  ): string => {
    const found = trainingEnds(run, method, key);
    return found ? `${show(found.first)} → ${show(found.last)}` : 'none';
  };
  const parts = [
    `reward ${ends('reward_mean', (value) => value.toFixed(3))}`,
    `right ${ends('accuracy_mean', (value) => percent(value, 1))}`,
    ...(trainingEnds(run, method, 'cut_share')
      ? [`cut ${ends('cut_share', (value) => percent(value, 1))}`]
      : []),
  ];
  return parts.join('   ');
}
