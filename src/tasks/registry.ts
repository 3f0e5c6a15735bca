import { ConfigError } from '../config-error.ts';
import { type ArithmeticConfig, ArithmeticTask, checkArithmetic } from './arithmetic.ts';
import { type BanditConfig, BanditTask, checkBandit } from './bandit.ts';
import type { Task } from './task.ts';

/** The config of any task; `name` says which. Plain data: it crosses to workers as it is. */
export type TaskConfig = ArithmeticConfig | BanditConfig;

/** @throws ConfigError for an unknown name or the first field out of range. */
export function checkTask(config: TaskConfig, path = 'task'): void {
  switch (config.name) {
    case 'arithmetic':
      checkArithmetic(config, path);
      return;
    case 'bandit':
      checkBandit(config, path);
      return;
    default:
      throw unknownTask(config, path);
  }
}

/** @throws ConfigError as `checkTask`. */
export function createTask(config: TaskConfig): Task {
  switch (config.name) {
    case 'arithmetic':
      return new ArithmeticTask(config);
    case 'bandit':
      return new BanditTask(config);
    default:
      throw unknownTask(config, 'task');
  }
}

function unknownTask(config: never, path: string): ConfigError {
  const { name } = config as { readonly name: unknown };
  return new ConfigError(`${path}.name must be arithmetic or bandit, got '${String(name)}'`);
}
