import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import {
  type AnsweredBy,
  type AskedPrompt,
  type AskedVerdict,
  type Attention,
  type AttentionCall,
  type GenerateCall,
  type Generated,
  type GeneratedResponse,
  type InspectCall,
  type Inspected,
  type InspectedResponse,
  type InspectedToken,
  InspectionError,
  type LastRollout,
  type LikelyToken,
  type NextToken,
  type RolloutCall,
} from '../inspection/calls.ts';
import {
  type Distribution,
  type Examined,
  largest,
  MOST_RESPONSES,
} from '../inspection/examiner.ts';
import { LiveModel } from '../inspection/live-model.ts';
import type { ModelConfig } from '../model/config.ts';
import { heldParameters, type ParameterSource } from '../model/parameter-source.ts';
import type { PpoTrainer, RolledOut } from '../ppo/trainer.ts';
import { RandomStream } from '../random.ts';
import { trainingOrder } from '../run-plan.ts';
import type { MethodName } from '../selection/methods.ts';
import { endsOf, givenText, type Prompt, type Task } from '../tasks/task.ts';
import { verifyRequest } from '../tasks/verification.ts';
import type { Verifier } from './evaluator.ts';
import { readKeptWeights } from './kept-weights.ts';
import { Pool } from './pool.ts';
import type { RunStore } from './run-store.ts';

/** Most characters of a prompt or a response that are encoded. */
const MOST_CHARACTERS = 100_000;
/** Tokens of the next token's distribution that are named. */
const NAMED_TOKENS = 20;
/** Most prompts of a rollout that are told at once. */
const MOST_PROMPTS = 64;
/** Most alternatives of a token. */
const MOST_ALTERNATIVES = 20;

/** The run that is asked. */
export interface AskedRun {
  readonly gpu: Gpu;
  readonly config: ExperimentConfig;
  readonly model: ModelConfig;
  readonly task: Task;
  readonly seeds: readonly number[];
  /** The folder that keeps its weights. */
  readonly store: RunStore;
  readonly base: ParameterSource;
  /** Undefined where nobody judges. */
  readonly verify: Verifier | undefined;
}

/** Where a run under way stands. */
export interface AskedTraining {
  readonly method: MethodName;
  readonly update: number;
  readonly trainer: PpoTrainer;
}

/** What is under way while a question is answered. */
export interface Standing {
  readonly seed: number;
  /** The pool of the seed, if it is open. */
  readonly pool?: Pool | undefined;
  /** Undefined where nothing is trained. */
  readonly training?: AskedTraining | undefined;
}

/** A prompt that was asked, in tokens. */
interface ReadPrompt {
  readonly prompt: Omit<Prompt, 'key'> & { readonly key?: string | undefined };
  readonly tokens: Uint32Array;
}

/**
 * Answers questions to the models of a run: its base, what its methods have trained, and the policy as
 * it stands. Whoever asks sees to it that nothing else uses the device. Prompts and responses are
 * hostile. Draws come from streams of their own.
 */
export class Asking {
  readonly #run: AskedRun;
  readonly #pools = new Map<number, Promise<Pool>>();
  #live: LiveModel | undefined;
  /** Which weights the live model holds. */
  #loaded: string | undefined;

  constructor(run: AskedRun) {
    this.#run = run;
  }

  /**
   * Draws responses, and gives the distribution of the first token.
   *
   * @throws InspectionError naming what cannot be answered; AllocationError when memory is short.
   */
  async generate(call: GenerateCall, standing: Standing): Promise<Generated> {
    const { task, config } = this.#run;
    const { rollout } = config;
    const samples = whole('samples', call.samples, 0, MOST_RESPONSES);
    const temperature = within('temperature', call.temperature ?? rollout.temperature, 0, 100);
    const topP = within('topP', call.topP ?? rollout.topP, 1e-6, 1);
    const { maxResponseTokens } = task;
    const maxNewTokens = whole(
      'maxTokens',
      call.maxTokens ?? maxResponseTokens,
      1,
      maxResponseTokens,
    );
    const seed = whole('seed', call.seed ?? 0, 0, 0xffff_ffff);
    const { live, by } = await this.#weights(call, standing);
    const { prompt, tokens } = await this.#prompt(call.prompt, by.runSeed, standing);
    const filter = { temperature, topP, topK: rollout.topK, minP: rollout.minP };
    const next = await this.#nextToken(await live.nextToken(tokens, filter));
    const answered = { by, prompt: { text: prompt.text, ...keyIn(prompt) }, next };
    if (samples === 0) return { ...answered, responses: [] };
    const generation = await live.generate({
      ...filter,
      prompts: [tokens],
      samplesPerPrompt: samples,
      seed: new RandomStream(seed, 'inspection').next(),
      maxNewTokens,
      ...endsOf(task),
    });
    const rows = Array.from({ length: samples }, (_, row) => generation.response(row));
    const texts = await task.text.decode(rows);
    const finished = Array.from(generation.stopped, (flag) => flag === 1);
    const verdicts = await this.#verdicts(prompt, texts, finished);
    const responses: GeneratedResponse[] = [];
    for (const [row, ids] of rows.entries()) {
      const first = row * generation.columns;
      const logprobs = generation.logprobs.subarray(first, first + ids.length);
      const verdict = verdicts?.[row];
      responses.push({
        text: texts[row] ?? '',
        ids: [...ids],
        tokens: await this.#tokenTexts(ids),
        probabilities: Array.from(logprobs, Math.exp),
        finished: finished[row] ?? false,
        ...(verdict ? { verdict } : {}),
      });
    }
    return { ...answered, responses };
  }

  /**
   * Gives what policy, base and critic say of each token of responses.
   *
   * @throws InspectionError naming what cannot be answered; AllocationError when memory is short.
   */
  async inspect(call: InspectCall, standing: Standing): Promise<Inspected> {
    const alternatives = whole('alternatives', call.alternatives ?? 5, 0, MOST_ALTERNATIVES);
    const { live, by } = await this.#weights(call, standing);
    const { prompt, tokens } = await this.#prompt(call.prompt, by.runSeed, standing);
    const answered = { by, prompt: { text: prompt.text, ...keyIn(prompt) } };
    const { responses } = call;
    if (responses === 'last-rollout') {
      const found = await this.#rolledOut(call, by, standing);
      return { ...answered, responses: await this.#used(live, tokens, found, alternatives) };
    }
    const rows = await this.#responses(responses);
    const { stopIds } = this.#run.task;
    const finished = rows.map((ids) => stopIds.includes(ids.at(-1) ?? -1));
    const texts = await this.#run.task.text.decode(rows);
    const verdicts = await this.#verdicts(prompt, texts, finished);
    const examined = await live.examine({
      prompt: tokens,
      responses: rows,
      rewards: verdicts && Float32Array.from(verdicts, ({ reward }) => reward),
      alternatives,
    });
    let first = 0;
    const told: InspectedResponse[] = [];
    for (const [row, ids] of rows.entries()) {
      const verdict = verdicts?.[row];
      told.push({
        text: texts[row] ?? '',
        finished: finished[row] ?? false,
        ...(verdict ? { verdict } : {}),
        tokens: await this.#inspected(ids, first, examined),
      });
      first += ids.length;
    }
    return { ...answered, responses: told };
  }

  /**
   * Gives what `inspect` does of `last-rollout`, for several prompts of that rollout at once.
   *
   * @throws InspectionError naming what cannot be answered; AllocationError when memory is short.
   */
  async rollout(call: RolloutCall, standing: Standing): Promise<LastRollout> {
    const most = whole('prompts', call.prompts, 1, MOST_PROMPTS);
    const { live, by } = await this.#weights({ weights: 'now' }, standing);
    const { training } = standing;
    const places = training?.trainer.rolloutPrompts ?? [];
    if (!training || places.length === 0) {
      throw new InspectionError('prompts: there was no update yet');
    }
    const prompts = [];
    for (const place of places.slice(0, most)) {
      const { prompt, tokens } = await this.#prompt({ place }, by.runSeed, standing);
      const found = (await training.trainer.rolloutOf(place)).slice(0, MOST_RESPONSES);
      const responses = await this.#used(live, tokens, found, 0);
      prompts.push({ place, prompt: { text: prompt.text, ...keyIn(prompt) }, responses });
    }
    return { by, of: places.length, prompts };
  }

  /**
   * Gives what a layer of the policy attends to before each token of a response.
   *
   * @throws InspectionError naming what cannot be answered; AllocationError when memory is short.
   */
  async attend(call: AttentionCall, standing: Standing): Promise<Attention> {
    const { layers, heads } = this.#run.model;
    const layer = whole('layer', call.layer ?? layers - 1, 0, layers - 1);
    const { live, by } = await this.#weights(call, standing);
    const { prompt, tokens } = await this.#prompt(call.prompt, by.runSeed, standing);
    const response = await this.#response('response', call.response);
    const weights = await live.attend(tokens, response, layer);
    const [seen, own] = [
      await this.#tokenTexts([...tokens, ...response.subarray(0, -1)]),
      await this.#tokenTexts(response),
    ];
    return {
      by,
      prompt: { text: prompt.text, ...keyIn(prompt) },
      layer,
      layers,
      heads,
      promptTokens: tokens.length,
      seen,
      tokens: own,
      weights,
    };
  }

  /** Frees the live model. */
  destroy(): void {
    this.#live?.destroy();
    this.#live = undefined;
    this.#loaded = undefined;
  }

  /** The live model with the asked weights. */
  async #weights(
    { weights, runSeed }: Pick<GenerateCall, 'weights' | 'runSeed'>,
    { seed: current, training }: Standing,
  ): Promise<{ readonly live: LiveModel; readonly by: AnsweredBy }> {
    const { gpu, model, config, task, base, seeds, store } = this.#run;
    const seed = runSeed ?? current;
    if (!seeds.includes(seed)) {
      throw new InspectionError(`runSeed: ${seed} is none of ${seeds.join(', ')}`);
    }
    if (weights === 'now' && !(training && seed === current)) {
      throw new InspectionError(
        `weights: nothing is trained now${runSeed === undefined ? '' : ` of seed ${seed}`}; ask the base or a method`,
      );
    }
    this.#live ??= await LiveModel.open(gpu, model, config, task, base);
    const live = this.#live;
    const by = {
      weights,
      runSeed: seed,
      ...(weights === 'now' && training
        ? { training: { method: training.method, update: training.update } }
        : {}),
    };
    const name = JSON.stringify(weights === 'base' ? [weights] : by);
    if (this.#loaded === name) return { live, by };
    this.#loaded = undefined;
    if (weights === 'base') await live.load({ actor: undefined, critic: undefined }, base);
    else if (weights === 'now' && training) {
      const { actor, critic } = training.trainer;
      const values = await critic?.weights.read();
      const own = {
        actor: heldParameters(await actor.weights.read()),
        critic: values && heldParameters(values),
      };
      await live.load(own, base);
    } else if (weights !== 'now') {
      const methods = trainingOrder(config);
      if (!methods.includes(weights)) {
        throw new InspectionError(
          `weights: ${weights} is none of ${methods.join(', ')}, whose weights this run has`,
        );
      }
      const kept = await readKeptWeights(store, { config, model, of: weights, seed, seeds });
      if (!kept) {
        const isUnderWay = training?.method === weights && seed === current;
        throw new InspectionError(
          `weights: ${weights} of seed ${seed} ${isUnderWay ? 'is being trained: ask for now' : 'has none in the folder of the run'}`,
        );
      }
      await live.load(kept, base);
    }
    this.#loaded = name;
    return { live, by };
  }

  async #prompt(asked: AskedPrompt, seed: number, standing: Standing): Promise<ReadPrompt> {
    const { task, model } = this.#run;
    if ('place' in asked) {
      const pool = await this.#pool(seed, standing);
      const prompt = pool.prompts[whole('prompt.place', asked.place, 0, pool.size - 1)];
      if (!prompt) throw new InspectionError(`prompt.place: ${asked.place} is not in the pool`);
      return { prompt, tokens: prompt.tokens };
    }
    const { text, key } = asked;
    expectText('prompt.text', text);
    if (key !== undefined) expectText('prompt.key', key);
    const typed = await wrapped('prompt.text', async () => {
      const meant = (await task.typed?.(text)) ?? { text };
      const [tokens = new Uint32Array()] = await task.text.encode([
        givenText({ key: '', ...meant }),
      ]);
      return { prompt: key === undefined ? meant : { ...meant, key }, tokens };
    });
    const { length } = typed.tokens;
    if (length < 1 || length > task.maxPromptTokens) {
      throw new InspectionError(
        `prompt.text: must be 1 to ${task.maxPromptTokens} tokens, is ${length}`,
      );
    }
    expectIds('prompt.text', typed.tokens, model.vocabSize);
    return typed;
  }

  #pool(seed: number, { pool }: Standing): Promise<Pool> {
    if (pool?.seed === seed) return Promise.resolve(pool);
    const known = this.#pools.get(seed) ?? Pool.open(this.#run.task, seed);
    this.#pools.set(seed, known);
    return known;
  }

  async #responses(asked: readonly (string | readonly number[])[]): Promise<Uint32Array[]> {
    whole('responses', asked.length, 1, MOST_RESPONSES);
    const rows: Uint32Array[] = [];
    for (const [i, response] of asked.entries()) {
      rows.push(await this.#response(`responses[${i}]`, response));
    }
    return rows;
  }

  /** The tokens of a response. @param where Names it in messages. */
  async #response(where: string, response: string | readonly number[]): Promise<Uint32Array> {
    const { task, model } = this.#run;
    let ids = new Uint32Array();
    if (typeof response === 'string') {
      expectText(where, response);
      [ids = ids] = await wrapped(where, () => task.text.encode([response]));
    } else {
      expectIds(where, response, model.vocabSize);
      ids = Uint32Array.from(response);
    }
    const { length } = ids;
    if (length >= 1 && length <= task.maxResponseTokens) return ids;
    throw new InspectionError(
      `${where}: must be 1 to ${task.maxResponseTokens} tokens, is ${length}`,
    );
  }

  /** Undefined for a prompt without a key, and where nobody judges. */
  async #verdicts(
    { key, ...prompt }: ReadPrompt['prompt'],
    texts: readonly string[],
    finished: readonly boolean[],
  ): Promise<readonly AskedVerdict[] | undefined> {
    const { verify } = this.#run;
    if (key === undefined || !verify) return undefined;
    const flags = finished.map(Number);
    const { rewards, correct, formatted } = await verify(
      verifyRequest([{ ...prompt, key }], texts.length, texts, flags),
    );
    return texts.map((_, row) => ({
      reward: rewards[row] ?? NaN,
      correct: correct[row] === 1,
      formatted: formatted[row] === 1,
    }));
  }

  async #rolledOut(
    { prompt, weights }: InspectCall,
    { runSeed }: AnsweredBy,
    { training, seed }: Standing,
  ): Promise<readonly RolledOut[]> {
    if (weights !== 'now' || !training || seed !== runSeed) {
      throw new InspectionError('weights: the last rollout is of the policy as it stands: now');
    }
    if (!('place' in prompt)) {
      throw new InspectionError(
        'prompt: the last rollout has prompts of the pool, by their places',
      );
    }
    const found = await training.trainer.rolloutOf(prompt.place);
    if (found.length > 0) return found.slice(0, MOST_RESPONSES);
    throw new InspectionError(
      `responses: the last rollout of ${training.method} had no response to prompt ${prompt.place}`,
    );
  }

  /** The responses of a rollout with the numbers that its update used. */
  async #used(
    live: LiveModel,
    prompt: Uint32Array,
    found: readonly RolledOut[],
    alternatives: number,
  ): Promise<InspectedResponse[]> {
    const examined = await live.examine({
      prompt,
      responses: found.map(({ response }) => response),
      rewards: undefined,
      alternatives,
      used: {
        logprobs: joined(found, ({ logprobs }) => logprobs),
        advantages: joined(found, ({ advantages }) => advantages),
        reference: found.every(({ numbers }) => numbers.reference)
          ? joined(found, ({ reference = new Float32Array() }) => reference)
          : undefined,
      },
    });
    const texts = await this.#run.task.text.decode(found.map(({ response }) => response));
    const { stopIds } = this.#run.task;
    let first = 0;
    const told: InspectedResponse[] = [];
    for (const [row, { response, numbers, reward, correct, formatted }] of found.entries()) {
      const now = await this.#inspected(response, first, examined);
      told.push({
        text: texts[row] ?? '',
        finished: stopIds.includes(response.at(-1) ?? -1),
        verdict: { reward, correct, formatted },
        tokens: now.map((token, i): InspectedToken => ({
          ...token,
          entropy: numbers.entropy?.[i] ?? token.entropy,
          value: numbers.values?.[i] ?? null,
          reward: numbers.rewards[i] ?? null,
          advantage: numbers.advantages[i] ?? null,
          return: numbers.returns?.[i] ?? null,
        })),
      });
      first += response.length;
    }
    return told;
  }

  async #inspected(ids: Uint32Array, first: number, examined: Examined): Promise<InspectedToken[]> {
    const own = examined.alternatives.slice(first, first + ids.length);
    const named = await this.#tokenTexts([
      ...ids,
      ...own.flatMap((tokens) => tokens.map(({ id }) => id)),
    ]);
    let at = ids.length;
    return Array.from(ids, (id, i): InspectedToken => {
      const number = (values: Float32Array | undefined): number | null =>
        values?.[first + i] ?? null;
      const clipped = number(examined.clipped);
      return {
        id,
        text: named[i] ?? '',
        logprob: examined.logprobs[first + i] ?? NaN,
        baseLogprob: examined.reference[first + i] ?? NaN,
        kl: examined.kl[first + i] ?? NaN,
        entropy: examined.entropy[first + i] ?? NaN,
        value: number(examined.values),
        reward: number(examined.rewards),
        advantage: number(examined.advantages),
        return: number(examined.returns),
        ratio: number(examined.ratios),
        clipped: clipped === null ? null : clipped === 1,
        alternatives: (own[i] ?? []).map((token) => ({ ...token, text: named[at++] ?? '' })),
      };
    });
  }

  async #nextToken({ plain, drawn }: Distribution): Promise<NextToken> {
    const ids = largest(plain, NAMED_TOKENS);
    const texts = await this.#tokenTexts(ids);
    const tokens: LikelyToken[] = ids.map((id, i) => ({
      id,
      text: texts[i] ?? '',
      plain: plain[id] ?? 0,
      probability: drawn[id] ?? 0,
    }));
    const left = (of: (token: LikelyToken) => number): number =>
      Math.max(0, 1 - tokens.reduce((sum, token) => sum + of(token), 0));
    const isAll = tokens.length === plain.length;
    return {
      tokens,
      rest: {
        plain: isAll ? 0 : left((token) => token.plain),
        probability: isAll ? 0 : left((token) => token.probability),
      },
    };
  }

  /** The text of each token by itself, also of one that a response would not show. */
  #tokenTexts(ids: ArrayLike<number>): Promise<string[]> {
    return this.#run.task.text.decode(Array.from(ids, (id) => [id]));
  }
}

/** What an error of a text is about. */
async function wrapped<Result>(where: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InspectionError(`${where}: ${why}`, { cause });
  }
}

function expectText(where: string, text: unknown): void {
  if (typeof text !== 'string') throw new InspectionError(`${where}: must be a text`);
  if (text.length <= MOST_CHARACTERS) return;
  throw new InspectionError(
    `${where}: ${text.length} characters, more than the ${MOST_CHARACTERS} allowed`,
  );
}

function expectIds(where: string, ids: ArrayLike<number>, vocabulary: number): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    if (Number.isInteger(id) && id !== undefined && id >= 0 && id < vocabulary) continue;
    throw new InspectionError(`${where}: token ${i} must be an id below ${vocabulary}`);
  }
}

function within(name: string, value: number, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw new InspectionError(
    `${name}: must be a number in [${least}, ${most}], is ${String(value)}`,
  );
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InspectionError(
    `${name}: must be a whole number in [${least}, ${most}], is ${String(value)}`,
  );
}

const keyIn = ({ key }: ReadPrompt['prompt']) => (key === undefined ? {} : { key });

/** One kind of numbers of all responses, one after another. */
function joined(
  found: readonly RolledOut[],
  of: (numbers: RolledOut['numbers']) => Float32Array,
): Float32Array {
  const parts = found.map(({ numbers }) => of(numbers));
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
