import { ConfigError } from '../config-error.ts';
import { type ArithmeticConfig, arithmeticKind } from './arithmetic.ts';
import { type BanditConfig, banditKind } from './bandit.ts';
import type { Task, TaskKind } from './task.ts';

/** The config of any task; `name` says which. Plain data: it crosses to workers as it is. */
export type TaskConfig = ArithmeticConfig | BanditConfig;

const kinds: ReadonlyMap<string, TaskKind<TaskConfig>> = new Map<string, TaskKind<TaskConfig>>([
  ['arithmetic', arithmeticKind],
  ['bandit', banditKind],
]);

/** @throws ConfigError for an unknown name. */
function kindOf({ name }: TaskConfig, path = 'task'): TaskKind<TaskConfig> {
  const kind = kinds.get(name);
  if (kind) return kind;
  const known = [...kinds.keys()].join(' or ');
  throw new ConfigError(`${path}.name must be ${known}, got '${name}'`);
}

/** @throws ConfigError for an unknown name or the first field out of range. */
export const checkTask = (config: TaskConfig, path = 'task'): void =>
  kindOf(config, path).check(config, path);

/** @throws ConfigError as `checkTask`. */
export const createTask = (config: TaskConfig): Task => kindOf(config).create(config);

/** Prompts of a pool: rows of the reward matrix. */
export const poolPromptsOf = (config: TaskConfig): number => kindOf(config).poolPrompts(config);

/** Prompts of each held-out tier, by its name, from easy to hard. */
export const tierSizesOf = (config: TaskConfig): ReadonlyMap<string, number> =>
  new Map(
    kindOf(config)
      .tierPrompts(config)
      .map((size, i) => [`T${i + 1}`, size]),
  );

/** The part of a config that its pre-training corpus follows from. */
export const corpusOf = (config: TaskConfig): object => kindOf(config).corpus(config);
