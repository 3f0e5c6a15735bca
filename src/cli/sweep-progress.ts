import { duration } from '../look/wording.ts';
import { iterationsOf, plannedUpdates } from '../run-plan.ts';
import { poolPromptsOf } from '../tasks/registry.ts';
import { factorsText, type PlannedCell } from '../sweep/grid.ts';
import { cellFolder, passFolder } from '../sweep/names.ts';
import { isDone, type MemberNews } from './sweep-member.ts';
import type { System } from './system.ts';

/** Least time between two lines of progress on a terminal, and where lines stay. */
const STATUS_MS = 200;
const LINE_MS = 30_000;

/** A folder of a sweep that work is planned for. */
interface Work {
  /** PPO iterations of the whole run, as far as the config tells. */
  readonly updates: number;
  /** Iterations done, by this sweep or before. */
  done: number;
  /** In words, for a person. */
  readonly name: string;
  readonly isCell: boolean;
  state: 'open' | 'done' | 'failed';
}

/** The course of a sweep: what is done, what is left, and how long that takes. */
export class SweepProgress {
  readonly #work = new Map<string, Work>();
  readonly #host: System;
  readonly #started = performance.now();
  /** Iterations that this command's processes have done. */
  #worked = 0;
  #shownAt = -Infinity;
  #open = false;

  private constructor(host: System) {
    this.#host = host;
  }

  static async of(
    host: System,
    out: string,
    cells: readonly PlannedCell[],
  ): Promise<SweepProgress> {
    const progress = new SweepProgress(host);
    for (const { hash, seed, factors, config, pass } of cells) {
      const pool = poolPromptsOf(config.task) ?? 0;
      const text = factorsText(factors);
      const what = `seed ${seed}${text === '' ? '' : `, ${text}`}`;
      const full = pool === 0 ? 0 : iterationsOf(config, 'full', pool);
      if (pass) await progress.#add(out, passFolder(pass.hash), full, `FULL pass, seed ${seed}`);
      const all = pool === 0 ? 0 : plannedUpdates(config, pool, 1, {});
      await progress.#add(out, cellFolder(hash), all, `cell ${hash}, ${what}`);
      // What a cell takes from its pass is no work.
      const cell = progress.#work.get(cellFolder(hash));
      if (pass && cell) cell.done = Math.max(cell.done, full);
    }
    return progress;
  }

  async #add(out: string, folder: string, updates: number, name: string): Promise<void> {
    if (this.#work.has(folder)) return;
    const isCell = folder.startsWith(cellFolder(''));
    const done = await isDone(this.#host, `${out}/${folder}`, isCell);
    this.#work.set(folder, {
      updates,
      done: done ? updates : 0,
      name,
      isCell,
      state: done ? 'done' : 'open',
    });
  }

  #cells(state?: Work['state']): number {
    return [...this.#work.values()].filter(
      (one) => one.isCell && (state === undefined || one.state === state),
    ).length;
  }

  get doneCells(): number {
    return this.#cells('done');
  }

  get plannedCells(): number {
    return this.#cells();
  }

  /** FULL passes that the cells share. */
  get passes(): number {
    return this.#work.size - this.plannedCells;
  }

  /** Cells that failed, by hash. */
  get failed(): string[] {
    return [...this.#work].flatMap(([folder, { state, isCell }]) =>
      isCell && state === 'failed' ? [folder.slice(cellFolder('').length)] : [],
    );
  }

  /** PPO iterations that are left. */
  get left(): number {
    let left = 0;
    for (const { updates, done, state } of this.#work.values()) {
      if (state === 'open') left += Math.max(0, updates - done);
    }
    return left;
  }

  /** Seconds that are left, at the pace so far; undefined before the first iteration. */
  get eta(): number | undefined {
    if (this.#worked === 0) return undefined;
    return (this.left * (performance.now() - this.#started)) / 1000 / this.#worked;
  }

  /** `4 of 30 cells, 1 h 20 min left`. */
  get text(): string {
    const { eta } = this;
    const left = eta === undefined || this.left === 0 ? '' : `, ${duration(eta)} left`;
    return `${this.doneCells} of ${this.plannedCells} cells${left}`;
  }

  /** Takes news of a member, and shows what a person wants to see of it. */
  async take(news: MemberNews): Promise<void> {
    const work = this.#work.get(news.folder);
    if (!work) return;
    switch (news.type) {
      case 'found':
        work.done = Math.max(work.done, news.updates);
        return;
      case 'worked':
        work.done += news.updates;
        this.#worked += news.updates;
        await this.#status(`${work.name}: update ${work.done} of ${work.updates} · ${this.text}`);
        return;
      case 'done':
        work.state = 'done';
        await this.line(`${work.name}: done · ${this.text}`);
        return;
      case 'failed':
        work.state = 'failed';
        await this.line(`${work.name}: failed: ${news.why}`, 'warning');
        return;
      case 'left':
        await this.line(`${work.name}: stopped behind a checkpoint`);
        return;
      case 'began':
    }
  }

  async #status(text: string): Promise<void> {
    const { terminal } = this.#host;
    const now = performance.now();
    if (now - this.#shownAt < (terminal ? STATUS_MS : LINE_MS)) return;
    this.#shownAt = now;
    if (!terminal) return this.#host.stderr(`  ${text}\n`);
    await this.#host.stderr(`  ${text}`, 'status');
    this.#open = true;
  }

  /** Prints a line that stays. */
  async line(text: string, look?: 'warning'): Promise<void> {
    if (this.#open) await this.#host.stderr('', 'clear');
    this.#open = false;
    await this.#host.stderr(`${text}\n`, look);
  }
}
