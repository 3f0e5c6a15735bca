import type { ExperimentConfig } from '../config.ts';
import type { Completion, FileMark, PromptCompletions } from '../results.ts';
import { completionsFile } from '../run-folder/names.ts';
import { AppendedFile, DamageError } from './appended-file.ts';
import type { RunStore } from './run-store.ts';

/** Most responses of one seed's FULL pass that are kept for looking at. */
const MOST_RESPONSES = 2 ** 20;

type Responses = PromptCompletions['epochs'][number]['completions'];

/** One data epoch: a prompt's responses by its place in the pool. */
interface Epoch {
  readonly byPrompt: Map<number, Responses>;
  readonly file: AppendedFile;
}

/**
 * What the FULL pass of one seed sampled, for looking at: in memory, and with the run in one file
 * per data epoch, a JSON array `[prompt, [text, reward, correct, formatted], ...]` a line, flags 0 or 1, in
 * the order of sampling; files of older versions lack the flags. Of two lines of a prompt the later one
 * holds. Nothing is computed from it.
 * Of a pool so large that its responses pass about a million, the first prompts alone are kept.
 */
export class CompletionLog {
  /** Prompts from this place in the pool on are not kept. */
  readonly #prompts: number;
  readonly #epochs = new Map<number, Epoch>();
  readonly #seed: number;

  constructor(
    seed: number,
    of: { readonly epochs: number; readonly samples: number },
    most = MOST_RESPONSES,
  ) {
    this.#seed = seed;
    this.#prompts = Math.floor(most / (of.epochs * of.samples));
  }

  /** Of a seed of a run with a config. */
  static of({ experiment, rollout }: ExperimentConfig, seed: number): CompletionLog {
    return new CompletionLog(seed, { epochs: experiment.epochs, samples: rollout.samples });
  }

  /** Whether a prompt's responses are kept. */
  keeps(prompt: number): boolean {
    return prompt < this.#prompts;
  }

  remember(epoch: number, prompt: number, responses: Responses): void {
    if (!this.keeps(prompt)) return;
    const held = this.#epochs.get(epoch) ?? this.#begin(epoch);
    held.byPrompt.set(prompt, responses);
    held.file.add(lineOf(prompt, responses));
  }

  /** A prompt's responses, epoch by epoch. */
  of(prompt: number): PromptCompletions['epochs'] {
    return [...this.#epochs].flatMap(([epoch, { byPrompt }]) => {
      const completions = byPrompt.get(prompt);
      return completions ? [{ epoch, completions }] : [];
    });
  }

  /** Writes what has come since. */
  async save(store: RunStore): Promise<void> {
    for (const { file } of this.#epochs.values()) await file.flush(store);
  }

  /** How much of each file `save` has written. */
  get marks(): Record<string, FileMark> {
    const marks = [...this.#epochs.values()].map(({ file }) => [file.path, file.mark] as const);
    return Object.fromEntries(marks.filter(([, { bytes }]) => bytes > 0));
  }

  /**
   * Reads the files of the first `epochs` epochs. One that is damaged is left out: they are there to
   * be looked at, and a run must not fail for them.
   *
   * @param marks What belongs to the checkpoint that the run goes on from; undefined: all there is,
   *   and nothing has to be.
   * @returns Files that could not be read, or are not what was written.
   */
  async load(
    store: RunStore,
    epochs: number,
    marks?: ReadonlyMap<string, FileMark>,
  ): Promise<string[]> {
    const damaged: string[] = [];
    for (let epoch = 0; epoch < epochs; epoch++) {
      const path = this.#file(epoch);
      const mark = marks?.get(path);
      if (marks && !mark) continue;
      const file = new AppendedFile(path);
      const lines = mark ? await resumed(file, store, mark) : await linesIn(store, path);
      const byPrompt = lines && parse(lines);
      if (byPrompt) {
        this.#epochs.set(epoch, { byPrompt, file });
        // Without a mark nothing is known of what is there: it is written anew with what follows.
        if (!mark) for (const [prompt, of] of byPrompt) file.add(lineOf(prompt, of));
      } else damaged.push(path);
    }
    return damaged;
  }

  #begin(epoch: number): Epoch {
    const held = {
      byPrompt: new Map<number, Responses>(),
      file: new AppendedFile(this.#file(epoch)),
    };
    this.#epochs.set(epoch, held);
    return held;
  }

  #file(epoch: number): string {
    return completionsFile(this.#seed, epoch);
  }
}

const lineOf = (prompt: number, responses: Responses): string =>
  JSON.stringify([
    prompt,
    ...responses.map(({ text, reward, correct, formatted }) =>
      correct === undefined || formatted === undefined
        ? [text, reward]
        : [text, reward, Number(correct), Number(formatted)],
    ),
  ]);

/** Undefined where the file is not what its mark says. */
async function resumed(
  file: AppendedFile,
  store: RunStore,
  mark: FileMark,
): Promise<string[] | undefined> {
  try {
    return await file.resume(store, mark);
  } catch (error) {
    if (error instanceof DamageError) return undefined;
    throw error;
  }
}

/** None where there is no such file. */
async function linesIn(store: RunStore, path: string): Promise<string[]> {
  const bytes = await store.read(path);
  return bytes ? new TextDecoder().decode(bytes).split('\n') : [];
}

function parse(lines: readonly string[]): Map<number, Responses> | undefined {
  const byPrompt = new Map<number, Responses>();
  try {
    for (const line of lines) {
      if (line === '') continue;
      const [prompt, ...pairs] = JSON.parse(line) as unknown[];
      const responses = pairs.map(responseOf);
      if (!Number.isInteger(prompt)) return undefined;
      byPrompt.set(prompt as number, responses);
    }
  } catch {
    return undefined;
  }
  return byPrompt;
}

/** @throws TypeError where it is no text and number, or its flags are none. */
function responseOf(entry: unknown): Completion {
  const [text, reward, correct, formatted] = entry as readonly unknown[];
  if (typeof text !== 'string' || typeof reward !== 'number') throw new TypeError('not a response');
  if (correct === undefined && formatted === undefined) return { text, reward };
  return { text, reward, correct: flagOf(correct), formatted: flagOf(formatted) };
}

function flagOf(value: unknown): boolean {
  if (value !== 0 && value !== 1) throw new TypeError('not a flag');
  return value === 1;
}
