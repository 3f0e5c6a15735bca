import * as v from 'valibot';
import { type ExperimentConfig, startsFromFolder } from '../config.ts';
import { ConfigError } from '../config-error.ts';
import type { PromptCompletions } from '../results.ts';
import type { MethodName } from '../selection/methods.ts';
import {
  CHECKPOINTS,
  CONFIG,
  LABEL,
  LATEST,
  placeOfCheckpoint,
  RESULTS,
} from '../run-folder/names.ts';
import { MOST_NOTE, MOST_TITLE, noLabel, parseLabel, type RunLabel } from '../run-folder/label.ts';
import { inputTexts, readInputs, type RunInputs } from '../run-folder/inputs.ts';
import { parseRunFile, runFileText, type RunFile } from '../run-folder/run-file.ts';
import { at } from '../run-plan.ts';
import { SeedCompletions } from '../scheduler/completion-log.ts';
import { modulesOf } from '../tasks/registry.ts';
import { BrowserStore, isMissing, runsFolder, StorageError } from './browser-store.ts';

/** Limit on kept runs that are not pinned. A new run replaces the oldest of them. */
export const MOST_STORED_RUNS = 5;

/** The position of a run's last checkpoint. */
export interface CheckpointPlace {
  readonly seed: number;
  readonly method: string;
  /** PPO iterations of that method that are done. */
  readonly update: number;
}

/** What a user has written to a kept run. */
export interface KeptLabel extends RunLabel {
  /** Whether the run stays when newer ones need its place. */
  readonly pinned: boolean;
}

const pinSchema = v.object({ pinned: v.boolean() });

/** A run in this browser's private file system. */
export interface StoredRun {
  readonly name: string;
  readonly started: Date;
  /** Undefined if this version cannot read the run. `problem` says why. */
  readonly settings?: Pick<RunFile, 'config' | 'seeds' | 'memory'> & { readonly inputs: RunInputs };
  readonly problem?: string;
  readonly finished: boolean;
  /** Room that its files take, in bytes. */
  readonly bytes: number;
  readonly label: KeptLabel;
  /** Undefined before the first checkpoint, and after the run has finished. */
  readonly checkpoint?: CheckpointPlace;
  /** Whether a tab, perhaps this one, is working on the run. */
  readonly claimed: boolean;
}

/** A run that belongs to this tab until it is released or the tab is closed. */
export interface RunClaim {
  readonly name: string;
  /** Resolves when another tab can claim it. */
  release(): Promise<void>;
}

const lockOf = (name: string): string => `limr-run ${name}`;

/**
 * The last few runs of this browser, finished or not. Each has a folder, which `StorePlace` names.
 * One tab at a time works on a run. When a tab dies, the browser releases its claim.
 */
export class StoredRuns {
  readonly #folder: FileSystemDirectoryHandle;

  private constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder;
  }

  /** @throws StorageError if the page may keep no files: private windows, blocked site data. */
  static async open(): Promise<StoredRuns> {
    return new StoredRuns(await runsFolder());
  }

  /** All runs, newest first. */
  async list(): Promise<StoredRun[]> {
    const { held = [] } = await navigator.locks.query();
    const claimed = new Set(held.map((lock) => lock.name));
    const runs: StoredRun[] = [];
    // TypeScript's DOM types leave this out unless DOM.AsyncIterable is included.
    const folder = this.#folder as unknown as { keys(): AsyncIterableIterator<string> };
    for await (const name of folder.keys()) {
      const run = await this.#look(name, claimed.has(lockOf(name)));
      if (run) runs.push(run);
    }
    return runs.sort((a, b) => b.started.getTime() - a.started.getTime());
  }

  /**
   * Makes a run's folder and claims it. If there are too many runs, it removes the oldest finished
   * run, or else the oldest run, but never one that is pinned or that a tab works on.
   *
   * @throws StorageError if there is no room.
   */
  async create(config: ExperimentConfig, seeds: readonly number[]): Promise<RunClaim> {
    await this.#makeRoom();
    const name = nameNow();
    const claim = await this.claim(name);
    try {
      const store = await BrowserStore.open(name);
      // The digests of the files that a config names are known once the run has begun: `record`.
      if (!startsFromFolder(config)) await store.write(CONFIG, await runFileText(config, seeds));
      return claim;
    } catch (error) {
      await this.#folder.removeEntry(name, { recursive: true }).catch(() => undefined);
      await claim.release();
      throw error;
    }
  }

  /**
   * Records what a claimed run began with, if its model is a folder. The files of its task are kept
   * with it, so that it goes on without them; the model is not. Neither is a verifier module: no code
   * is kept, so that none can start with the run.
   *
   * @param inputs As the trainer reports them.
   * @param files The files by their paths in the config.
   * @throws StorageError if there is no room.
   */
  async record(
    name: string,
    run: Pick<RunFile, 'config' | 'seeds' | 'memory'>,
    inputs: RunInputs,
    files: ReadonlyMap<string, Blob>,
  ): Promise<void> {
    const store = await BrowserStore.open(name);
    const modules = modulesOf(run.config.task);
    for (const [i, { path }] of inputs.inputs.entries()) {
      const file = modules.includes(path) ? undefined : files.get(path);
      if (file) await store.write(givenFile(i), slicesOf(file));
    }
    for (const [file, text] of inputTexts(inputs)) await store.write(file, text);
    // Last: a folder with a config holds a run.
    await store.write(CONFIG, await runFileText(run.config, run.seeds, { ...run, inputs }));
  }

  /** The files of a run's task that are kept with the run, by their paths in the config. */
  async givenFiles(name: string): Promise<ReadonlyMap<string, Blob>> {
    const files = new Map<string, Blob>();
    const store = await this.#find(name);
    if (!store) return files;
    const { inputs } = await readInputs(textReader(store));
    for (const [i, { path }] of inputs.entries()) {
      const file = await store.file(givenFile(i));
      if (file) files.set(path, file);
    }
    return files;
  }

  /**
   * Writes a run's label.
   *
   * @throws RangeError if a text is too long; StorageError if there is no room.
   */
  async setLabel(name: string, label: KeptLabel): Promise<void> {
    if (label.title.length > MOST_TITLE || label.note.length > MOST_NOTE) {
      throw new RangeError(`a title has at most ${MOST_TITLE} characters, a note ${MOST_NOTE}`);
    }
    await (await this.#find(name))?.write(LABEL, JSON.stringify(label));
  }

  /** @throws StorageError if another tab works on the run. */
  async claim(name: string): Promise<RunClaim> {
    const release = await hold(lockOf(name));
    if (!release) {
      throw new StorageError(`the run ${name} belongs to another tab: continue there, or close it`);
    }
    return { name, release };
  }

  /** A file of a run; undefined if there is none. @throws PathError unless `path` is inside a run's folder. */
  async read(name: string, path: string): Promise<Uint8Array | undefined> {
    return (await this.#find(name))?.read(path);
  }

  /** Paths of all files of a run that can be read. */
  async files(name: string): Promise<string[]> {
    return (await (await this.#find(name))?.paths()) ?? [];
  }

  /** The stored responses to each prompt of one seed, of FULL or another method of the run. */
  async completions(
    name: string,
    config: ExperimentConfig,
    seed: number,
  ): Promise<(prompt: number, method?: MethodName) => PromptCompletions['epochs']> {
    const kept = new SeedCompletions(config, seed);
    const store = await this.#find(name);
    if (store) await kept.loadAll(store);
    return (prompt, method = 'full') => kept.of(method).of(prompt);
  }

  /** @throws StorageError if another tab works on the run. */
  async remove(name: string): Promise<void> {
    const claim = await this.claim(name);
    try {
      await this.#removeEntry(this.#folder, name);
    } finally {
      await claim.release();
    }
  }

  /** Removes runs that ended before their first checkpoint: nobody can continue or read them. */
  async removeEmpty(): Promise<void> {
    for (const { name, finished, checkpoint, claimed, problem } of await this.list()) {
      if (finished || checkpoint || claimed || problem !== undefined) continue;
      // The worker of a tab that was just closed may still be writing. Its first file makes the
      // folder.
      if (await this.#hasCheckpoints(name)) continue;
      // Another tab may be removing the same run.
      await this.remove(name).catch(ignoreStorageError);
    }
  }

  /**
   * Removes the checkpoints of a finished run, which it no longer needs. They are the bulk of a
   * run.
   */
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

  /** Opens a run's folder without making it: another tab may have removed it. */
  async #find(name: string): Promise<BrowserStore | undefined> {
    try {
      return new BrowserStore(await this.#folder.getDirectoryHandle(name));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #makeRoom(): Promise<void> {
    const runs = (await this.list()).filter(({ label }) => !label.pinned);
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
    const label = await labelOf(store);
    const known = { name, started, finished, claimed, label, bytes: await store.bytes() };
    if (!file) return known;
    try {
      const inputs = await readInputs(textReader(store));
      const { config, seeds, memory } = await readRunFile(textOf(file), inputs);
      const pointer = finished ? undefined : await store.read(LATEST);
      const checkpoint = pointer && placeOf(textOf(pointer), seeds);
      const settings = { config, seeds, inputs, ...(memory === undefined ? {} : { memory }) };
      return { ...known, settings, ...(checkpoint ? { checkpoint } : {}) };
    } catch (error) {
      return { ...known, problem: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** A run's label; none where there is none, or where the file is damaged: the run is worth more. */
async function labelOf(store: BrowserStore): Promise<KeptLabel> {
  const none = { ...noLabel, pinned: false };
  const text = await textReader(store)(LABEL);
  if (text === undefined) return none;
  try {
    const label = parseLabel(text, LABEL);
    const parsed = v.safeParse(pinSchema, JSON.parse(text));
    return { ...label, pinned: parsed.success && parsed.output.pinned };
  } catch {
    return none;
  }
}

function ignoreStorageError(error: unknown): void {
  if (!(error instanceof StorageError)) throw error;
}

/** The copy of a file of the task in the run's folder, by its place in `inputs.json`. */
const givenFile = (index: number): string => `given/${index}`;

/** Bytes of a file that are copied at once. */
const PIECE = 2 ** 24;

async function* slicesOf(file: Blob): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size; at += PIECE) {
    yield new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
  }
}

const textReader =
  (store: BrowserStore) =>
  async (path: string): Promise<string | undefined> => {
    const bytes = await store.read(path);
    return bytes && textOf(bytes);
  };

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Acquires a lock and returns the function that releases it; undefined if another tab holds it. */
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
      // The request settles when the lock is free.
      await request;
    };
    request.then(() => resolve(undefined), reject);
  });
}

/**
 * A folder name that every system accepts: the current time, and a random part that keeps two tabs
 * apart.
 */
const nameNow = (): string =>
  `${new Date().toISOString().replaceAll(':', '-')}-${crypto.randomUUID().slice(0, 8)}`;

function startOf(name: string): Date | undefined {
  const found = /^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d\.\d{3}Z)-[0-9a-f]{8}$/.exec(name);
  return found ? new Date(`${found[1] ?? ''}:${found[2] ?? ''}:${found[3] ?? ''}`) : undefined;
}

/** @throws ConfigError naming the part that this version cannot read. */
async function readRunFile(text: string, inputs: RunInputs): Promise<RunFile> {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new ConfigError(`${CONFIG}: not JSON`);
  }
  return parseRunFile(file, CONFIG, inputs);
}

/** The position of the newest checkpoint, from the first path in the pointer file. */
function placeOf(pointer: string, seeds: readonly number[]): CheckpointPlace | undefined {
  const [, path = ''] = /"(checkpoints\/[^"]+)"/.exec(pointer) ?? [];
  const place = placeOfCheckpoint(path);
  if (!place) return undefined;
  const { seedIndex, method, update } = place;
  return { seed: at(seeds, seedIndex, 'seed'), method, update };
}
