import * as v from 'valibot';
import { ConfigError } from '../config-error.ts';
import { issueText } from '../config-issue.ts';
import { taskKinds } from './kinds.ts';
import type { Task, TaskDescription, TaskKind, TaskShape, TaskVerifier } from './task.ts';

type ConfigOf<Kind> = Kind extends TaskKind<infer Config> ? Config : never;

/** The config of any task; `name` says which. Plain data: it crosses to workers as it is. */
export type TaskConfig = ConfigOf<(typeof taskKinds)[number]>;

type AnyKind = TaskKind<TaskConfig>;

// Each kind is asked about configs of its own name alone.
const kinds = new Map(taskKinds.map((kind) => [kind.name, kind as unknown as AnyKind]));

/** Configs of all tasks, told apart by `name`. */
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

/** Reads what a task needs beside its config. @throws ConfigError as `checkTask`. */
export async function openTask(config: TaskConfig): Promise<Task> {
  checkTask(config);
  return kindOf(config).open(config);
}

/** The verifier of a task's responses. @throws ConfigError as `checkTask`. */
export async function openVerifier(config: TaskConfig): Promise<TaskVerifier> {
  checkTask(config);
  return kindOf(config).verifier(config);
}

/** Undefined for a task whose files have to be opened first. */
export const taskShapeOf = (config: TaskConfig): TaskShape | undefined =>
  kindOf(config).shape(config);

/** Prompts of a pool, where the config tells: rows of the reward matrix. */
export const poolPromptsOf = (config: TaskConfig): number | undefined =>
  taskShapeOf(config)?.poolPrompts;

/** Prompts of each held-out tier, by its name, from easy to hard. */
export const tierSizesOf = (config: TaskConfig): ReadonlyMap<string, number> =>
  kindOf(config).tierSizes(config);

/** The part of a config that its pre-training corpus follows from; undefined where there is none. */
export const corpusOf = (config: TaskConfig): object | undefined =>
  kindOf(config).corpusIdentity(config);

/** A task in words. */
export const describeTask = (config: TaskConfig): TaskDescription =>
  kindOf(config).describe(config);
