import type { ExperimentConfig } from '../config.ts';
import { ConfigError } from '../config-error.ts';
import type { PromptCompletions } from '../results.ts';
import { CHECKPOINTS, CONFIG, LATEST, placeOfCheckpoint, RESULTS } from '../run-folder/names.ts';
import { parseRunFile, runFileText, type RunFile } from '../run-folder/run-file.ts';
import { at } from '../run-plan.ts';
import { CompletionLog } from '../scheduler/completion-log.ts';
import { BrowserStore, isMissing, runsFolder, StorageError } from './browser-store.ts';

/** Runs that are kept; a new one takes the place of the oldest. */
export const MOST_STORED_RUNS = 5;

/** Where a run's last checkpoint stands. */
export interface CheckpointPlace {
  readonly seed: number;
  readonly method: string;
  /** PPO iterations of that method done. */
  readonly update: number;
}

/** A run in this browser's private file system. */
export interface StoredRun {
  readonly name: string;
  readonly started: Date;
  /** Undefined where this version cannot read it: `problem` says why. */
  readonly settings?: Pick<RunFile, 'config' | 'seeds'>;
  readonly problem?: string;
  readonly finished: boolean;
  /** Undefined before the first checkpoint, and once it has finished. */
  readonly checkpoint?: CheckpointPlace;
  /** A tab, perhaps this one, is working on it. */
  readonly claimed: boolean;
}

/** A run that belongs to this tab until it is released, or the tab is gone. */
export interface RunClaim {
  readonly name: string;
  /** Resolves when another tab can claim it. */
  release(): Promise<void>;
}

const lockOf = (name: string): string => `limr-run ${name}`;

/**
 * The runs of this browser: the last few, finished or not, each in a folder that `StorePlace` names.
 * One tab at a time works on a run; the browser takes a claim back when its tab dies.
 */
export class StoredRuns {
  readonly #folder: FileSystemDirectoryHandle;

  private constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder;
  }

  /** @throws StorageError where the page may keep no files: private windows, blocked site data. */
  static async open(): Promise<StoredRuns> {
    return new StoredRuns(await runsFolder());
  }

  /** Newest first. */
  async list(): Promise<StoredRun[]> {
    const { held = [] } = await navigator.locks.query();
    const claimed = new Set(held.map((lock) => lock.name));
    const runs: StoredRun[] = [];
    // TypeScript's own list of the DOM leaves this out unless its async iterables are asked for.
    const folder = this.#folder as unknown as { keys(): AsyncIterableIterator<string> };
    for await (const name of folder.keys()) {
      const run = await this.#look(name, claimed.has(lockOf(name)));
      if (run) runs.push(run);
    }
    return runs.sort((a, b) => b.started.getTime() - a.started.getTime());
  }

  /**
   * Makes a run's folder and claims it. Too many runs: the oldest finished one goes, or else the
   * oldest; never one that a tab works on.
   *
   * @throws StorageError when there is no room.
   */
  async create(config: ExperimentConfig, seeds: readonly number[]): Promise<RunClaim> {
    await this.#makeRoom();
    const name = nameNow();
    const claim = await this.claim(name);
    try {
      const store = await BrowserStore.open(name);
      await store.write(CONFIG, await runFileText(config, seeds));
      return claim;
    } catch (error) {
      await this.#folder.removeEntry(name, { recursive: true }).catch(() => undefined);
      await claim.release();
      throw error;
    }
  }

  /** @throws StorageError when another tab works on it. */
  async claim(name: string): Promise<RunClaim> {
    const release = await hold(lockOf(name));
    if (!release) {
      throw new StorageError(`the run ${name} belongs to another tab: continue there, or close it`);
    }
    return { name, release };
  }

  /** A file of a run; undefined where there is none. */
  async read(name: string, path: string): Promise<Uint8Array | undefined> {
    return (await this.#find(name))?.read(path);
  }

  /** What FULL sampled for each prompt of one seed, as far as the run has stored it. */
  async completions(
    name: string,
    config: ExperimentConfig,
    seed: number,
  ): Promise<(prompt: number) => PromptCompletions['epochs']> {
    const log = CompletionLog.of(config, seed);
    const store = await this.#find(name);
    if (store) await log.load(store, config.experiment.epochs);
    return (prompt) => log.of(prompt);
  }

  /** @throws StorageError when another tab works on it. */
  async remove(name: string): Promise<void> {
    const claim = await this.claim(name);
    try {
      await this.#removeEntry(this.#folder, name);
    } finally {
      await claim.release();
    }
  }

  /** Removes what nobody can go on from or read: runs that ended before their first checkpoint. */
  async removeEmpty(): Promise<void> {
    for (const { name, finished, checkpoint, claimed, problem } of await this.list()) {
      if (finished || checkpoint || claimed || problem !== undefined) continue;
      // The worker of a tab that has just gone may still be writing: its first file makes the folder.
      if (await this.#hasCheckpoints(name)) continue;
      // Another tab may be doing the same.
      await this.remove(name).catch(ignoreStorageError);
    }
  }

  /** Checkpoints are the bulk of a run; one that has finished needs them no more. */
  async dropCheckpoints(name: string): Promise<void> {
    const folder = await this.#folder.getDirectoryHandle(name);
    await this.#removeEntry(folder, CHECKPOINTS);
  }

  async #removeEntry(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
    try {
      await folder.removeEntry(name, { recursive: true });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async #hasCheckpoints(name: string): Promise<boolean> {
    try {
      await (await this.#folder.getDirectoryHandle(name)).getDirectoryHandle(CHECKPOINTS);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /** Makes no folder: another tab may have removed it. */
  async #find(name: string): Promise<BrowserStore | undefined> {
    try {
      return new BrowserStore(await this.#folder.getDirectoryHandle(name));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #makeRoom(): Promise<void> {
    const runs = await this.list();
    const free = runs.filter(({ claimed }) => !claimed).reverse();
    const order = [...free.filter((run) => run.finished), ...free.filter((run) => !run.finished)];
    for (const { name } of order.slice(0, Math.max(0, runs.length - MOST_STORED_RUNS + 1))) {
      await this.remove(name).catch(ignoreStorageError);
    }
  }

  async #look(name: string, claimed: boolean): Promise<StoredRun | undefined> {
    const started = startOf(name);
    const store = started && (await this.#find(name));
    if (!store) return undefined;
    const file = await store.read(CONFIG);
    const finished = (await store.read(RESULTS)) !== undefined;
    const known = { name, started, finished, claimed };
    if (!file) return known;
    try {
      const { config, seeds } = await readRunFile(textOf(file));
      const pointer = finished ? undefined : await store.read(LATEST);
      const checkpoint = pointer && placeOf(textOf(pointer), seeds);
      return { ...known, settings: { config, seeds }, ...(checkpoint ? { checkpoint } : {}) };
    } catch (error) {
      return { ...known, problem: error instanceof Error ? error.message : String(error) };
    }
  }
}

function ignoreStorageError(error: unknown): void {
  if (!(error instanceof StorageError)) throw error;
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Holds a lock until the function is called that comes back; undefined where another has it. */
function hold(name: string): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve, reject) => {
    let letGo: (() => void) | undefined;
    const held = (lock: Lock | null): Promise<void> | undefined => {
      if (!lock) return undefined;
      return new Promise<void>((done) => {
        letGo = done;
        resolve(release);
      });
    };
    const request = navigator.locks.request(name, { ifAvailable: true }, held);
    const release = async (): Promise<void> => {
      letGo?.();
      // Settles when the lock is free.
      await request;
    };
    request.then(() => resolve(undefined), reject);
  });
}

/** The moment, as a folder's name that every system takes, and a word that keeps two tabs apart. */
const nameNow = (): string =>
  `${new Date().toISOString().replaceAll(':', '-')}-${crypto.randomUUID().slice(0, 8)}`;

function startOf(name: string): Date | undefined {
  const found = /^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d\.\d{3}Z)-[0-9a-f]{8}$/.exec(name);
  return found ? new Date(`${found[1] ?? ''}:${found[2] ?? ''}:${found[3] ?? ''}`) : undefined;
}

/** @throws ConfigError naming what this version cannot read. */
async function readRunFile(text: string): Promise<RunFile> {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new ConfigError(`${CONFIG}: not JSON`);
  }
  return parseRunFile(file, CONFIG);
}

/** Where the newest checkpoint stands, by the first path that the pointer names. */
function placeOf(pointer: string, seeds: readonly number[]): CheckpointPlace | undefined {
  const [, path = ''] = /"(checkpoints\/[^"]+)"/.exec(pointer) ?? [];
  const place = placeOfCheckpoint(path);
  if (!place) return undefined;
  const { seedIndex, method, update } = place;
  return { seed: at(seeds, seedIndex, 'seed'), method, update };
}
