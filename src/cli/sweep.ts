import { defineCommand } from 'citty';
import { shippedBases } from '../bases/shipped.ts';
import { readAll } from '../formats/byte-source.ts';
import { jsonText } from '../formats/json.ts';
import type { AdapterChoice } from '../gpu/device.ts';
import { bytes, counted } from '../look/wording.ts';
import { estimate } from '../scheduler/estimate.ts';
import { cellsOf, cellsOfShard, type Grid, parseGrid, type PlannedCell } from '../sweep/grid.ts';
import { ROWS, SWEEP_REPORT } from '../sweep/names.ts';
import { parsePreregistration } from '../sweep/preregistration.ts';
import { openCommandGpu } from './adapter.ts';
import { commonArgs, numberOption, outArg, UsageError } from './arguments.ts';
import { absolutePaths } from './chosen-config.ts';
import { withSizes } from './experiment-sizes.ts';
import { readJson } from './json-file.ts';
import { withSource } from './sources.ts';
import { beginSweep, collect, reuse, writeSweep } from './sweep-folder.ts';
import { Member, type MemberNews } from './sweep-member.ts';
import { SweepProgress } from './sweep-progress.ts';
import { onParentEnd, startWorkers } from './sweep-workers.ts';
import { system, type System } from './system.ts';

/** Largest grid and pre-registration, in bytes. */
const MOST_BYTES = 2 ** 20;
/** Longest that `--seconds` waits: setTimeout takes no more milliseconds. */
const MOST_SECONDS = 2_000_000;

export const command = defineCommand({
  args: {
    grid: {
      type: 'positional',
      required: false,
      description: 'JSON file with preset, config, factors, methods and seeds',
    },
    out: outArg('folder of the sweep; the same grid in the same folder goes on'),
    methods: {
      type: 'string',
      valueHint: 'full,lim,…',
      description: 'methods of every cell, in place of those of the grid',
    },
    shard: {
      type: 'string',
      valueHint: 'I/N',
      description:
        'only the I-th of N parts of the cells, I from 1; no two parts share a FULL pass',
    },
    workers: {
      type: 'string',
      valueHint: 'number',
      description: 'processes that do cells at the same time (default: 1)',
    },
    seconds: {
      type: 'string',
      valueHint: 'number',
      description: 'end behind a checkpoint after so long; the same command goes on',
    },
    reuse: {
      type: 'string',
      valueHint: 'folder',
      description: 'take over the finished cells and passes of another sweep that this one has too',
    },
    preregistration: {
      type: 'string',
      valueHint: 'file',
      description: 'contrasts that are decided before the first seed; kept in the folder',
    },
    collect: {
      type: 'string',
      valueHint: 'folder',
      description: 'only write one small file a cell of that sweep to --out, for a repository',
    },
    estimate: {
      type: 'boolean',
      description: 'only tell cells, passes, updates and GPU memory; runs nothing',
    },
    member: {
      type: 'boolean',
      description: 'work as one of the processes of --workers, with news as JSON lines on stdout',
    },
    adapter: commonArgs.adapter,
    json: commonArgs.json,
  },
  async run({ args }) {
    const host = await system();
    if (args.collect !== undefined) return collectOnly(host, args.collect, args);
    if (args.grid === undefined) throw new UsageError('a sweep needs a grid: limr sweep GRID.json');
    const planned = await plan(args.grid, args);
    if (args.estimate) return tellEstimate(host, planned, args);
    if (args.out === undefined) throw new UsageError('a sweep needs a folder: --out DIR');
    return carryOut(host, { ...planned, out: args.out, file: args.grid }, args);
  },
});

interface SweepArgs {
  readonly out?: string | undefined;
  readonly methods?: string | undefined;
  readonly shard?: string | undefined;
  readonly workers?: string | undefined;
  readonly seconds?: string | undefined;
  readonly reuse?: string | undefined;
  readonly preregistration?: string | undefined;
  readonly member?: boolean | undefined;
  readonly adapter?: string;
  readonly json?: boolean | undefined;
}

interface PlannedSweep {
  readonly grid: Grid;
  /** Every cell of the grid. */
  readonly all: readonly PlannedCell[];
  /** The cells that this command does. */
  readonly own: readonly PlannedCell[];
}

/** Reads and checks a grid. Hashes take paths as the grid gives them; runs take absolute ones. */
async function plan(file: string, args: SweepArgs): Promise<PlannedSweep> {
  const host = await system();
  const given = parseGrid(await readJson(file, MOST_BYTES), file);
  const grid =
    args.methods === undefined
      ? given
      : parseGrid({ ...given, methods: args.methods.split(',') }, `${file} with --methods`);
  const told: string[] = [];
  const cells = await cellsOf(grid, file, (text) => told.push(text));
  for (const text of told) await host.stderr(`${file}: ${text}\n`);
  const all: PlannedCell[] = [];
  for (const cell of cells) {
    all.push({ ...cell, config: await absolutePaths(cell.config, file) });
  }
  return {
    grid,
    all,
    own: args.shard === undefined ? all : cellsOfShard(all, shardOf(args.shard)),
  };
}

function shardOf(text: string): { readonly shard: number; readonly of: number } {
  const [, first = '', second = ''] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const [shard, of] = [Number(first), Number(second)];
  if (shard >= 1 && shard <= of) return { shard, of };
  throw new UsageError(`--shard must be I/N with I from 1 to N, such as 2/4, got '${text}'`);
}

async function carryOut(
  host: System,
  sweep: PlannedSweep & { readonly out: string; readonly file: string },
  args: SweepArgs,
): Promise<number> {
  const { out, grid, all, own } = sweep;
  const workers = numberOption('workers', args.workers ?? '1', { min: 1, max: 256, integer: true });
  const seconds =
    args.seconds === undefined
      ? undefined
      : numberOption('seconds', args.seconds, { min: 1, max: MOST_SECONDS });
  const adapter = (args.adapter ?? 'auto') as AdapterChoice;
  if (args.member) return work(host, { out, cells: own, adapter });
  const decided = args.preregistration;
  const fixed =
    decided === undefined
      ? undefined
      : await withSource(decided, (source) => readAll(source, MOST_BYTES));
  if (fixed) parsePreregistration(fixed, decided ?? '');
  await beginSweep(host, out, grid, all, fixed);
  if (args.reuse !== undefined) {
    const taken = await reuse(host, args.reuse, out, own);
    await host.stderr(`${counted(taken, 'run')} of ${args.reuse} taken over\n`);
  }
  const progress = await SweepProgress.of(host, out, own);
  await host.stderr(
    `${counted(progress.plannedCells, 'cell')}, ${counted(progress.passes, 'FULL pass', String(progress.passes)).replace(/passs$/, 'passes')} shared; ${progress.doneCells} done, ${counted(progress.left, 'update')} to do\n`,
  );
  const ended = await withWorkers(host, progress, {
    workers: Math.min(workers, Math.max(1, own.length)),
    seconds,
    member: { out, cells: own, adapter },
    argv: memberArgs(sweep, args),
  });
  const {
    sweep: { cells, planned },
    table,
  } = await writeSweep(host, out);
  const { failed } = progress;
  if (table !== '') await progress.line(table);
  await progress.line(`${cells.length} of ${planned} cells done; ${out}/${ROWS}, ${SWEEP_REPORT}`);
  for (const reason of ended.reasons) await progress.line(reason, 'warning');
  if (args.json) {
    const passes = new Set(all.flatMap(({ pass }) => pass?.hash ?? [])).size;
    await host.stdout(
      jsonText({ schema: 1, out, cells: planned, done: cells.length, passes, failed }),
    );
  }
  if (ended.interrupted) {
    await host.stderr('stopped; the same command goes on\n');
    return 1;
  }
  return failed.length > 0 || ended.reasons.length > 0 ? 1 : 0;
}

interface SweepEnd {
  readonly interrupted: boolean;
  /** Why whole workers failed. */
  readonly reasons: readonly string[];
}

/** Works in this process, or has others work, until all is done, the time is up, or Ctrl-C. */
async function withWorkers(
  host: System,
  progress: SweepProgress,
  how: {
    readonly workers: number;
    readonly seconds: number | undefined;
    readonly member: ConstructorParameters<typeof Member>[1];
    readonly argv: readonly string[];
  },
): Promise<SweepEnd> {
  let shown = Promise.resolve();
  const tell = (news: MemberNews): void => {
    shown = shown.then(() => progress.take(news));
  };
  let stop = (): void => undefined;
  let work: Promise<readonly string[]>;
  if (how.workers === 1) {
    const member = new Member(host, how.member, tell);
    stop = () => member.stop();
    work = member.work().then(() => []);
  } else {
    const started = await startWorkers(how.workers, how.argv, tell);
    stop = () => started.stop();
    work = started.ended;
  }
  let interrupted = false;
  const leave = host.onInterrupt(() => {
    interrupted = true;
    void host.stderr('\nstopping after this iteration, then writing checkpoints …\n');
    stop();
  });
  const timer = how.seconds === undefined ? undefined : setTimeout(stop, how.seconds * 1000);
  try {
    const reasons = await work;
    await shown;
    return { interrupted, reasons };
  } finally {
    clearTimeout(timer);
    leave();
  }
}

/** The arguments of a worker: those that say which cells there are. */
const memberArgs = (
  { out, file }: { readonly out: string; readonly file: string },
  { methods, shard, adapter }: SweepArgs,
): string[] => [
  file,
  '--out',
  out,
  ...(methods === undefined ? [] : ['--methods', methods]),
  ...(shard === undefined ? [] : ['--shard', shard]),
  ...(adapter === undefined ? [] : ['--adapter', adapter]),
];

/** Works as one of several processes. */
async function work(
  host: System,
  member: ConstructorParameters<typeof Member>[1],
): Promise<number> {
  let told = Promise.resolve();
  const worker = new Member(host, member, (news) => {
    told = told.then(() => host.stdout(`${JSON.stringify(news)}\n`)).catch(() => undefined);
  });
  const stop = (): void => worker.stop();
  onParentEnd(stop);
  const leave = host.onInterrupt(stop);
  try {
    await worker.work();
    await told;
    return 0;
  } finally {
    leave();
  }
}

async function collectOnly(host: System, from: string, args: SweepArgs): Promise<number> {
  if (args.out === undefined) throw new UsageError('--collect needs a folder: --out DIR');
  if ((await host.resolve(args.out)) === (await host.resolve(from))) {
    throw new UsageError(`--out ${args.out} is the sweep itself`);
  }
  const { cells, planned } = await collect(host, from, args.out);
  await host.stderr(`${args.out}: ${cells.length} of ${planned} cells\n`);
  if (args.json) await host.stdout(jsonText({ schema: 1, cells: planned, done: cells.length }));
  return 0;
}

/** Tells how much there is to do, and the memory of the largest cell. */
async function tellEstimate(host: System, { own }: PlannedSweep, args: SweepArgs): Promise<number> {
  const progress = await SweepProgress.of(host, args.out ?? '.', own);
  const gpu = await openCommandGpu({ adapter: args.adapter ?? 'auto' });
  try {
    const seen = new Set<string>();
    let peak = 0;
    for (const { config, pass, hash } of own) {
      const of = JSON.stringify(pass?.config ?? hash);
      if (seen.has(of)) continue;
      seen.add(of);
      const hasBase = (await shippedBases(config)).length > 0;
      const found = await withSizes(host, config, ({ task, model }) =>
        estimate(config, gpu.limits, { task, model, hasBase }),
      );
      peak = Math.max(peak, found.peak);
    }
    const { plannedCells: cells, passes, doneCells: done, left: updates } = progress;
    await host.stderr(
      `${cells} cells with ${passes} FULL passes; ${done} done, ${updates} updates to do\n` +
        `GPU memory of a process, at most: ${bytes(peak)}\n`,
    );
    if (args.json) await host.stdout(jsonText({ schema: 1, cells, passes, done, updates, peak }));
    return 0;
  } finally {
    await gpu.close();
  }
}
