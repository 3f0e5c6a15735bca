import * as v from 'valibot';
import { ConfigError } from '../config-error.ts';
import { issueText } from '../config-issue.ts';
import { taskKinds } from './kinds.ts';
import {
  type LastBatch,
  noResources,
  type Task,
  type TaskDescription,
  type TaskKind,
  type TaskResources,
  type TaskShape,
  type TaskVerifier,
} from './task.ts';

type ConfigOf<Kind> = Kind extends TaskKind<infer Config> ? Config : never;

/** The config of any task; `name` tells the task. Plain data, which crosses to workers as it is. */
export type TaskConfig = ConfigOf<(typeof taskKinds)[number]>;

type AnyKind = TaskKind<TaskConfig>;

// The cast is safe: a kind receives only configs of its own name.
const kinds = new Map(taskKinds.map((kind) => [kind.name, kind as unknown as AnyKind]));

/** The schema of all task configs; `name` tells them apart. */
export const taskSchema = v.variant(
  'name',
  [...kinds.values()].map(({ schema }) => schema) as unknown as readonly [
    v.StrictObjectSchema<{ readonly name: v.LiteralSchema<string, undefined> }, undefined>,
  ],
) as unknown as v.GenericSchema<unknown, TaskConfig>;

/** @throws ConfigError for an unknown name. */
function kindOf({ name }: TaskConfig, path = 'task'): AnyKind {
  const kind = kinds.get(name);
  if (kind) return kind;
  const known = [...kinds.keys()].join(' or ');
  throw new ConfigError(`${path}.name must be ${known}, got '${name}'`);
}

/** @throws ConfigError for an unknown name or the first field out of range. */
export function checkTask(config: TaskConfig, path = 'task'): void {
  const kind = kindOf(config, path);
  const parsed = v.safeParse(kind.schema, config);
  if (!parsed.success) throw new ConfigError(`${path}.${issueText(parsed.issues[0])}`);
  kind.check?.(config, path);
}

/** Opens a task and reads the files it needs. @throws ConfigError as `checkTask`. */
export async function openTask(
  config: TaskConfig,
  resources: TaskResources = noResources,
): Promise<Task> {
  checkTask(config);
  return kindOf(config).open(config, resources);
}

/** Opens the verifier of a task. @throws ConfigError as `checkTask`. */
export async function openVerifier(
  config: TaskConfig,
  resources: TaskResources = noResources,
): Promise<TaskVerifier> {
  checkTask(config);
  return kindOf(config).verifier(config, resources);
}

/** The shape of a task; undefined if the task must open files first. */
export const taskShapeOf = (config: TaskConfig): TaskShape | undefined =>
  kindOf(config).shape(config);

/**
 * Prompts of a pool, which are the rows of the reward matrix; undefined if the config does not
 * tell.
 */
export const poolPromptsOf = (config: TaskConfig): number | undefined =>
  taskShapeOf(config)?.poolPrompts;

/** A task's config with every path of a file replaced by what `change` makes of it. */
export const withPaths = (config: TaskConfig, change: (path: string) => string): TaskConfig =>
  kindOf(config).withPaths?.(config, change) ?? config;

/** The paths of all files that a task's config names, each once. */
export function filesOf(config: TaskConfig): string[] {
  const paths = new Set<string>();
  withPaths(config, (path) => {
    paths.add(path);
    return path;
  });
  return [...paths];
}

/** Whether the task needs a given model; otherwise its model is drawn. */
export const takesGivenModel = (config: TaskConfig): boolean =>
  kindOf(config).takesGivenModel ?? false;

/** The user's module that judges responses to prompts of the pool or of a tier, if one does. */
export const moduleOf = (config: TaskConfig, tier?: string): string | undefined =>
  kindOf(config).moduleOf?.(config, tier);

/** All modules of the user that judge responses of a task, each once. */
export function modulesOf(config: TaskConfig): string[] {
  const tiers = [undefined, ...tierSizesOf(config).keys()];
  return [...new Set(tiers.flatMap((tier) => moduleOf(config, tier) ?? []))];
}

/** What becomes of the last prompts of a data epoch; undefined if rollouts divide a pool. */
export const lastBatchOf = (config: TaskConfig): LastBatch | undefined =>
  kindOf(config).lastBatch?.(config);

/** The number of prompts of each held-out tier, as `TaskKind.tierSizes`. */
export const tierSizesOf = (config: TaskConfig): ReadonlyMap<string, number | undefined> =>
  kindOf(config).tierSizes(config);

/** The number of prompts of each tier outside of the mean, as `TaskKind.outsideTierSizes`. */
export const outsideTierSizesOf = (config: TaskConfig): ReadonlyMap<string, number> =>
  kindOf(config).outsideTierSizes?.(config) ?? new Map<string, number>();

/**
 * The part of a config that determines the pre-training corpus; undefined if there is no corpus.
 */
export const corpusOf = (config: TaskConfig): object | undefined =>
  kindOf(config).corpusIdentity(config);

/** Describes a task in words. */
export const describeTask = (config: TaskConfig): TaskDescription =>
  kindOf(config).describe(config);
