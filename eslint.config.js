import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { layerRule } from './scripts/layer-rule.mjs';

export default defineConfig(
  globalIgnores([
    'dist',
    'dist-demo',
    'dist-docs',
    'runs',
    'coverage',
    'test-results',
    'playwright-report',
  ]),
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
  {
    // Imports of a type too: a layer knows no layer above, whatever a compiler leaves of an import.
    files: ['{src,kernels,demo}/**/*.{ts,tsx}'],
    plugins: { limr: { rules: { layers: layerRule } } },
    rules: { 'limr/layers': 'error' },
  },
);
