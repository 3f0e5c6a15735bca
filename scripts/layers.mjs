/**
 * A layer: a folder or a file, named by its path from the repository's top without `.ts`.
 *
 * @typedef {object} Layer
 * @property {string} is Contents of the layer, in one clause.
 * @property {readonly string[]} [files] Other files of the layer, by their paths without `.ts`.
 * @property {readonly string[]} imports Layers that the layer may import. An import of a type
 *   counts as an import.
 */

/** Libraries of kernels, which know tensors and no device. */
const kernels = ['kernels', 'kernels/lib'];

/**
 * Every layer, below each layer that imports it: the order proves that no folders form a circle.
 * `eslint.config.js` refuses all other imports, and `docs/architecture.md` draws the list.
 *
 * @type {Readonly<Record<string, Layer>>}
 */
export const layers = {
  shaders: { is: 'WGSL, one kernel a file: the single source of truth', imports: [] },
  'kernels/lib': {
    is: 'tensors, dispatches and the check of a shader against its wrapper',
    imports: ['shaders'],
  },
  kernels: {
    is: 'one typed wrapper for each shader: shapes, grid, bindings',
    imports: ['shaders', 'kernels/lib'],
  },
  'src/config-error': { is: 'the error of a setting', imports: [] },
  'src/file-error': { is: 'the error of a file', imports: [] },
  'src/hardware-threads': { is: 'how many threads a machine runs at once', imports: [] },
  'src/host-name': { is: 'the program that runs this code, and its version', imports: [] },
  'src/median': { is: 'the middle of some numbers', imports: [] },
  'src/metrics': { is: 'every number that an update logs: name, meaning, sign', imports: [] },
  'src/vocabulary': { is: 'words of a config, each with what is true of it', imports: [] },
  'src/random': { is: 'streams of random numbers, keyed by purpose', imports: ['kernels/lib'] },
  'src/statistics': {
    is: 'tests, intervals and power over plain numbers',
    imports: ['src/random'],
  },
  'src/threads': { is: 'how a worker is started, called, timed and ended', imports: [] },
  'src/formats': { is: 'readers and writers of files, all hostile', imports: ['src/threads'] },
  'src/checked-numbers': { is: 'schemas of the numbers of a config', imports: [] },
  'src/config-issue': { is: 'the text of a failed schema', imports: ['src/formats'] },
  'src/selection': {
    is: 'methods of choosing prompts: words, cost and choice, without a GPU',
    imports: ['src/formats', 'src/random'],
  },
  'src/look': { is: 'colours and type of page and report', imports: ['src/selection'] },
  'src/tasks': {
    is: 'makers of prompts and judges of responses, without a GPU',
    imports: [
      'src/checked-numbers',
      'src/config-error',
      'src/config-issue',
      'src/formats',
      'src/look',
      'src/random',
    ],
  },
  'src/gpu': {
    is: 'device, memory, pipelines, plans and readback; knows no model and no kernel',
    imports: ['kernels/lib', 'src/hardware-threads'],
  },
  'src/variants': {
    is: 'which variants of kernels a device takes: defaults, checks, tuning',
    imports: [...kernels, 'src/formats', 'src/gpu', 'src/median', 'src/random'],
  },
  'src/rollout-order': {
    is: 'how prompts are dealt out to rollouts, epoch after epoch',
    imports: ['src/tasks'],
  },
  'src/config': {
    is: 'every hyperparameter: type, unit, default, range, check',
    files: ['src/config-schema', 'src/presets'],
    imports: [
      'src/checked-numbers',
      'src/config-error',
      'src/config-issue',
      'src/formats',
      'src/rollout-order',
      'src/selection',
      'src/tasks',
      'src/vocabulary',
    ],
  },
  'src/results': {
    is: 'events and results of an experiment',
    imports: ['kernels/lib', 'src/config', 'src/selection', 'src/tasks', 'src/vocabulary'],
  },
  'src/results-schema': {
    is: 'the check of results that a file holds',
    imports: ['src/selection', 'src/vocabulary'],
  },
  'src/readouts': {
    is: 'the unit of read-outs',
    imports: ['src/config', 'src/results', 'src/rollout-order'],
  },
  'src/run-plan': {
    is: 'trainings of an experiment, and how long each is',
    imports: [
      'src/config',
      'src/readouts',
      'src/rollout-order',
      'src/selection',
      'src/tasks',
      'src/vocabulary',
    ],
  },
  'src/run-folder': {
    is: 'files of a run: names, config, results, log of events',
    imports: [
      'src/config',
      'src/config-error',
      'src/config-issue',
      'src/formats',
      'src/results',
      'src/results-schema',
      'src/run-plan',
      'src/selection',
      'src/variants',
    ],
  },
  'src/interval': {
    is: 'means with their intervals',
    imports: ['src/config', 'src/results', 'src/statistics', 'src/tasks'],
  },
  'src/sweep': {
    is: 'grids of experiments: their cells, what a finished sweep holds and shows',
    imports: [
      'src/config',
      'src/config-error',
      'src/config-issue',
      'src/formats',
      'src/interval',
      'src/random',
      'src/readouts',
      'src/results',
      'src/results-schema',
      'src/run-folder',
      'src/run-plan',
      'src/selection',
      'src/statistics',
      'src/tasks',
    ],
  },
  'src/model': {
    is: 'parameters, transformer and Hugging Face folders',
    imports: [
      ...kernels,
      'src/config-error',
      'src/formats',
      'src/gpu',
      'src/random',
      'src/vocabulary',
    ],
  },
  'src/optim': {
    is: 'AdamW and its schedules',
    imports: [...kernels, 'src/config', 'src/gpu', 'src/model', 'src/vocabulary'],
  },
  'src/rollout': {
    is: 'sampling of responses',
    imports: [...kernels, 'src/gpu', 'src/model', 'src/random'],
  },
  'src/ppo': {
    is: 'rewards to advantages to one update',
    imports: [
      ...kernels,
      'src/config',
      'src/config-error',
      'src/gpu',
      'src/model',
      'src/optim',
      'src/random',
      'src/tasks',
      'src/vocabulary',
    ],
  },
  'src/inspection': {
    is: 'a model beside its training, asked for responses and for what it says of tokens',
    imports: [
      ...kernels,
      'src/config',
      'src/gpu',
      'src/model',
      'src/ppo',
      'src/rollout',
      'src/selection',
      'src/vocabulary',
    ],
  },
  'src/lim': {
    is: 'reward matrix to scores to a selection of prompts',
    imports: [
      ...kernels,
      'src/config-error',
      'src/formats',
      'src/gpu',
      'src/look',
      'src/random',
      'src/selection',
      'src/statistics',
      'src/vocabulary',
    ],
  },
  'src/landscape': {
    is: 'a reward matrix drawn where it lies',
    imports: [...kernels, 'src/gpu'],
  },
  'src/supervised': {
    is: 'learning from given responses',
    imports: [...kernels, 'src/config', 'src/gpu', 'src/model', 'src/optim'],
  },
  'src/scheduler': {
    is: 'the experiment as a plain state machine',
    imports: [
      'kernels/lib',
      'src/config',
      'src/config-error',
      'src/formats',
      'src/gpu',
      'src/inspection',
      'src/lim',
      'src/look',
      'src/model',
      'src/optim',
      'src/ppo',
      'src/random',
      'src/results',
      'src/results-schema',
      'src/rollout',
      'src/rollout-order',
      'src/run-folder',
      'src/run-plan',
      'src/selection',
      'src/supervised',
      'src/tasks',
      'src/variants',
      'src/vocabulary',
    ],
  },
  'src/workers': {
    is: 'the trainer, its verifiers and the stores of runs',
    imports: [
      'src/config',
      'src/config-error',
      'src/file-error',
      'src/formats',
      'src/gpu',
      'src/hardware-threads',
      'src/host-name',
      'src/inspection',
      'src/landscape',
      'src/results',
      'src/rollout',
      'src/run-folder',
      'src/run-plan',
      'src/scheduler',
      'src/selection',
      'src/tasks',
      'src/threads',
      'src/variants',
    ],
  },
  'src/report': {
    is: 'the report of a run: figures, findings and the comparison with a baseline',
    imports: [
      'src/config',
      'src/formats',
      'src/interval',
      'src/look',
      'src/metrics',
      'src/readouts',
      'src/results',
      'src/run-folder',
      'src/selection',
      'src/sweep',
      'src/tasks',
      'src/vocabulary',
    ],
  },
  'src/export': {
    is: 'a run in the formats of other programs',
    imports: [
      'src/config',
      'src/formats',
      'src/results',
      'src/run-folder',
      'src/selection',
      'src/tasks',
      'src/vocabulary',
    ],
  },
  'src/view': {
    is: 'a run as whoever shows it knows it',
    imports: [
      'src/config',
      'src/config-issue',
      'src/formats',
      'src/look',
      'src/readouts',
      'src/report',
      'src/results',
      'src/run-folder',
      'src/selection',
      'src/tasks',
    ],
  },
  'src/bench': {
    is: 'benchmarks and their comparison',
    imports: [
      ...kernels,
      'src/config',
      'src/gpu',
      'src/lim',
      'src/median',
      'src/model',
      'src/rollout',
      'src/scheduler',
      'src/supervised',
      'src/tasks',
      'src/variants',
    ],
  },
  'src/bases': {
    is: 'base models that ship with the package',
    imports: ['src/config', 'src/config-error', 'src/scheduler'],
  },
  'src/cli': {
    is: 'the `limr` command',
    imports: [
      'kernels/lib',
      'src/bases',
      'src/bench',
      'src/config',
      'src/config-error',
      'src/config-issue',
      'src/export',
      'src/file-error',
      'src/formats',
      'src/gpu',
      'src/host-name',
      'src/inspection',
      'src/lim',
      'src/look',
      'src/model',
      'src/random',
      'src/readouts',
      'src/report',
      'src/results',
      'src/rollout',
      'src/run-folder',
      'src/run-plan',
      'src/scheduler',
      'src/selection',
      'src/supervised',
      'src/sweep',
      'src/tasks',
      'src/variants',
      'src/view',
      'src/vocabulary',
      'src/workers',
    ],
  },
  'src/entries': {
    is: 'the subpaths of the public API: `/lim`, `/model`, `/browser`',
    imports: [
      'kernels/lib',
      'src/config-error',
      'src/file-error',
      'src/formats',
      'src/gpu',
      'src/landscape',
      'src/lim',
      'src/model',
      'src/rollout',
      'src/run-folder',
      'src/scheduler',
      'src/selection',
      'src/supervised',
      'src/tasks',
      'src/threads',
      'src/variants',
      'src/vocabulary',
      'src/workers',
    ],
  },
  'src/playwright': {
    is: 'experiments as Playwright tests: `limr-lab/playwright`',
    imports: ['src/cli', 'src/report', 'src/results', 'src/run-folder', 'src/selection'],
  },
  'src/index': {
    is: 'the public API',
    imports: [
      'kernels/lib',
      'src/config',
      'src/config-error',
      'src/file-error',
      'src/formats',
      'src/gpu',
      'src/inspection',
      'src/interval',
      'src/metrics',
      'src/readouts',
      'src/report',
      'src/results',
      'src/rollout',
      'src/run-folder',
      'src/run-plan',
      'src/scheduler',
      'src/selection',
      'src/tasks',
      'src/threads',
      'src/view',
      'src/vocabulary',
      'src/workers',
    ],
  },
  demo: { is: 'the lab page', imports: ['src/bases', 'src/entries', 'src/index', 'src/look'] },
};

/** Layers by the paths of their folders and files, the longest first. */
const places = Object.entries(layers)
  .flatMap(([name, { files = [] }]) => [name, ...files].map((place) => ({ place, name })))
  .sort((a, b) => b.place.length - a.place.length);

/**
 * The layer of a file, or undefined.
 *
 * @param {string} path From the repository's top, with `/`.
 */
export const layerOf = (path) =>
  places.find(({ place }) => path.startsWith(`${place}/`) || path === `${place}.ts`)?.name;
