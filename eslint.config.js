import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

// Dependencies point one way: shaders <- kernels <- src <- demo. `test` may import everything and
// nothing imports `test`. Inside src: workers -> scheduler -> {rollout, ppo, lim} -> {optim, model}
// -> gpu; config, metrics and tasks are leaves; what runs the experiment sits above the scheduler.
const steps = [
  ['run-folder'],
  ['gpu'],
  ['model', 'optim'],
  ['rollout', 'ppo', 'lim'],
  ['scheduler'],
  ['workers'],
  ['report'],
  ['cli'],
];
const leaves = ['config', 'config-issue', 'estimators', 'metrics', 'tasks'];

/**
 * @param {string[]} files
 * @param {string} regex Of the import specifiers that these files must not name.
 * @param {string} message
 * @returns {import('eslint').Linter.Config}
 */
const forbid = (files, regex, message) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns: [{ regex, message }] }] },
});

/** @param {string[]} folders */
const insideSrc = (folders) =>
  `^(?:\\.\\./)+(?:(?:demo|test|scripts)/|(?:src/)?(?:(?:${folders.join('|')})/|index\\.ts$))`;

const sourceFolderRules = steps.flatMap((folders, level) =>
  folders.map((folder) =>
    forbid(
      [`src/${folder}/**/*.ts`],
      insideSrc([
        ...steps.slice(level + 1).flat(),
        // The scheduler joins rollout, ppo and lim; they do not import each other.
        ...(folders.includes('rollout') ? folders.filter((other) => other !== folder) : []),
      ]),
      `src/${folder} sits below that: see the layout in README.md`,
    ),
  ),
);

export default defineConfig(
  globalIgnores(['dist', 'dist-demo', 'runs', 'coverage', 'test-results', 'playwright-report']),
  {
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // noUncheckedIndexedAccess is off here: an index out of range fails the test by itself.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    // The rules do not see JSDoc casts; tsc, which does, checks these files all the same.
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  forbid(
    ['kernels/**/*.ts'],
    '^(?:\\.\\./)+(?:src|demo|test|scripts)/',
    'kernels import shaders and kernels/lib only',
  ),
  forbid(['src/**/*.ts'], '^(?:\\.\\./)+(?:demo|test)/', 'src imports neither demo nor test'),
  ...sourceFolderRules,
  forbid(
    [
      ...leaves.map((leaf) => `src/${leaf}.ts`),
      'src/tasks/**/*.ts',
      'src/look/**/*.ts',
      'src/vocabulary/**/*.ts',
    ],
    `^\\.\\.?/(?:.*/)?(?:${steps.flat().join('|')}|kernels|shaders)/`,
    'config, metrics, tasks, vocabulary and look are leaves: no GPU, nothing above them',
  ),
  forbid(
    ['demo/**/*.ts'],
    '^(?:\\.\\./)+(?:kernels|shaders|test|scripts|src/(?!index\\.ts$|look/))',
    'demo imports src/index.ts and src/look, and nothing deeper',
  ),
);
