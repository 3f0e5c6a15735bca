import { licenceText, type Licence } from './licences.ts';

/** The engines that a kit can be made for. */
export const kitEngines = ['openrlhf', 'trl', 'verl'] as const;
export type KitEngine = (typeof kitEngines)[number];

/** The rules that `limr_reward.py` judges by. */
export const kitVerifiers = ['math', 'exact'] as const;
export type KitVerifier = (typeof kitVerifiers)[number];

/** The model that a kit trains: a folder on this machine, or a name on the hub, never fetched. */
export type KitModel =
  | {
      readonly kind: 'folder';
      readonly path: string;
      readonly licence: Licence;
      /** Ids that end a response; empty if the folder does not tell. */
      readonly stopIds: readonly number[];
    }
  | { readonly kind: 'hub'; readonly name: string; readonly revision: string | undefined };

/** The numbers that a launch begins with. Each is a variable of `launch.sh`. */
export interface KitNumbers {
  /** Responses to a prompt. */
  readonly samples: number;
  readonly temperature: number;
  /** Tokens at most. */
  readonly promptTokens: number;
  readonly responseTokens: number;
  readonly learningRate: number;
  readonly criticLearningRate: number;
  readonly klCoef: number;
  /** Passes over the prompts. */
  readonly epochs: number;
  /** Whether a critic is trained (`ppo`) or answers to one prompt are compared (`grpo`). */
  readonly algorithm: 'ppo' | 'grpo';
}

/** What an engine is, for the README of its kit. */
export interface EngineWords {
  readonly title: string;
  /** The version whose sources the kit was written by. */
  readonly version: string;
  readonly data: string;
  readonly hook: string;
}

export const engineWords: Readonly<Record<KitEngine, EngineWords>> = {
  openrlhf: {
    title: 'OpenRLHF',
    version: 'OpenRLHF 0.11.0',
    data: '`train.jsonl`: `input` (messages), `label` (the answer), `id`.',
    hook: '`--reward.remote_url limr_reward.py` calls `reward_func(queries, prompts, labels)`.',
  },
  trl: {
    title: 'TRL',
    version: 'TRL 1.13.0',
    data:
      'this folder is the data set: `train.jsonl` with `prompt` (messages), `answer`, `solution` ' +
      "(the same, for TRL's own rewards), `limr_id`.",
    hook: '`--reward_funcs limr_reward.reward` calls `reward(completions, **columns)`.',
  },
  verl: {
    title: 'verl',
    version: 'verl 0.10.0.dev (1dda039b9)',
    data:
      '`train.parquet`, and the same rows as `train.json`: `data_source` (`limr`), `prompt` ' +
      '(messages), `ability`, `reward_model.ground_truth`, `extra_info`.',
    hook:
      '`reward.custom_reward_function.path` calls `compute_score(data_source, solution_str, ' +
      'ground_truth, extra_info)`. Older versions name the option `custom_reward_function.path`.',
  },
};

/** How a model is named to a reader. */
export const modelText = (model: KitModel): string =>
  model.kind === 'folder'
    ? model.path
    : `${model.name}${model.revision === undefined ? '' : ` at ${model.revision}`}`;

/** The licence of a model. A model of the hub is not at hand, so its licence is not known. */
export const modelLicence = (model: KitModel): string =>
  model.kind === 'folder'
    ? licenceText(model.licence)
    : `unknown: the model is named and was not fetched; see https://huggingface.co/${model.name}`;
