// A task whose prompts and answers are rows of a user's files, for a model that is given.
import {
  checkVerifiers,
  type DatasetConfig,
  datasetSchema,
  describeDataset,
  isModule,
  tierNames,
  verifierOf,
  withPaths,
} from './dataset-config.ts';
import type { TaskKind } from './task.ts';

export const datasetKind = {
  name: 'dataset',
  takesGivenModel: true,
  schema: datasetSchema,
  check: checkVerifiers,
  withPaths,
  moduleOf: (config, tier) => {
    const place = tier === undefined ? -1 : tierNames(config).indexOf(tier);
    const verifier = verifierOf(config, config.tiers?.[place]);
    return isModule(verifier) ? verifier : undefined;
  },
  lastBatch: ({ lastBatch = 'drop' }) => lastBatch,
  shape: () => undefined,
  // How many rows a file has is known once it is open.
  tierSizes: (config) => new Map(tierNames(config).map((name) => [name, undefined])),
  corpusIdentity: () => undefined,
  describe: describeDataset,
  // The readers of files and the rules for answers are most of the code of all tasks, and a page that
  // shows a run of another task needs neither.
  open: async (config, resources) => {
    const { openDataset } = await import('./dataset-task.ts');
    return openDataset(config, resources);
  },
  verifier: async (config) => {
    const { datasetVerifier } = await import('./dataset-verifier.ts');
    return datasetVerifier(config);
  },
} satisfies TaskKind<DatasetConfig>;
