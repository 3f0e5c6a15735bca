import { configHash, type ExperimentConfig } from '../config.ts';
import type { AdapterChoice } from '../gpu/device.ts';
import type { ExperimentEvent } from '../results.ts';
import { digestsOf, inputTexts } from '../run-folder/inputs.ts';
import { CONFIG, LOCK, REPORT, RESULTS, runFolders } from '../run-folder/names.ts';
import { parseRunFile, runFileText } from '../run-folder/run-file.ts';
import { openGivenInputs } from '../scheduler/given-inputs.ts';
import { takeOverPass } from '../scheduler/take-over.ts';
import type { PlannedCell, PlannedPass } from '../sweep/grid.ts';
import { cellFolder, passFolder } from '../sweep/names.ts';
import { FolderStore } from '../workers/folder-store.ts';
import { connectTrainer, eventsOf, type Trainer } from '../workers/trainer.ts';
import { readConfigFile } from './chosen-config.ts';
import type { FolderLock } from './folder-lock.ts';
import { clearLeftOvers, failureOf, openInFolder } from './folder-run.ts';
import { writeReport } from './run-report.ts';
import { SystemFiles } from './system-files.ts';
import type { System } from './system.ts';

/** What a member of a sweep tells of its work. Plain data, which crosses to the parent process. */
export type MemberNews =
  | { readonly type: 'began' | 'done' | 'left'; readonly folder: string }
  | { readonly type: 'failed'; readonly folder: string; readonly why: string }
  /** Updates that an earlier process or a FULL pass has done of a folder's run. */
  | { readonly type: 'found'; readonly folder: string; readonly updates: number }
  | { readonly type: 'worked'; readonly folder: string; readonly updates: number };

/** The work of a member. */
export interface MemberPlan {
  /** The folder of the sweep. */
  readonly out: string;
  /** The cells to do; paths in configs are absolute. */
  readonly cells: readonly PlannedCell[];
  readonly adapter: AdapterChoice;
}

/** Time between two looks at folders in which others work. */
const LOOK_MS = 1000;

/** Whether a sweep's folder holds a finished run. @param report Whether its report must be there. */
export async function isDone(host: System, folder: string, report: boolean): Promise<boolean> {
  const has = async (name: string) => (await host.info(`${folder}/${name}`)) !== undefined;
  return (await has(RESULTS)) && (!report || (await has(REPORT)));
}

/**
 * One process that works on a sweep: it does one cell after another, as long as there is one in whose
 * folder nobody works. A cell begins with its FULL pass, which it makes if there is none.
 */
export class Member {
  readonly #host: System;
  readonly #plan: MemberPlan;
  readonly #tell: (news: MemberNews) => void;
  /** Folders whose runs have failed in this process. */
  readonly #failed = new Set<string>();
  #trainer: Trainer | undefined;
  /** Whether a run is open, which `stop` must end. */
  #running = false;
  #stopping = false;
  #wake: () => void = () => undefined;

  constructor(host: System, plan: MemberPlan, tell: (news: MemberNews) => void) {
    this.#host = host;
    this.#plan = plan;
    this.#tell = tell;
  }

  /** Ends the run under way after its iteration, with a checkpoint, and begins no other. */
  stop(): void {
    this.#stopping = true;
    this.#wake();
    if (this.#running) this.#trainer?.api.stop().catch(() => undefined); // its events tell of its death
  }

  /** Resolves when all cells are done or have failed, or after `stop`. */
  async work(): Promise<void> {
    try {
      const left = new Set(this.#plan.cells);
      while (left.size > 0 && !this.#stopping) {
        let busy = false;
        for (const cell of left) {
          const outcome = await this.#tryCell(cell);
          if (outcome === 'stopped') return;
          if (outcome === 'busy') busy = true;
          else left.delete(cell);
        }
        if (busy) await this.#pause();
      }
    } finally {
      await this.#trainer?.close();
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #tryCell(cell: PlannedCell): Promise<Outcome> {
    if (this.#stopping) return 'stopped';
    const { out } = this.#plan;
    const folder = cellFolder(cell.hash);
    if (await isDone(this.#host, `${out}/${folder}`, true)) return 'done';
    const { pass, seed, config } = cell;
    if (pass && !(await this.#host.info(`${out}/${folder}/${CONFIG}`))) {
      const of = passFolder(pass.hash);
      const made = await this.#tryRun({ folder: of, seed, config: pass.config, kind: 'pass' });
      if (made === 'failed') {
        this.#tell({ type: 'failed', folder, why: 'its FULL pass failed' });
      }
      if (made !== 'done') return made;
    }
    return this.#tryRun({ folder, seed, config, kind: 'cell', pass });
  }

  /** Does a run, unless another process works on it. */
  async #tryRun(run: SweepRun): Promise<Outcome> {
    const { folder } = run;
    const place = this.#place(run);
    const isCell = run.kind === 'cell';
    if (await isDone(this.#host, place, isCell)) return 'done';
    if (this.#failed.has(folder)) return 'failed';
    const held = await this.#lock(place);
    if (held === 'busy') return 'busy';
    try {
      if (await isDone(this.#host, place, isCell)) return 'done';
      this.#tell({ type: 'began', folder });
      const ended = await this.#carryOut(run, held);
      this.#tell({ type: ended ? 'done' : 'left', folder });
      return ended ? 'done' : 'stopped';
    } catch (error) {
      this.#failed.add(folder);
      const why = error instanceof Error ? error.message : String(error);
      this.#tell({ type: 'failed', folder, why });
      // The next run gets a worker that nothing has befallen.
      await this.#trainer?.close();
      this.#trainer = undefined;
      return 'failed';
    } finally {
      await held?.release();
    }
  }

  /** A run's folder, from the working folder. */
  #place({ folder }: Pick<SweepRun, 'folder'>): string {
    return `${this.#plan.out}/${folder}`;
  }

  async #lock(place: string): Promise<FolderLock | undefined | 'busy'> {
    try {
      return await this.#host.lock?.(place);
    } catch (error) {
      // Other errors mean that the folder cannot be written.
      if (error instanceof Error && error.name === 'UsageError') return 'busy';
      throw error;
    }
  }

  /** @returns Whether the run has ended; false if it was stopped. */
  async #carryOut(run: SweepRun, lock: FolderLock | undefined): Promise<boolean> {
    const host = this.#host;
    const place = this.#place(run);
    await clearLeftOvers(host, { out: place, config: run.config, seeds: [run.seed] });
    if (!(await host.info(`${place}/${RESULTS}`))) {
      const resumed = await this.#prepare(run);
      if (!(await this.#train(run, resumed, lock))) return false;
    }
    if (run.kind === 'cell') await writeReport(place);
    return true;
  }

  /** Brings a folder to where its run can go on. @returns Whether there is a run to go on with. */
  async #prepare(run: SweepRun): Promise<boolean> {
    const host = this.#host;
    const { config, seed } = run;
    const place = this.#place(run);
    if (await host.info(`${place}/${CONFIG}`)) return true;
    // What a process left behind that was killed before the folder held a run.
    for (const folder of ['', ...runFolders]) {
      const at = folder === '' ? place : `${place}/${folder}`;
      if ((await host.info(at))?.kind !== 'directory') continue;
      for (const name of await host.list(at)) {
        const isFile = (await host.info(`${at}/${name}`))?.kind === 'file';
        if (isFile && !name.startsWith(LOCK)) await host.remove(`${at}/${name}`);
      }
    }
    if (run.kind === 'pass' || !run.pass) return false;
    const files = new SystemFiles(host);
    try {
      const { record } = await openGivenInputs(config, files);
      const hash = await configHash(config, digestsOf(record));
      const from = `${this.#plan.out}/${passFolder(run.pass.hash)}`;
      const file = await parseRunFile(await readConfigFile(`${from}/${CONFIG}`), from);
      await takeOverPass(
        new FolderStore(from),
        { config: file.config, configHash: file.configHash, seed },
        new FolderStore(place),
        { config, configHash: hash, seed },
      );
      for (const [name, text] of inputTexts(record)) await host.write(`${place}/${name}`, text);
      // Last: a folder with a config holds a run.
      await host.write(`${place}/${CONFIG}`, await runFileText(config, [seed], { inputs: record }));
      return true;
    } finally {
      await files.close();
    }
  }

  async #train(run: SweepRun, resumed: boolean, lock: FolderLock | undefined): Promise<boolean> {
    const { folder, config, seed } = run;
    this.#trainer ??= await connectTrainer();
    const trainer = this.#trainer;
    // If another process took the folder over, this run, which was asleep, gives up.
    void lock?.lost.then((why) => trainer.api.abandon(why)).catch(() => undefined);
    // A sweep has many cells, and nobody asks most of them anything.
    const keepWeights = false;
    const opened = { out: this.#place(run), config, seeds: [seed], resumed, keepWeights };
    await openInFolder(this.#host, trainer, opened, this.#plan.adapter);
    this.#running = true;
    try {
      if (this.#stopping) this.stop();
      else await trainer.api.resume();
      const count = new UpdateCount(folder, resumed, this.#tell);
      for await (const batch of eventsOf(trainer)) count.take(batch);
      if (count.failure !== undefined) throw failureOf(count.failure);
      return count.done;
    } finally {
      this.#running = false;
    }
  }
}

type Outcome = 'done' | 'busy' | 'failed' | 'stopped';

/** A run of a sweep: a cell or a FULL pass. */
type SweepRun = {
  /** In the sweep's folder. */
  readonly folder: string;
  readonly config: ExperimentConfig;
  readonly seed: number;
} & (
  | { readonly kind: 'pass' }
  /** With the FULL pass that the cell shares, if it shares one. */
  | { readonly kind: 'cell'; readonly pass: PlannedPass | undefined }
);

/** Counts the updates of a run by its events: first those of before, which a resumed run repeats. */
class UpdateCount {
  readonly #folder: string;
  readonly #tell: (news: MemberNews) => void;
  #repeats: boolean;
  #found = 0;
  done = false;
  failure: string | undefined;

  constructor(folder: string, resumed: boolean, tell: (news: MemberNews) => void) {
    this.#folder = folder;
    this.#repeats = resumed;
    this.#tell = tell;
  }

  take(batch: readonly ExperimentEvent[]): void {
    let updates = 0;
    for (const event of batch) {
      if (event.type === 'update') {
        if (this.#repeats) this.#found++;
        else updates++;
      } else if (event.type === 'recovery') this.#repeats = true;
      else if (event.type === 'resumed' && this.#repeats) {
        this.#repeats = false;
        // After a device was lost, the updates of this process come again.
        if (this.#found > 0) {
          this.#tell({ type: 'found', folder: this.#folder, updates: this.#found });
        }
        this.#found = 0;
      } else if (event.type === 'done') this.done = true;
      else if (event.type === 'state' && event.state === 'failed') this.failure = event.message;
    }
    if (updates > 0) this.#tell({ type: 'worked', folder: this.#folder, updates });
  }
}
