import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { taskKinds } from '../../src/tasks/kinds.ts';

/** Sources outside the folder of tasks. */
const sources = ['src', 'demo', 'scripts'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => /\.(?:ts|mjs|js)$/.test(name) && !name.startsWith(join('src', 'tasks'))),
);
/** The presets are configs of a task. */
const presets = join('src', 'presets.ts');

const linesWith = (pattern: RegExp): string[] =>
  sources.flatMap((name) =>
    readFileSync(name, 'utf8')
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${name}:${i + 1}: ${line.trim()}`] : [])),
  );

const names = taskKinds.map(({ name }) => name).join('|');

test('sources are found', () => {
  expect(sources).toContain(join('src', 'report', 'page.ts'));
  expect(sources).toContain(join('demo', 'link.ts'));
  expect(linesWith(/ExperimentConfig/).length).toBeGreaterThan(100);
});

test('no task is named outside the folder of tasks', () => {
  const lines = linesWith(new RegExp(`['"\`](?:${names})['"\`]`));
  // Benchmarks' files name their part of the data in a field of that name.
  expect(lines.filter((line) => !line.includes('const dataSetFields = '))).toEqual([]);
});

test('nobody but the presets imports a task', () => {
  const imports = linesWith(new RegExp(`tasks/(?:${names})\\.ts`));
  expect(imports.filter((line) => !line.startsWith(presets))).toEqual([]);
});
