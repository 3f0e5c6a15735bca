// The settings of the dataset task, and what they alone tell.
import * as v from 'valibot';
import { whole, within } from '../checked-numbers.ts';
import { ConfigError } from '../config-error.ts';
import { baseName } from '../formats/paths.ts';
import { counted } from '../look/wording.ts';
import { type LastBatch, lastBatches, type TaskDescription, type TierSampling } from './task.ts';

/** A held-out tier: the rows of a file, with its own sampling and verifier. */
export interface DatasetTier {
  /** Path of the file: JSONL, JSON, Parquet or Arrow. */
  readonly file: string;
  /** As `DatasetConfig.verifier`, which counts if left out. */
  readonly verifier?: string;
  /** Responses per prompt, whose mean is the tier's accuracy (LIMR: 4 for AIME24 and AMC23). Default 1. */
  readonly samples?: number;
  /** Default 0, which is greedy (LIMR: 0.4 for AIME24 and AMC23). */
  readonly temperature?: number;
  /** Default 1 (LIMR: 0.95). */
  readonly topP?: number;
}

/** The settings of the dataset task, as plain data. */
export interface DatasetConfig {
  readonly name: 'dataset';
  /** Path of the pool's file: JSONL, JSON, Parquet or Arrow. A run needs it. */
  readonly prompts?: string;
  /** `math` (the default), `math-eval`, `exact`, or the path of a module such as `./mine.js`. */
  readonly verifier?: string;
  /** Prompts with more tokens are left out. */
  readonly maxPromptTokens: number;
  /** Responses are cut at this length. */
  readonly maxResponseTokens: number;
  /** The text of a system message, for prompts that have none of their own. */
  readonly system?: string;
  /**
   * The chat template around prompts: `auto` (the default) is the model's own, if it has one;
   * `none` is none; anything else is the path of a Jinja file.
   */
  readonly template?: string;
  /** Texts that end a response. A response ends after the token that completes one of them. */
  readonly stopStrings?: readonly string[];
  /** What becomes of the last prompts of a data epoch. Default `drop`, as in LIMR. */
  readonly lastBatch?: LastBatch;
  /** Without tiers, nothing is evaluated. */
  readonly tiers?: readonly DatasetTier[];
}

/** The name of the task, for commands whose prompts are always rows of files. */
export const datasetTask: DatasetConfig['name'] = 'dataset';

/** The verifiers that are no module. */
export const datasetVerifiers = ['math', 'math-eval', 'exact'] as const;

/** Most stop strings, and most characters of one. */
const MOST_STOP_STRINGS = 16;
const LONGEST_STOP_STRING = 256;
/** Longest sequence that any model here reads. */
const MOST_TOKENS = 1 << 20;

const path = v.pipe(v.string(), v.nonEmpty(), v.maxLength(4096));
export const datasetSchema = v.strictObject({
  name: v.literal('dataset'),
  prompts: v.exactOptional(path),
  verifier: v.exactOptional(path),
  maxPromptTokens: whole(1, MOST_TOKENS),
  maxResponseTokens: whole(1, MOST_TOKENS),
  system: v.exactOptional(v.string()),
  template: v.exactOptional(path),
  stopStrings: v.exactOptional(
    v.pipe(
      v.array(v.pipe(v.string(), v.nonEmpty(), v.maxLength(LONGEST_STOP_STRING))),
      v.maxLength(MOST_STOP_STRINGS),
    ),
  ),
  lastBatch: v.exactOptional(v.picklist(lastBatches)),
  tiers: v.exactOptional(
    v.pipe(
      v.array(
        v.strictObject({
          file: path,
          verifier: v.exactOptional(path),
          samples: v.exactOptional(whole(1, 1024)),
          temperature: v.exactOptional(within(0, 1000)),
          topP: v.exactOptional(within(1e-6, 1)),
        }),
      ),
      v.maxLength(64),
    ),
  ),
}) satisfies v.GenericSchema<unknown, DatasetConfig>;

/** Whether a verifier's name is the path of a module. */
export const isModule = (verifier: string): boolean => /\.m?js$/i.test(verifier);

/** Whether a verifier is one of `datasetVerifiers`. */
export const isRule = (verifier: string): verifier is (typeof datasetVerifiers)[number] =>
  (datasetVerifiers as readonly string[]).includes(verifier);

/** The verifier of the pool, or of a tier. */
export const verifierOf = ({ verifier = 'math' }: DatasetConfig, tier?: DatasetTier): string =>
  tier?.verifier ?? verifier;

/** @throws ConfigError naming the first verifier that there is not. */
export function checkVerifiers(config: DatasetConfig, path: string): void {
  const expectKnown = (verifier: string | undefined, field: string): void => {
    if (verifier === undefined || isRule(verifier) || isModule(verifier)) return;
    throw new ConfigError(
      `${path}.${field} must be ${datasetVerifiers.join(', ')} or a module such as ./mine.js, got '${verifier}'`,
    );
  };
  expectKnown(config.verifier, 'verifier');
  config.tiers?.forEach(({ verifier }, i) => {
    expectKnown(verifier, `tiers[${i}].verifier`);
  });
}

/**
 * The names of the tiers: those of their files without the ending, numbered where several are
 * alike.
 */
export function tierNames({ tiers = [] }: DatasetConfig): string[] {
  const taken = new Map<string, number>();
  return tiers.map(({ file }) => {
    const name = baseName(file).replace(/(?<=.)\.[a-z0-9]+$/i, '');
    const before = taken.get(name) ?? 0;
    taken.set(name, before + 1);
    return before === 0 ? name : `${name} (${before + 1})`;
  });
}

/** Paths are those of files, of modules, and of a template that is neither `auto` nor `none`. */
export function withPaths(config: DatasetConfig, change: (path: string) => string): DatasetConfig {
  const { prompts, verifier, template, tiers } = config;
  const changed = (verifier: string): string => (isModule(verifier) ? change(verifier) : verifier);
  return {
    ...config,
    ...(prompts === undefined ? {} : { prompts: change(prompts) }),
    ...(verifier === undefined ? {} : { verifier: changed(verifier) }),
    ...(template === undefined || !isTemplateFile(template) ? {} : { template: change(template) }),
    ...(tiers === undefined
      ? {}
      : {
          tiers: tiers.map((tier) => ({
            ...tier,
            file: change(tier.file),
            ...(tier.verifier === undefined ? {} : { verifier: changed(tier.verifier) }),
          })),
        }),
  };
}

/** Whether a config's template is the path of a file. */
export const isTemplateFile = (template: string): boolean =>
  template !== 'auto' && template !== 'none';

/** How responses of a tier are drawn. */
export const samplingOf = ({
  samples = 1,
  temperature = 0,
  topP = 1,
}: DatasetTier): TierSampling => ({
  samples,
  temperature,
  topP,
});

/** How responses are drawn, in words. */
export function samplingText({ samples, temperature, topP }: TierSampling): string {
  const how = temperature === 0 ? 'greedy' : `temperature ${temperature}, top-p ${topP}`;
  return samples === 1 ? how : `mean of ${samples}, ${how}`;
}

function answersText(config: DatasetConfig): string {
  const names = tierNames(config);
  return (config.tiers ?? [])
    .map((tier, i) => `${names[i] ?? ''} ${samplingText(samplingOf(tier))}`)
    .join('; ');
}

/** A verifier, or the module that is one, without its path. */
const verifierText = (verifier: string): string =>
  isModule(verifier) ? `the module ${baseName(verifier)}` : verifier;

function settingsOf(config: DatasetConfig): [name: string, value: string][] {
  const { prompts, system, template = 'auto', stopStrings, lastBatch = 'drop', tiers } = config;
  const names = tierNames(config);
  const templates: Readonly<Record<string, string>> = { auto: 'the model’s own', none: 'none' };
  const ends = (stopStrings ?? []).map((text) => JSON.stringify(text)).join(', ');
  return [
    ['Prompts', prompts === undefined ? 'none' : baseName(prompts)],
    ['Verifier', verifierText(verifierOf(config))],
    ['Chat template', isTemplateFile(template) ? baseName(template) : (templates[template] ?? '')],
    ...(system === undefined ? [] : [['System message', system] as [string, string]]),
    ['Longest prompt', `${counted(config.maxPromptTokens, 'token')}; longer ones are left out`],
    ['Longest response', `${counted(config.maxResponseTokens, 'token')}; longer ones are cut`],
    ['A response ends', `at the model’s end tokens${ends === '' ? '' : ` and at ${ends}`}`],
    [
      'Last prompts of a data epoch',
      lastBatch === 'drop'
        ? 'left out of it, where too few for a rollout'
        : 'a smaller rollout, where too few for a whole one',
    ],
    ...(tiers ?? []).map((tier, i): [string, string] => [
      `Tier ${names[i] ?? ''}`,
      `${samplingText(samplingOf(tier))}, judged by ${verifierText(verifierOf(config, tier))}`,
    ]),
  ];
}

/**
 * The longest prompt and response in tokens that a run takes if it says nothing else.
 *
 * @param room Positions of the model. Where the usual lengths are more, each gets what the other one
 *   leaves, or half of the room.
 * @param own The lengths that are said.
 */
export function usualLengths(
  room: number,
  own: { readonly prompt?: number | undefined; readonly response?: number | undefined } = {},
): { readonly prompt: number; readonly response: number } {
  const left = (other: number | undefined): number =>
    other !== undefined && other > 0 && other < room ? room - other : Math.floor(room / 2);
  return {
    prompt: own.prompt ?? Math.min(512, left(own.response)),
    response: own.response ?? Math.min(1024, left(own.prompt)),
  };
}

export const describeDataset = (config: DatasetConfig): TaskDescription => {
  const { prompts } = config;
  const file = prompts === undefined ? 'a file' : baseName(prompts);
  const verifier = verifierOf(config);
  return {
    what: `the problems of ${file}; responses are judged by ${verifierText(verifier)}`,
    corpus: '',
    limits: `the problems of ${file}, whose answers are taken as right.`,
    pool: '',
    hasStrata: false,
    isHeldOut: true,
    answers: answersText(config),
    ...(prompts === undefined ? {} : { source: file }),
    verdicts: {
      reward: isModule(verifier)
        ? `Mean reward that ${verifierText(verifier)} gave the sampled responses`
        : `Mean reward of the sampled responses by the rule ${verifier}: 1 right, -0.5 wrong, -1 cut or without an answer in its form`,
      right: `Share of sampled responses that ${verifierText(verifier)} judged right`,
    },
    settings: settingsOf(config),
    promptText: (prompt) => prompt,
    answerOf: () => undefined,
  };
};
