import { digestOf } from '../formats/digest.ts';
import { float32Entry, writeSafetensors } from '../formats/safetensors.ts';
import { methodEntries, type MethodName } from '../selection/methods.ts';
import type { ExperimentEvent, ExperimentResults, FileMark, UpdateRecord } from '../results.ts';
import { lineOf } from '../run-folder/events.ts';
import { EVENTS, LEFT_OUT, METRICS, RESULTS, seedFiles } from '../run-folder/names.ts';
import { namesOf } from '../run-folder/pool-rows.ts';
import type { LeftOutRow } from '../tasks/task.ts';
import { AppendedFile, checkMark } from './appended-file.ts';
import { Checkpoints, type Checkpoint, type CheckpointWriteError } from './checkpoint.ts';
import type { SeedCompletions } from './completion-log.ts';
import { keyOf, type Pool, type PooledPrompt } from './pool.ts';
import { type HostMatrix, meansOf } from './reward-matrix.ts';
import type { FileContent } from '../formats/file-content.ts';
import type { RunStore } from './run-store.ts';
import type { SelectionStage } from './selection-stage.ts';

export type Marks = Readonly<Record<string, FileMark>>;

/**
 * Writes a run's files, except `config.json`, which exists before, and the report. Growing files
 * are appended to; a checkpoint knows how much of each belongs to it.
 */
export class RunArchive {
  readonly store: RunStore;
  readonly checkpoints: Checkpoints;
  records = new AppendedFile(METRICS);
  events = new AppendedFile(EVENTS);
  completions: SeedCompletions;

  constructor(store: RunStore, completions: SeedCompletions) {
    this.store = store;
    this.checkpoints = new Checkpoints(store);
    this.completions = completions;
  }

  /**
   * Keeps the parts of an event that a later look at the run needs. The next checkpoint writes them
   * to disk.
   *
   * @param updates Number of updates of the run before the event.
   */
  keep(event: ExperimentEvent, updates: number): void {
    if (event.type === 'update') {
      this.records.add(JSON.stringify(recordOf(event)));
      return;
    }
    const line = lineOf(event, updates);
    if (line !== undefined) this.events.add(line);
  }

  /**
   * Writes the growing files that belong to a checkpoint, then the checkpoint.
   *
   * @throws CheckpointWriteError
   */
  async writeCheckpoint(name: string, checkpoint: Checkpoint): Promise<void> {
    try {
      await this.records.flush(this.store);
      await this.events.flush(this.store);
      await this.completions.save(this.store);
    } catch (cause) {
      throw this.writeError(`the checkpoint ${name} could not be written`, cause);
    }
    const { mark } = this.records;
    const files = {
      ...(mark.bytes > 0 ? { [METRICS]: mark } : {}),
      [EVENTS]: this.events.mark,
      ...this.completions.marks,
    };
    await this.checkpoints.write(name, checkpoint, files);
  }

  /**
   * Writes matrix, scores and selections of a FULL pass.
   *
   * @returns The marks of the files.
   * @throws CheckpointWriteError
   */
  async writeSelections(
    pool: Pool,
    seeds: readonly number[],
    { scores, selections, matrix, summary }: SelectionStage,
  ): Promise<Marks> {
    const names = seedFiles(pool.seed, seeds);
    const epochs = matrix.samples.length / pool.size;
    const { accuracy, reward } = meansOf(matrix);
    const files = new Map<string, Uint8Array | string>();
    files.set(names.rewards, rewardsFile(pool, matrix));
    const signal = summary.lim.signal === 'accuracy' ? accuracy : reward;
    const scored = pool.prompts.map((prompt, place) => ({
      prompt: prompt.text,
      ...messagesOf(prompt),
      ...namesIn(prompt, place),
      score: finite(scores[place] ?? NaN),
      rewards: Array.from(signal.subarray(place * epochs, (place + 1) * epochs), finite),
      ...keyOf(prompt),
    }));
    files.set(names.scores, jsonLines(scored));
    for (const [method, indices] of methodEntries(selections)) {
      const rows = indices.map((place) => {
        const prompt = pool.at(place);
        const { prompt: given, answer } = prompt.row ?? { prompt: prompt.text, answer: prompt.key };
        return { ...namesIn(prompt, place), prompt: given, answer };
      });
      files.set(names.subset(method), jsonLines(rows));
    }
    const marks: Record<string, FileMark> = {};
    for (const [path, content] of files) marks[path] = await this.#write(path, content);
    return marks;
  }

  /** Writes the matrix of an online method. @throws CheckpointWriteError */
  async writeOnlineMatrix(
    pool: Pool,
    seeds: readonly number[],
    method: MethodName,
    matrix: HostMatrix,
  ): Promise<void> {
    const path = seedFiles(pool.seed, seeds).online(method);
    const samples = Float32Array.from(matrix.samples);
    await this.#write(path, rewardsFile(pool, matrix, { samples }));
  }

  /**
   * Writes the files of a trained model or adapter.
   *
   * @param files In the order to write them, by names in the folder.
   * @throws CheckpointWriteError
   */
  async writeTrained(folder: string, files: ReadonlyMap<string, FileContent>): Promise<void> {
    for (const [name, content] of files) {
      const path = `${folder}/${name}`;
      try {
        await this.store.write(path, content);
      } catch (cause) {
        throw this.writeError(`${path} could not be written`, cause);
      }
    }
  }

  /** Writes the rows that are none of the task's prompts. @throws CheckpointWriteError */
  async writeLeftOut(rows: readonly LeftOutRow[]): Promise<void> {
    if (rows.length > 0) await this.#write(LEFT_OUT, jsonLines(rows));
  }

  /** Writes the marks of a finished run's files, then its results. */
  async writeResults(results: ExperimentResults, written: Marks): Promise<void> {
    try {
      await this.records.flush(this.store);
      await this.events.flush(this.store);
      const bytes = new TextEncoder().encode(`${JSON.stringify(results, null, 1)}\n`);
      // The marks come first, so that results never exist without their marks.
      await this.checkpoints.finish({
        ...written,
        [METRICS]: this.records.mark,
        [EVENTS]: this.events.mark,
        [RESULTS]: markOf(bytes),
      });
      await this.store.write(RESULTS, bytes);
    } catch (cause) {
      throw this.writeError(`${RESULTS} could not be written`, cause);
    }
  }

  /** @throws DamageError if a file differs from its mark. */
  async expect(marks: Marks): Promise<void> {
    for (const [path, mark] of Object.entries(marks)) await checkMark(this.store, path, mark);
  }

  writeError(what: string, cause: unknown): CheckpointWriteError {
    return this.checkpoints.writeError(what, cause);
  }

  async #write(path: string, content: Uint8Array | string): Promise<FileMark> {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    try {
      await this.store.write(path, bytes);
    } catch (cause) {
      throw this.writeError(`${path} could not be written`, cause);
    }
    return markOf(bytes);
  }
}

/** The means of a reward matrix, (prompts, data epochs), and `more` tensors of that shape. */
function rewardsFile(
  pool: Pool,
  matrix: HostMatrix,
  more: Readonly<Record<string, Float32Array>> = {},
): Uint8Array {
  const shape = [pool.size, matrix.samples.length / pool.size];
  return writeSafetensors(
    Object.entries({ ...meansOf(matrix), ...more }).map(([name, values]) =>
      float32Entry(name, shape, values),
    ),
    { seed: String(pool.seed), missing: 'NaN' },
  );
}

const namesIn = ({ id, row }: PooledPrompt, place: number) =>
  namesOf(place, { id, isOfFile: row !== undefined || id !== undefined });

/** The messages of a prompt whose row is a conversation. */
const messagesOf = ({ row }: PooledPrompt) =>
  Array.isArray(row?.prompt) ? { messages: row.prompt } : {};

const recordOf = ({
  type: _type,
  ...record
}: Extract<ExperimentEvent, { readonly type: 'update' }>): UpdateRecord => record;

const markOf = (bytes: Uint8Array): FileMark => ({
  bytes: bytes.length,
  sha256: digestOf(bytes),
});

/** JSON has no NaN: such a number becomes null. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

const jsonLines = (rows: readonly unknown[]): string =>
  `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`;
