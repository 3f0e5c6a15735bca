import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
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

const options = {
  module: 'nodenext',
  target: 'es2022',
  lib: ['es2023', 'dom', 'dom.iterable'],
  strict: true,
  skipLibCheck: false,
  skipDefaultLibCheck: true,
  noEmit: true,
  types: [],
};

/**
 * What a TypeScript with the strictest paths between files says of a file of the consumer.
 *
 * @param compiler The package `typescript`, which most readers have, or the faster native one.
 */
function faultsOf(compiler: 'typescript' | 'typescript-native', path: string, more = {}): string[] {
  const project = join(consumer, 'tsconfig.json');
  const compilerOptions = { ...options, ...more };
  writeFileSync(project, JSON.stringify({ compilerOptions, files: [path] }));
  const tsc = join(root, 'node_modules', compiler, 'bin/tsc');
  const run = spawnSync(process.execPath, [tsc, '-p', project, '--pretty', 'false'], {
    encoding: 'utf8',
  });
  const faults = run.stdout.split('\n').filter((line) => line !== '');
  return run.status === 0 || faults.length > 0 ? faults : [run.stderr];
}

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

  test('has subpaths, and no way past them', () => {
    const names = evaluate(
      `const names = {};
       for (const path of ['lim', 'model', 'browser', 'playwright']) {
         names[path] = Object.keys(await import('limr-lab/' + path));
       }
       names.deep = await import('limr-lab/dist/src/gpu/device.js').catch((error) => [error.code]);
       console.log(JSON.stringify(names));`,
    );
    expect(names).toEqual({
      lim: expect.arrayContaining(['Device', 'scoreMatrix', 'selectLim']) as unknown,
      model: expect.arrayContaining(['Device', 'FineTuning', 'LanguageModel']) as unknown,
      browser: expect.arrayContaining(['StoredRuns']) as unknown,
      playwright: ['expect', 'test'],
      deep: ['ERR_PACKAGE_PATH_NOT_EXPORTED'],
    });
  });

  test('reads the base that it ships', () => {
    const bytes = evaluate(
      `const { configFrom } = await import('limr-lab');
       const { shippedBases } = await import('limr-lab/bases');
       const [base] = await shippedBases(configFrom('quick', undefined, 'test'));
       console.log(JSON.stringify([base.constructor.name, base.length]));`,
    );
    const { size } = statSync(join(root, 'src/bases/arithmetic.safetensors'));
    expect(bytes).toEqual(['Uint8Array', size]);
  });

  // NodeNext asks the most of the paths between the type files.
  test('has types that hold by themselves under NodeNext', () => {
    const path = join(consumer, 'main.mts');
    writeFileSync(
      path,
      `import { connectTrainer, type ExperimentConfig } from 'limr-lab';
import { StoredRuns } from 'limr-lab/browser';
import { Device, scoreMatrix, type LimResult } from 'limr-lab/lim';
import { LanguageModel, openModel } from 'limr-lab/model';
export const start: () => Promise<object> = connectTrainer;
export const runs: object = StoredRuns;
export async function score(): Promise<LimResult> {
  const device = await Device.open({ adapter: 'software' });
  return scoreMatrix(device, { prompts: 1, epochs: 1, values: new Float32Array(1) });
}
export async function load(device: Device): Promise<LanguageModel> {
  return LanguageModel.load(device, await openModel(() => Promise.resolve(undefined)));
}
// @ts-expect-error: a number is no config, unless its type was lost on the way
export const config: ExperimentConfig = 1;
// @ts-expect-error: nothing else is a device
export const device: Device = { adapter: '', kind: 'cpu', close: () => Promise.resolve() };
`,
    );
    expect(faultsOf('typescript', path)).toEqual([]);
    // Its own types of WebGPU and those of @webgpu/types differ, which this check leaves out.
    expect(faultsOf('typescript-native', path, { skipLibCheck: true })).toEqual([]);
  }, 180_000);

  test('has types for tests in Playwright', () => {
    const path = join(consumer, 'limr.spec.mts');
    writeFileSync(
      path,
      `import { expect, test, type Limr } from 'limr-lab/playwright';
test('an experiment', async ({ limr, page }) => {
  const run = await limr.run({ preset: 'quick', methods: ['full', 'lim'], seeds: [1] });
  await expect(run).toMatchResults('baseline.json', { tolerance: 0.05 });
  await expect(page).toHaveTitle('');
  const { preset }: { preset: string } = run.results.config;
  // @ts-expect-error: a method that there is not
  await limr.run({ methods: [preset] });
  // @ts-expect-error: a rule that there is not
  await expect(run).toMatchResults('baseline.json', { rule: 'never' });
});
export const again: (limr: Limr) => Promise<object> = (limr) => limr.run();
`,
    );
    // Playwright's own types ask for those of Node.
    const types = { types: ['node'], typeRoots: [join(root, 'node_modules/@types')] };
    const faults = faultsOf('typescript', path, types).filter(
      (text) => !/node_modules.playwright/.test(text),
    );
    expect(faults).toEqual([]);
  }, 180_000);

  test('is right by publint and by attw', () => {
    const pack = spawnSync(
      'npm',
      ['pack', '--ignore-scripts', '--json', '--pack-destination', consumer],
      { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' },
    );
    const [packed] = JSON.parse(pack.stdout) as { filename: string }[];
    const tarball = join(consumer, packed.filename);
    for (const [tool, ...args] of [
      ['publint/src/cli.js', tarball, '--strict'],
      ['@arethetypeswrong/cli/dist/index.js', tarball, '--profile', 'esm-only'],
    ]) {
      const path = join(root, 'node_modules', tool);
      const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...args], {
        cwd: consumer,
        encoding: 'utf8',
      });
      expect(status, `${tool}: ${stdout}${stderr}`).toBe(0);
    }
  });

  test.each([
    ['metrics', 'limr-lab', 30_000],
    ['scoreMatrix, Device', 'limr-lab/lim', 80_000],
  ])('bundles `import { %s } from %s` to under %i bytes', async (names, path, most) => {
    const entry = join(consumer, 'entry.js');
    writeFileSync(entry, `import { ${names} } from '${path}';\nconsole.log(${names});\n`);
    const output = await build({
      configFile: false,
      root: consumer,
      logLevel: 'silent',
      build: { write: false, minify: true, rolldownOptions: { input: entry } },
    });
    const files = [output].flat().flatMap((part) => ('output' in part ? part.output : []));
    const bytes = files.reduce(
      (sum, file) => sum + (file.type === 'chunk' ? file.code.length : file.source.length),
      0,
    );
    process.stdout.write(`import { ${names} } from '${path}': ${bytes} bytes\n`);
    expect(bytes).toBeGreaterThan(1000);
    expect(bytes).toBeLessThan(most);
  });

  test('names all packages that the page bundles, its workers included', async () => {
    const output = await build({
      root: join(root, 'demo'),
      configFile: join(root, 'vite.config.ts'),
      logLevel: 'silent',
      build: { write: false, minify: false, sourcemap: true },
    });
    const files = [output].flat().flatMap((part) => ('output' in part ? part.output : []));
    const textOf = (name: RegExp): string[] =>
      files.flatMap((file) =>
        file.type === 'asset' && name.test(file.fileName) ? [String(file.source)] : [],
      );
    const bundled = textOf(/\.js\.map$/).map((map) => {
      const { sources } = JSON.parse(map) as { sources: string[] };
      return sources.flatMap(
        (path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
      );
    });
    const [notices] = textOf(/^THIRD-PARTY-NOTICES\.txt$/);
    const named = [...notices.matchAll(/^(\S+) \S+ \(\S+\)\n-+\n\n/gm)].map(([, name]) => name);
    expect(bundled.length).toBeGreaterThan(2);
    expect([...named].sort()).toEqual([...new Set(bundled.flat())].sort());
    expect(named).toEqual(expect.arrayContaining(['comlink', 'uplot', 'valibot']));
    expect(notices).toContain('Permission is hereby granted, free of charge');
  });

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
      'dist/page/THIRD-PARTY-NOTICES.txt',
      'examples/ci/.github/workflows/limr.yml',
      'examples/ci/limr.spec.ts',
    ]) {
      expect(paths).toContain(path);
    }
    const top = new Set(
      paths.filter((path) => path.includes('/')).map((path) => path.split('/')[0]),
    );
    expect([...top].sort()).toEqual(['bin', 'dist', 'examples']);
    expect(paths.filter((path) => path.endsWith('.safetensors')).sort()).toEqual(
      readdirSync(join(root, 'src/bases'))
        .filter((name) => name.endsWith('.safetensors'))
        .map((name) => `dist/src/bases/${name}`)
        .sort(),
    );
    expect(paths).not.toContain('dist/.built');
    const built = paths.filter((path) => !path.startsWith('examples/'));
    expect(built.filter((path) => /\.(?:wgsl|ts)$/.test(path) && !path.endsWith('.d.ts'))).toEqual(
      [],
    );
  });
});
