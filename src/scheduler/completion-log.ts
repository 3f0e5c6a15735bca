import * as v from 'valibot';
import { type ExperimentConfig, startsFromFolder } from '../config.ts';
import type { Completion, FileMark, PromptCompletions } from '../results.ts';
import { whole } from '../results-schema.ts';
import { completionsFile } from '../run-folder/names.ts';
import { AppendedFile, DamageError } from './appended-file.ts';
import type { RunStore } from './run-store.ts';

/** Limit on the stored responses of one seed's FULL pass. */
const MOST_RESPONSES = 2 ** 20;

type Responses = PromptCompletions['epochs'][number]['completions'];

/** A prompt that was rolled out. */
export interface SampledPrompt {
  /** Place in the pool. */
  readonly index: number;
  readonly text: string;
  /** The id of the prompt's row in its file; undefined if it has none. */
  readonly id?: string | undefined;
  /** PPO iteration of the FULL pass, from 1. */
  readonly step: number;
}

/** The responses of one data epoch, by the prompt's place in the pool. */
interface Epoch {
  readonly byPrompt: Map<number, Responses>;
  readonly file: AppendedFile;
}

/**
 * The responses of one seed's FULL pass, for people to look at; nothing is computed from them. They
 * are in memory, and in one file per data epoch in the run's folder, in the order of sampling. If a
 * prompt was sampled twice, the later samples count. If a pool has more than about a million
 * responses, only its first prompts are kept.
 *
 * In a run on the user's prompts, a line is one response as an object that other programs read too:
 * `{"id", "prompt", "response", "reward", "correct", "formatted", "step", "epoch", "index"}`. In a
 * run on a made-up task, a line is a JSON array `[index, [text, reward, correct, formatted], ...]`
 * with flags 0 or 1; files of older versions lack the flags.
 */
export class CompletionLog {
  /** Number of prompts that are kept: those below this place in the pool. */
  readonly #prompts: number;
  readonly #epochs = new Map<number, Epoch>();
  readonly #seed: number;
  readonly #asRows: boolean;

  /** @param of.asRows Whether a line is one response, as an object. */
  constructor(
    seed: number,
    of: { readonly epochs: number; readonly samples: number; readonly asRows?: boolean },
    most = MOST_RESPONSES,
  ) {
    this.#seed = seed;
    this.#asRows = of.asRows ?? false;
    this.#prompts = Math.floor(most / (of.epochs * of.samples));
  }

  /** The log for a seed of a run with this config. */
  static of(config: ExperimentConfig, seed: number): CompletionLog {
    const { experiment, rollout } = config;
    const asRows = startsFromFolder(config);
    return new CompletionLog(seed, { epochs: experiment.epochs, samples: rollout.samples, asRows });
  }

  /** Whether a prompt's responses are kept. */
  keeps(prompt: number): boolean {
    return prompt < this.#prompts;
  }

  remember(epoch: number, prompt: SampledPrompt, responses: Responses): void {
    const { index } = prompt;
    if (!this.keeps(index)) return;
    const held = this.#epochs.get(epoch) ?? this.#begin(epoch);
    held.byPrompt.set(index, responses);
    if (!this.#asRows) held.file.add(lineOf(index, responses));
    else for (const one of responses) held.file.add(rowOf(epoch, prompt, one));
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
        // next lines. No version wrote rows without a mark.
        if (!mark && !this.#asRows) {
          for (const [prompt, of] of byPrompt) file.add(lineOf(prompt, of));
        }
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

function rowOf(epoch: number, { index, id, text, step }: SampledPrompt, one: Completion): string {
  const { text: response, reward, correct, formatted } = one;
  const row = { id: id ?? String(index), prompt: text, response, reward, correct, formatted };
  return JSON.stringify({ ...row, step, epoch, index });
}

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
  const steps = new Map<number, number>();
  try {
    for (const line of lines) {
      if (line === '') continue;
      const value: unknown = JSON.parse(line);
      if (!Array.isArray(value)) {
        const { index, step, completion } = responseRow(value);
        const before = steps.get(index) === step ? (byPrompt.get(index) ?? []) : [];
        steps.set(index, step);
        byPrompt.set(index, [...before, completion]);
        continue;
      }
      const [prompt, ...pairs] = value as unknown[];
      const responses = pairs.map(responseOf);
      if (!Number.isInteger(prompt)) return undefined;
      byPrompt.set(prompt as number, responses);
    }
  } catch {
    return undefined;
  }
  return byPrompt;
}

const responseRowSchema = v.object({
  index: whole,
  step: whole,
  response: v.string(),
  reward: v.number(),
  correct: v.boolean(),
  formatted: v.boolean(),
});

/** @throws ValiError if the value is not a response with its place. */
function responseRow(value: unknown) {
  const { index, step, response, reward, ...flags } = v.parse(responseRowSchema, value);
  return { index, step, completion: { text: response, reward, ...flags } };
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
