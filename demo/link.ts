// A wish, from the controls or the page's address, as a run. The wish is hostile until checked.
import {
  configFrom,
  ConfigError,
  datasetTask,
  drawnConfig,
  estimatorLabel,
  isModule,
  iterationsOf,
  methodLabel,
  overridesOf,
  poolPromptsOf,
  PRETRAINED,
  presets,
  presetSeeds,
  pretrained,
  startsDrawn,
  startsFromFolder,
  outsideTierSizesOf,
  tierSizesOf,
  type ExperimentConfig,
  type Override,
} from '../src/index.ts';
import type { ChosenModel } from '../src/entries/browser.ts';
import { counted } from '../src/look/wording.ts';
import type { Wish } from './state/url.ts';

/** A pretrained model and prompts that the user has chosen on this machine. */
export interface Given {
  /** Settings that the form has, as a config has them. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly model: ChosenModel;
  /** Rows of the file of prompts. */
  readonly prompts: number;
  /** Bytes of GPU buffers that the run may take. */
  readonly memory: number;
}

/** A checked wish, ready to start a run. */
export interface Choice {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  /** The differences from the preset, but for what the form shows. */
  readonly differences: readonly Override[];
  /** Undefined if the model is drawn. */
  readonly given: Given | undefined;
}

/** Settings that the form of a pretrained model shows. */
const formFields =
  /^(?:adapter|adapter\.rank|weightStorage|(?:model|base|task\.(?:name|prompts|verifier|max(?:Prompt|Response)Tokens))(?:\..*)?)$/;

/** Largest run that a tab accepts; larger runs belong to the command line. */
const most = {
  seeds: 8,
  weights: 5_000_000,
  poolPrompts: 20_000,
  heldOutPrompts: 5_000,
  responses: 8_192,
  sequences: 4_096,
  epochs: 200,
  readouts: 500,
} as const;

/**
 * @param given The model and the prompts, which the preset of pretrained models needs.
 * @throws ConfigError naming the field that is wrong, or too large for a tab.
 */
export function choose(wish: Wish, given?: Given): Choice {
  const where = 'settings';
  const asked = parseOverrides(wish.overrides, where);
  if (given) expectNoModule(asked, where);
  const config = configFrom(wish.preset, given ? together(given.settings, asked) : asked, where);
  if (given) expectRoom(config, given.model);
  if (startsDrawn(config)) checkSize(config, where);
  return {
    config,
    seeds: parseSeeds(wish),
    differences: differencesOf(config, wish.preset),
    given,
  };
}

/** @throws ConfigError if the longest prompt and response together are more than the model reads. */
function expectRoom({ task }: ExperimentConfig, { name, config }: ChosenModel): void {
  if (task.name !== datasetTask) return;
  const { maxPromptTokens: prompt, maxResponseTokens: response } = task;
  if (prompt + response <= config.maxPositions) return;
  throw new ConfigError(
    `${prompt} tokens of a prompt and ${response} of a response are more than the ${config.maxPositions} ` +
      `that ${name} reads`,
  );
}

/**
 * A wish without the verifier module that its settings name, and that module's name: code never comes
 * with a link, so its name says only that a module has to be chosen. Settings that are no JSON stay
 * as they are: `choose` refuses them.
 */
export function withoutModule(wish: Wish): { readonly wish: Wish; readonly module?: string } {
  const settings = readOverrides(wish.overrides);
  const task = settings && fieldOf(settings, 'task');
  if (wish.preset !== PRETRAINED || !settings || !isSection(task)) return { wish };
  const module = fieldOf(task, 'verifier');
  if (typeof module !== 'string' || !isModule(module)) return { wish };
  const rest = Object.entries(task).filter(([name]) => name !== 'verifier');
  const left = Object.entries(settings).flatMap(([name, value]) =>
    name !== 'task' ? [[name, value]] : rest.length > 0 ? [[name, Object.fromEntries(rest)]] : [],
  ) as [string, unknown][];
  const overrides = left.length > 0 ? JSON.stringify(Object.fromEntries(left)) : '';
  return { wish: { ...wish, overrides }, module };
}

/** @throws ConfigError if settings name a module: the form alone, where its user chose it, does. */
function expectNoModule(settings: object, where: string): void {
  const task = fieldOf(settings, 'task');
  if (!isSection(task)) return;
  const tiers = fieldOf(task, 'tiers');
  const judges = [
    ['task', task] as const,
    ...(Array.isArray(tiers) ? tiers : []).map((tier, i) => [`task.tiers[${i}]`, tier] as const),
  ];
  for (const [field, judge] of judges) {
    const verifier = isSection(judge) ? fieldOf(judge, 'verifier') : undefined;
    if (typeof verifier !== 'string' || !isModule(verifier)) continue;
    throw new ConfigError(
      `${where}: ${field}.verifier: no settings and no link start code: choose the module in the form`,
    );
  }
}

const fieldOf = (settings: object, name: string): unknown =>
  Object.hasOwn(settings, name) ? (settings as Record<string, unknown>)[name] : undefined;

/** Settings that replace others; undefined if the text holds none. */
function readOverrides(text: string): object | undefined {
  try {
    return parseOverrides(text, 'settings');
  } catch {
    return undefined;
  }
}

/** Settings of the form, and those that replace them. */
function together(form: Readonly<Record<string, unknown>>, over: object): object {
  const merged: Record<string, unknown> = { ...form };
  for (const [name, value] of Object.entries(over) as [string, unknown][]) {
    const own = merged[name];
    merged[name] = isSection(own) && isSection(value) ? { ...own, ...value } : value;
  }
  return merged;
}

const isSection = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function differencesOf(config: ExperimentConfig, preset: string): Override[] {
  if (startsDrawn(config)) return overridesOf(config, presets[preset]);
  const reference = pretrained[config.adapter === null ? 'full' : 'lora'];
  const { task, ...rest } = config;
  return [...overridesOf(rest, reference), ...overridesOf({ task }, { task: {} })].filter(
    ({ field }) => !formFields.test(field),
  );
}

/** The wish that describes a run's settings. */
export function wishOf(config: ExperimentConfig, seeds: readonly number[]): Wish {
  const drawn = Object.hasOwn(presets, config.preset) ? config.preset : 'quick';
  const preset = startsFromFolder(config) ? PRETRAINED : drawn;
  const replaced: Record<string, unknown> = {};
  for (const { field, value } of differencesOf(config, preset)) {
    const path = field.split('.');
    const last = path.pop() ?? '';
    let place = replaced;
    for (const part of path) place = (place[part] ??= {}) as Record<string, unknown>;
    place[last] = value;
  }
  const empty = Object.keys(replaced).length === 0;
  const own = (presetSeeds[preset] ?? [1]).join(',') === seeds.join(',');
  return {
    preset,
    seeds: own ? '' : seeds.join(', '),
    overrides: empty ? '' : JSON.stringify(replaced),
  };
}

function parseOverrides(text: string, where: string): object {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${where}: ${error instanceof Error ? error.message : 'not JSON'}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`${where}: must be a JSON object, as {"rollout": {"samples": 8}}`);
  }
  return value;
}

function parseSeeds({ preset, seeds }: Wish): readonly number[] {
  if (seeds.trim() === '') return presetSeeds[preset] ?? [1];
  const numbers = seeds.split(',').map((word) => {
    const seed = Number(word);
    if (!/^\s*\d{1,10}\s*$/.test(word) || seed > 0xffff_ffff) {
      throw new ConfigError(`seed: '${word.trim()}' is not a whole number from 0 to 4294967295`);
    }
    return seed;
  });
  atMost('seed', numbers.length, most.seeds, 'seeds');
  if (new Set(numbers).size < numbers.length) throw new ConfigError('seed: they must differ');
  return numbers;
}

/** A run that is right and larger than a tab takes: it belongs to the command line. */
export class TooLargeError extends ConfigError {
  /** The part that is too large: `model`, `rollout`, `experiment.epochs`. */
  readonly part: string;

  constructor(part: string, value: number, limit: number, unit: string) {
    super(`${part}: ${value} ${unit}, a tab takes at most ${limit}; use the command line for more`);
    this.part = part.replace(/^settings: /, '');
  }
}

function atMost(field: string, value: number, limit: number, unit: string): void {
  if (value > limit) throw new TooLargeError(field, value, limit, unit);
}

/** Settings whose size decides that of a part, the usual one first. */
const sizesOf: Readonly<Record<string, readonly string[]>> = {
  model: ['model.hiddenSize', 'model.layers', 'model.intermediateSize'],
  rollout: ['rollout.samples', 'rollout.prompts'],
  base: ['base.sequencesPerUpdate'],
  'experiment.epochs': ['experiment.epochs'],
  task: ['task.poolPrompts'],
};

/** Steps from the largest value that is small enough down to one that also fits the rest. */
const MOST_STEPS = 256;

/** The nearest value that a tab takes of a setting, and the wish with it. */
export interface Fit {
  readonly path: string;
  readonly value: number;
  readonly wish: Wish;
}

/** What would fit in place of what is too large; undefined where one setting alone does not help. */
export function nearestFit(wish: Wish, { part }: TooLargeError): Fit | undefined {
  const over = readOverrides(wish.overrides) ?? {};
  const reference = presets[wish.preset];
  const knobs = sizesOf[part] ?? [];
  const sorted = [...knobs].sort(
    (a, b) => Number(settingAt(over, b) !== undefined) - Number(settingAt(over, a) !== undefined),
  );
  for (const path of sorted) {
    const asked = settingAt(over, path) ?? settingAt(reference, path);
    if (typeof asked !== 'number') continue;
    const wishAt = (value: number): Wish => ({
      ...wish,
      overrides: JSON.stringify(withSetting(over, path, value)),
    });
    const says = (value: number): 'fits' | 'too large' | 'wrong' => {
      try {
        choose(wishAt(value));
        return 'fits';
      } catch (error) {
        return error instanceof TooLargeError ? 'too large' : 'wrong';
      }
    };
    // What is wrong for another reason, such as a pool that a rollout does not divide, says nothing
    // of the size: the next smaller value that does decides.
    const isTooLarge = (value: number): boolean => {
      for (let at = value; at >= 1 && at > value - MOST_STEPS; at--) {
        const verdict = says(at);
        if (verdict !== 'wrong') return verdict === 'too large';
      }
      return false;
    };
    let [low, high] = [0, asked];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (isTooLarge(middle)) high = middle;
      else low = middle;
    }
    for (let value = low; value >= 1 && value > low - MOST_STEPS; value--) {
      if (says(value) === 'fits') return { path, value, wish: wishAt(value) };
    }
  }
  return undefined;
}

/** The value at a dotted path; undefined where there is none. */
export function settingAt(settings: unknown, path: string): unknown {
  let place = settings;
  for (const part of path.split('.')) {
    if (!isSection(place)) return undefined;
    place = fieldOf(place, part);
  }
  return place;
}

/** Settings with a value at a dotted path; without one for undefined, and without parts left empty. */
export function withSetting(settings: object, path: string, value: unknown): object {
  const [first = '', ...rest] = path.split('.');
  const others = Object.entries(settings).filter(([name]) => name !== first) as [string, unknown][];
  const own = fieldOf(settings, first);
  const inner =
    rest.length === 0 ? value : withSetting(isSection(own) ? own : {}, rest.join('.'), value);
  const gone = inner === undefined || (isSection(inner) && Object.keys(inner).length === 0);
  return Object.fromEntries(gone ? others : [...others, [first, inner]]);
}

/** The field that a refusal is about, and what is wrong with it; undefined if it names none. */
export function faultOf(
  message: string,
): { readonly path: string; readonly text: string } | undefined {
  const [, path = '', text = ''] = /^settings: ([a-zA-Z][\w.-]*)(?:: | )(.*)$/s.exec(message) ?? [];
  return path === '' ? undefined : { path, text };
}

/** The command that makes a run of the terminal; settings that are replaced go through a file. */
export function commandOf({ preset, seeds, overrides }: Wish): string {
  const flags = `--preset ${preset}${seeds.trim() === '' ? '' : ` --seed ${seeds.replace(/\s/g, '')}`}`;
  if (overrides.trim() === '') return `npx limr run ${flags}`;
  const text = JSON.stringify(readOverrides(overrides) ?? {}).replaceAll("'", `'\\''`);
  return `echo '${text}' > settings.json && npx limr run settings.json ${flags}`;
}

/**
 * How much work a run is, against another: samples of all trainings times weights.
 *
 * @throws ConfigError for a config whose model is not drawn.
 */
export function workOf(config: ExperimentConfig, seeds: readonly number[]): number {
  const { experiment, rollout } = config;
  const arms = experiment.methods.filter((name) => name !== 'full').length;
  const updates = fullUpdatesOf(config) + arms * experiment.armLength;
  return seeds.length * updates * rollout.prompts * rollout.samples * weightsOf(config);
}

function checkSize(config: ExperimentConfig, where: string): void {
  const { task, rollout, base, experiment } = drawnConfig(config, where);
  atMost(`${where}: model`, weightsOf(config), most.weights, 'weights');
  atMost(`${where}: rollout`, rollout.prompts * rollout.samples, most.responses, 'responses');
  atMost(`${where}: base`, base.sequencesPerUpdate, most.sequences, 'sequences an update');
  atMost(`${where}: experiment.epochs`, experiment.epochs, most.epochs, 'epochs');
  atMost(`${where}: experiment.readouts`, experiment.readouts.length, most.readouts, 'read-outs');
  atMost(`${where}: task`, poolSizeOf(config), most.poolPrompts, 'prompts');
  const sizes = [...tierSizesOf(task).values(), ...outsideTierSizesOf(task).values()];
  const heldOut = sizes.reduce<number>((sum, prompts) => sum + (prompts ?? 0), 0);
  atMost(`${where}: task.tiers`, heldOut, most.heldOutPrompts, 'held-out prompts');
}

/** Number of prompts in the pool, which a made-up task's config tells. @throws ConfigError if not. */
export function poolSizeOf({ task }: ExperimentConfig): number {
  const pool = poolPromptsOf(task);
  if (pool === undefined)
    throw new ConfigError(`task: ${task.name} has no size before it is opened`);
  return pool;
}

/** Number of weights of the layers, without the small embeddings of characters. */
export function weightsOf(config: ExperimentConfig): number {
  const { hiddenSize, intermediateSize, layers, heads, kvHeads, headDim } = drawnConfig(
    config,
    'a page',
  ).model;
  const attention = 2 * hiddenSize * headDim * (heads + kvHeads);
  return layers * (attention + 3 * hiddenSize * intermediateSize + 2 * hiddenSize);
}

/**
 * PPO iterations of the FULL pass.
 *
 * @param pool Prompts of the pool. Left out, as the config tells.
 */
export const fullUpdatesOf = (config: ExperimentConfig, pool = poolSizeOf(config)): number =>
  iterationsOf(config, 'full', pool);

/** What a run will be, for a sentence. */
export interface Plan {
  readonly weights: number;
  /** Updates of its pre-training, where its base is not given. */
  readonly base: number;
  /** The user's model, and the rank of its adapters; undefined rank for all weights. */
  readonly given: { readonly model: string; readonly rank: number | undefined } | undefined;
  readonly estimator: string;
  readonly prompts: number;
  /** Name of the task. */
  readonly task: string;
  readonly epochs: number;
  readonly updates: number;
  /** Prompts of an update. */
  readonly perUpdate: number;
  readonly samples: number;
  /** Methods beside FULL. */
  readonly arms: readonly string[];
  readonly armLength: number;
  /** Whether the length of an arm is in epochs, not updates. */
  readonly inEpochs: boolean;
  readonly seeds: readonly number[];
}

export function planOf({ config, seeds, given }: Choice): Plan {
  const { experiment, rollout, ppo, task, adapter } = config;
  const shared = {
    estimator: estimatorLabel(ppo.estimator),
    task: task.name,
    epochs: experiment.epochs,
    updates: fullUpdatesOf(config, given?.prompts),
    perUpdate: rollout.prompts,
    samples: rollout.samples,
    armLength: experiment.armLength,
    inEpochs: experiment.budget === 'epochs',
    seeds,
  };
  if (given) {
    const { name, parameters } = given.model;
    const rank = adapter?.rank;
    return {
      ...shared,
      weights: parameters,
      base: 0,
      given: { model: name, rank },
      prompts: given.prompts,
      arms: [],
    };
  }
  return {
    ...shared,
    weights: weightsOf(config),
    base: drawnConfig(config, 'a page').base.updates,
    given: undefined,
    prompts: poolSizeOf(config),
    arms: experiment.methods.filter((name) => name !== 'full').map(methodLabel),
  };
}

/** What a run will be, in English. */
export function describePlan(choice: Choice): string {
  const plan = planOf(choice);
  const { weights, base, given, estimator, prompts, task, epochs, updates, arms } = plan;
  const what =
    given &&
    (given.rank === undefined ? 'all its weights' : `adapters of rank ${given.rank} beside it`);
  const model = given
    ? `${given.model}, of ${weightsText(weights)} weights, with ${what} in training`
    : `A model of about ${weightsText(weights)} weights; a base shipped with the page or else pre-trained for ` +
      counted(base, 'update');
  const others =
    arms.length === 0
      ? ''
      : `, then ${arms.join(', ')} for ${plan.armLength} ${plan.inEpochs ? 'epochs' : 'updates'} each`;
  return (
    `${model}; ${estimator} on ${counted(prompts, given ? 'prompt' : `${task} prompt`)} ` +
    `for ${counted(epochs, 'epoch')} (${counted(updates, 'update')} of ` +
    `${counted(plan.perUpdate, 'prompt')} × ${counted(plan.samples, 'sample')})${others}; ` +
    `${plan.seeds.length === 1 ? 'seed' : 'seeds'} ${plan.seeds.join(', ')}.`
  );
}

/** `850`, `260 thousand`, `494 million`. */
export function weightsText(count: number): string {
  if (count < 1000) return String(count);
  const [divisor, word] = count < 1e6 ? [1e3, 'thousand'] : [1e6, 'million'];
  return `${Math.round(count / divisor)} ${word}`;
}
