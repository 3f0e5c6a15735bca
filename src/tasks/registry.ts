import { ConfigError } from '../config-error.ts';
import { type ArithmeticConfig, ArithmeticTask, checkArithmetic } from './arithmetic.ts';
import { type BanditConfig, BanditTask, checkBandit } from './bandit.ts';
import type { Task } from './task.ts';

/** The config of any task; `name` says which. Plain data: it crosses to workers as it is. */
export type TaskConfig = ArithmeticConfig | BanditConfig;

/** @throws ConfigError for an unknown name or the first field out of range. */
export function checkTask(config: TaskConfig, path = 'task'): void {
  const { name } = config;
  if (name === 'arithmetic') checkArithmetic(config, path);
  else if (name === 'bandit') checkBandit(config, path);
  else throw unknownTask(name, path);
}

/** @throws ConfigError as `checkTask`. */
export function createTask(config: TaskConfig): Task {
  const { name } = config;
  if (name === 'arithmetic') return new ArithmeticTask(config);
  if (name === 'bandit') return new BanditTask(config);
  throw unknownTask(name, 'task');
}

const unknownTask = (name: never, path: string) =>
  new ConfigError(`${path}.name must be arithmetic or bandit, got '${String(name)}'`);
