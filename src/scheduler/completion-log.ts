import * as v from 'valibot';
import { type ExperimentConfig, startsFromFolder } from '../config.ts';
import type { Completion, FileMark, PromptCompletions } from '../results.ts';
import { whole } from '../results-schema.ts';
import { completionsFile, methodCompletionsFile } from '../run-folder/names.ts';
import { trainingOrder } from '../run-plan.ts';
import type { MethodName } from '../selection/methods.ts';
import { AppendedFile, DamageError } from './appended-file.ts';
import type { RunStore } from './run-store.ts';

/** Limit on the stored responses of one seed's FULL pass, and of its other methods together. */
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
type Epoch = Map<number, Responses>;

/** Where a log lies, and how much it keeps. */
export interface CompletionPlace {
  /** The file of a data epoch; epochs may share one. */
  readonly file: (epoch: number) => string;
  /** Whether a line is one response, as an object. */
  readonly asRows: boolean;
  /** Whether a line names its data epoch, as epochs share a file. */
  readonly namesEpochs: boolean;
  /** Number of prompts that are kept: those below this place in the pool. */
  readonly prompts: number;
  /** Most responses that are kept, the first ones. */
  readonly responses: number;
}

/**
 * The responses that one method of one seed was trained on, for people to look at; nothing is computed
 * from them. They are in memory and in the run's folder, in the order of sampling: those of FULL in one
 * file per data epoch, those of another method in one file. If a prompt was sampled twice in an epoch,
 * the later samples count. If FULL's pool has more than about a million responses, only its first
 * prompts are kept; of other methods, the first responses of about a million of all of them together.
 *
 * In a run on the user's prompts, a line is one response as an object that other programs read too:
 * `{"id", "prompt", "response", "reward", "correct", "formatted", "step", "epoch", "index"}`. In a
 * run on a made-up task, a line is a JSON array `[index, [text, reward, correct, formatted], ...]`
 * with flags 0 or 1, of another method than FULL `[index, epoch, [text, ...], ...]`; files of older
 * versions lack the flags.
 */
export class CompletionLog {
  readonly #place: CompletionPlace;
  readonly #epochs = new Map<number, Epoch>();
  readonly #files = new Map<string, AppendedFile>();
  #responses = 0;

  constructor(place: CompletionPlace) {
    this.#place = place;
  }

  /** Whether a prompt's responses are kept. */
  keeps(prompt: number): boolean {
    return prompt < this.#place.prompts;
  }

  remember(epoch: number, prompt: SampledPrompt, responses: Responses): void {
    const { index } = prompt;
    const { file, asRows, namesEpochs, responses: most } = this.#place;
    if (!this.keeps(index) || this.#responses + responses.length > most) return;
    this.#put(epoch, index, responses);
    this.#responses += responses.length;
    const path = file(epoch);
    const growing = this.#files.get(path) ?? new AppendedFile(path);
    this.#files.set(path, growing);
    if (!asRows) growing.add(lineOf(index, responses, namesEpochs ? epoch : undefined));
    else for (const one of responses) growing.add(rowOf(epoch, prompt, one));
  }

  #put(epoch: number, prompt: number, responses: Responses): void {
    const held: Epoch = this.#epochs.get(epoch) ?? new Map<number, Responses>();
    held.set(prompt, responses);
    this.#epochs.set(epoch, held);
  }

  /** A prompt's responses, epoch by epoch. */
  of(prompt: number): PromptCompletions['epochs'] {
    return [...this.#epochs].flatMap(([epoch, byPrompt]) => {
      const completions = byPrompt.get(prompt);
      return completions ? [{ epoch, completions }] : [];
    });
  }

  /** Writes the responses added since the last call. */
  async save(store: RunStore): Promise<void> {
    for (const file of this.#files.values()) await file.flush(store);
  }

  /** The marks of what `save` has written to each file. */
  get marks(): Record<string, FileMark> {
    const marks = [...this.#files.values()].map(({ path, mark }) => [path, mark] as const);
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
    const { file, asRows, namesEpochs } = this.#place;
    const damaged: string[] = [];
    const paths = Array.from({ length: epochs }, (_, epoch) => file(epoch));
    for (const [epoch, path] of paths.entries()) {
      if (paths.indexOf(path) < epoch) continue;
      const mark = marks?.get(path);
      if (marks && !mark) continue;
      const growing = new AppendedFile(path);
      const lines = mark ? await resumed(growing, store, mark) : await linesIn(store, path);
      const found = lines && parse(lines, namesEpochs ? undefined : epoch);
      if (!found) {
        damaged.push(path);
        continue;
      }
      for (const [of, byPrompt] of found.epochs) {
        for (const [prompt, responses] of byPrompt) this.#put(of, prompt, responses);
      }
      this.#responses += found.responses;
      this.#files.set(path, growing);
      // Without a mark the file's bytes are unverified, so the file is written again with the
      // next lines. No version wrote rows without a mark.
      if (mark || asRows) continue;
      for (const [of, byPrompt] of found.epochs) {
        const named = namesEpochs ? of : undefined;
        for (const [prompt, responses] of byPrompt) growing.add(lineOf(prompt, responses, named));
      }
    }
    return damaged;
  }
}

/** The place of the responses of a seed's FULL pass, of `epochs` data epochs that count. */
export const placeOfFull = (
  seed: number,
  of: { readonly epochs: number; readonly samples: number; readonly asRows?: boolean },
  most = MOST_RESPONSES,
): CompletionPlace => ({
  file: (epoch) => completionsFile(seed, epoch),
  asRows: of.asRows ?? false,
  namesEpochs: false,
  prompts: Math.floor(most / (of.epochs * of.samples)),
  responses: Infinity,
});

/** The responses of one seed of a run, method by method. */
export class SeedCompletions {
  readonly #config: ExperimentConfig;
  readonly #seed: number;
  readonly #logs = new Map<MethodName, CompletionLog>();

  constructor(config: ExperimentConfig, seed: number) {
    this.#config = config;
    this.#seed = seed;
  }

  /** The log of a method. @throws RangeError if the run does not train it. */
  of(method: MethodName): CompletionLog {
    const known = this.#logs.get(method);
    if (known) return known;
    const methods = trainingOrder(this.#config);
    if (!methods.includes(method)) {
      throw new RangeError(`${method} is none of ${methods.join(', ')}`);
    }
    const log = new CompletionLog(placeOf(this.#config, this.#seed, method));
    this.#logs.set(method, log);
    return log;
  }

  /** As `CompletionLog.save`, of all methods. */
  async save(store: RunStore): Promise<void> {
    for (const log of this.#logs.values()) await log.save(store);
  }

  /** As `CompletionLog.marks`, of all methods. */
  get marks(): Record<string, FileMark> {
    return Object.fromEntries(
      [...this.#logs.values()].flatMap(({ marks }) => Object.entries(marks)),
    );
  }

  /**
   * As `CompletionLog.load`: FULL's first `epochs` epochs, and all of the first methods after it.
   *
   * @param methods Number of methods that have begun, FULL among them.
   */
  async load(
    store: RunStore,
    { epochs, methods }: { readonly epochs: number; readonly methods: number },
    marks?: ReadonlyMap<string, FileMark>,
  ): Promise<string[]> {
    const damaged: string[] = [];
    for (const method of trainingOrder(this.#config).slice(0, methods)) {
      damaged.push(...(await this.of(method).load(store, method === 'full' ? epochs : 1, marks)));
    }
    return damaged;
  }

  /** Reads all that the run's folder keeps, of whatever version. */
  async loadAll(store: RunStore): Promise<void> {
    const { epochs } = this.#config.experiment;
    await this.load(store, { epochs, methods: trainingOrder(this.#config).length });
  }
}

function placeOf(config: ExperimentConfig, seed: number, method: MethodName): CompletionPlace {
  const { experiment, rollout } = config;
  const asRows = startsFromFolder(config);
  if (method === 'full') {
    return placeOfFull(seed, { epochs: experiment.epochs, samples: rollout.samples, asRows });
  }
  return {
    file: () => methodCompletionsFile(seed, method),
    asRows,
    namesEpochs: true,
    prompts: Infinity,
    responses: Math.floor(MOST_RESPONSES / (trainingOrder(config).length - 1)),
  };
}

const lineOf = (prompt: number, responses: Responses, epoch: number | undefined): string =>
  JSON.stringify([
    prompt,
    ...(epoch === undefined ? [] : [epoch]),
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

/**
 * The responses of lines, by data epoch; undefined if a line is none.
 *
 * @param epoch The data epoch of all lines; undefined if every line names its own.
 */
function parse(
  lines: readonly string[],
  epoch: number | undefined,
): { readonly epochs: ReadonlyMap<number, Epoch>; readonly responses: number } | undefined {
  const found = new Map<number, Epoch>();
  let responses = 0;
  const steps = new Map<string, number>();
  const epochOf = (named: number): Epoch => {
    const held: Epoch = found.get(named) ?? new Map<number, Responses>();
    found.set(named, held);
    return held;
  };
  if (epoch !== undefined) epochOf(epoch);
  try {
    for (const line of lines) {
      if (line === '') continue;
      const value: unknown = JSON.parse(line);
      if (!Array.isArray(value)) {
        const { index, step, completion, ...row } = responseRow(value);
        const byPrompt = epochOf(epoch ?? row.epoch);
        const key = `${epoch ?? row.epoch} ${index}`;
        const before = steps.get(key) === step ? (byPrompt.get(index) ?? []) : [];
        steps.set(key, step);
        responses++;
        byPrompt.set(index, [...before, completion]);
        continue;
      }
      const [prompt, ...rest] = value as unknown[];
      const named = epoch ?? rest.shift();
      const said = rest.map(responseOf);
      if (!Number.isInteger(prompt) || !Number.isInteger(named)) return undefined;
      responses += said.length;
      epochOf(named as number).set(prompt as number, said);
    }
  } catch {
    return undefined;
  }
  return { epochs: found, responses };
}

const responseRowSchema = v.object({
  index: whole,
  step: whole,
  epoch: whole,
  response: v.string(),
  reward: v.number(),
  correct: v.boolean(),
  formatted: v.boolean(),
});

/** @throws ValiError if the value is not a response with its place. */
function responseRow(value: unknown) {
  const { index, step, epoch, response, reward, ...flags } = v.parse(responseRowSchema, value);
  return { index, step, epoch, completion: { text: response, reward, ...flags } };
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
