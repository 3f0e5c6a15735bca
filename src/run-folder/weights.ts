import { type ExperimentConfig, startsFromFolder } from '../config.ts';
import { trainingOrder } from '../run-plan.ts';
import type { MethodName } from '../selection/methods.ts';
import { BASE_MODEL, trainedFolder } from './names.ts';

/** A folder of weights that a run may have. */
export interface WeightsFolder {
  /** The base, or what a method has trained. */
  readonly of: 'base' | MethodName;
  readonly seed: number;
  readonly folder: string;
  /** The file of the folder that is written last: with it, the folder is complete. */
  readonly last: string;
}

/** Weights that a run's folder keeps whole, those of its first seed first. */
export type KeptFolder = Pick<WeightsFolder, 'of' | 'seed'>;

/** @param has Whether the run's folder has a file. */
export async function weightsIn(
  config: ExperimentConfig,
  seeds: readonly number[],
  has: (path: string) => Promise<boolean>,
): Promise<KeptFolder[]> {
  const found: KeptFolder[] = [];
  for (const { folder, last, of, seed } of weightsFolders(config, seeds)) {
    if (await has(`${folder}/${last}`)) found.push({ of, seed });
  }
  return found;
}

/** The folders of weights that a run may have, those of its first seed first. */
export function weightsFolders(
  config: ExperimentConfig,
  seeds: readonly number[],
): readonly WeightsFolder[] {
  const what = config.adapter ? 'adapter' : 'model';
  const last = config.adapter ? 'adapter_config.json' : 'config.json';
  const [first = 0] = seeds;
  return [
    ...(startsFromFolder(config)
      ? []
      : [{ of: 'base', seed: first, folder: BASE_MODEL, last: 'config.json' } as const]),
    ...seeds.flatMap((seed) =>
      trainingOrder(config).map((of) => {
        const folder = trainedFolder(what, of, seed, seeds);
        return { of, seed, folder, last };
      }),
    ),
  ];
}
