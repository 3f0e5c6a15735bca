import type { ExperimentConfig } from '../config.ts';
import type { Completion, FileMark, PromptCompletions } from '../results.ts';
import { completionsFile } from '../run-folder/names.ts';
import { AppendedFile, DamageError } from './appended-file.ts';
import type { RunStore } from './run-store.ts';

/** Limit on the stored responses of one seed's FULL pass. */
const MOST_RESPONSES = 2 ** 20;

type Responses = PromptCompletions['epochs'][number]['completions'];

/** The responses of one data epoch, by the prompt's place in the pool. */
interface Epoch {
  readonly byPrompt: Map<number, Responses>;
  readonly file: AppendedFile;
}

/**
 * The responses of one seed's FULL pass, for people to look at; nothing is computed from them. They
 * are in memory, and in one file per data epoch in the run's folder. A line is a JSON array
 * `[prompt, [text, reward, correct, formatted], ...]` with flags 0 or 1, in the order of sampling.
 * Files of older versions lack the flags. If a prompt has two lines, the later line counts. If a
 * pool has more than about a million responses, only its first prompts are kept.
 */
export class CompletionLog {
  /** Number of prompts that are kept: those below this place in the pool. */
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

  /** The log for a seed of a run with this config. */
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

  /** Writes the responses added since the last call. */
  async save(store: RunStore): Promise<void> {
    for (const { file } of this.#epochs.values()) await file.flush(store);
  }

  /** The marks of what `save` has written to each file. */
  get marks(): Record<string, FileMark> {
    const marks = [...this.#epochs.values()].map(({ file }) => [file.path, file.mark] as const);
    return Object.fromEntries(marks.filter(([, { bytes }]) => bytes > 0));
  }

  /**
   * Reads the files of the first `epochs` epochs. A damaged file is left out: the files are only
   * for people to look at, so a run must not fail because of them.
   *
   * @param marks Marks of the files that belong to the checkpoint to continue from. If undefined,
   *   all existing files are read, and none is required.
   * @returns Files that could not be read, or differ from what was written.
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
        // Without a mark the file's bytes are unverified, so the file is written again with the
        // next lines.
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

/** The lines of a marked file; undefined if the file differs from its mark. */
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

/** The lines of a file; empty if there is no such file. */
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

/** @throws TypeError if the entry lacks a text or a number, or has invalid flags. */
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
