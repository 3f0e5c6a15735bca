import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const types = join(root, 'dist/src/index.d.ts');
let consumer = '';

/** What node prints for a module in a folder that has this package installed and no Vite. */
const evaluate = (code: string): unknown =>
  JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: consumer,
      encoding: 'utf8',
    }),
  );

beforeAll(() => {
  // Only where the build stage of npm test has not just done it.
  execFileSync(process.execPath, [join(root, 'bin/limr.mjs'), '--version']);
  if (!existsSync(types) || statSync(types).mtimeMs < statSync(join(root, 'dist/.built')).mtimeMs) {
    execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--library']);
  }
  consumer = mkdtempSync(join(tmpdir(), 'limr-consumer-'));
  mkdirSync(join(consumer, 'node_modules'));
  symlinkSync(root, join(consumer, 'node_modules/limr-lab'), 'junction');
}, 180_000);

afterAll(() => rmSync(consumer, { recursive: true, force: true }));

describe('the built package', () => {
  test('is imported by plain Node, shaders and all', () => {
    const names = evaluate(
      `import * as limr from 'limr-lab'; console.log(JSON.stringify(Object.keys(limr)));`,
    );
    expect(names).toContain('connectTrainer');
  });

  // NodeNext asks the most of the paths between the type files.
  test('has types that hold by themselves under NodeNext', () => {
    const path = join(consumer, 'main.mts');
    writeFileSync(
      path,
      `import { connectTrainer, type ExperimentConfig } from 'limr-lab';
export const start: () => Promise<object> = connectTrainer;
// @ts-expect-error: a number is no config, unless its type was lost on the way
export const config: ExperimentConfig = 1;
`,
    );
    const program = ts.createProgram([path], {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      types: [],
      strict: true,
      skipDefaultLibCheck: true,
      noEmit: true,
    });
    const messages = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, ' ');
      return `${file?.fileName ?? ''}: ${text}`;
    });
    expect(messages).toEqual([]);
  }, 180_000);

  test('packs what it runs on and nothing else', () => {
    // npm prints what its scripts say before the JSON; there are none to run here.
    const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
      shell: process.platform === 'win32',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [packed] = JSON.parse(output) as { files: { path: string }[] }[];
    const paths = packed.files.map(({ path }) => path);
    for (const path of [
      'LICENSE',
      'package.json',
      'bin/limr.mjs',
      'dist/src/index.js',
      'dist/src/index.d.ts',
      'dist/src/cli/main.js',
    ]) {
      expect(paths).toContain(path);
    }
    const top = new Set(
      paths.filter((path) => path.includes('/')).map((path) => path.split('/')[0]),
    );
    expect([...top].sort()).toEqual(['bin', 'dist']);
    expect(paths.filter((path) => /\.(?:wgsl|ts)$/.test(path) && !path.endsWith('.d.ts'))).toEqual(
      [],
    );
  });
});
