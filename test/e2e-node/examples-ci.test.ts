import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findChromium } from '../../scripts/chromium.mjs';

// Two browsers start, and compile their pipelines anew.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const root = join(import.meta.dirname, '../..');
/** A folder of somebody who installed the package and copied the example. */
const newcomer = mkdtempSync(join(tmpdir(), 'limr-newcomer-'));
afterAll(() => rmSync(newcomer, { recursive: true, force: true }));
const at = (...path: string[]): string => join(newcomer, ...path);

const chromium = findChromium();
const noBrowser = chromium === undefined ? 'there is no Chromium here' : undefined;

interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs a program in the newcomer's folder. */
function start(program: string, argv: readonly string[]): Promise<Ended> {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', CHROMIUM_PATH: chromium };
  const shell = process.platform === 'win32';
  return new Promise((resolve) => {
    const options = { cwd: newcomer, env, timeout: 280_000, maxBuffer: 16 << 20, shell };
    execFile(program, [...argv], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
    );
  });
}

const node = (...argv: string[]): Promise<Ended> => start(process.execPath, argv);
const playwright = (...argv: string[]): Promise<Ended> =>
  node(at('node_modules/playwright/cli.js'), 'test', ...argv);

/** A run of seconds from the base that the package ships. */
const small = {
  preset: 'quick',
  task: { poolPrompts: 32 },
  rollout: { prompts: 16, samples: 4 },
  lim: { count: 16 },
  experiment: {
    ...{ epochs: 2, methods: ['full', 'lim'], armLength: 1, readouts: [1], tableReadout: 1 },
  },
  evaluation: { prompts: 10, samples: 0 },
};

beforeAll(async () => {
  // Brings dist/ up to date.
  await node(join(root, 'bin/limr.mjs'), '--version');
  const tarball = ['pack', root, '--ignore-scripts', '--pack-destination', newcomer];
  const packed = await start('npm', tarball);
  expect(packed.code, packed.output).toBe(0);
  const file = readdirSync(newcomer).find((name) => name.endsWith('.tgz')) ?? '';
  mkdirSync(at('node_modules/limr-lab'), { recursive: true });
  const unpacked = await start('tar', ['-xzf', file, '-C', 'node_modules/limr-lab']);
  expect(unpacked.code, unpacked.output).toBe(0);
  // The tarball holds one folder, `package`.
  cpSync(at('node_modules/limr-lab/package'), at('node_modules/limr-lab'), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    peerDependencies: Record<string, string>;
  };
  const names = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  for (const name of names) {
    mkdirSync(join(at('node_modules', name), '..'), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), at('node_modules', name), 'junction');
  }
  // What `npm init` makes: tests are CommonJS there.
  writeFileSync(at('package.json'), '{"name": "newcomer", "type": "commonjs"}');
  cpSync(at('node_modules/limr-lab/examples/ci'), newcomer, { recursive: true });
  writeFileSync(at('experiment.json'), JSON.stringify(small));
});

test('the example has its workflow and what the workflow runs', () => {
  const workflow = readFileSync(at('.github/workflows/limr.yml'), 'utf8');
  const read = readFileSync(at('README.md'), 'utf8');
  expect(workflow).toContain('npx playwright test');
  for (const name of ['experiment.json', 'baseline.node.json']) {
    expect(workflow).toContain(name);
    expect(read).toContain(name);
  }
});

describe.skipIf(noBrowser !== undefined)('the example, from the packed package', () => {
  test('makes a baseline, holds the next run to it, and fails by one number', async () => {
    const first = await playwright('--update-snapshots');
    expect(first.code, first.output).toBe(0);
    expect(first.output).toContain('baseline.chromium.json: now holds the results of this run');
    const [result] = readdirSync(at('test-results')).filter((name) => name.startsWith('limr-'));
    expect(existsSync(at('test-results', result, 'run/report.html'))).toBe(true);
    cpSync(at('test-results', result, 'run'), at('first-run'), { recursive: true });

    const baseline = JSON.parse(readFileSync(at('baseline.chromium.json'), 'utf8')) as {
      methods: { full: { evaluations: { mean: number }[] } };
    };
    expect(baseline.methods.full.evaluations).toHaveLength(2);
    baseline.methods.full.evaluations[1].mean += 0.25;
    writeFileSync(at('perturbed.json'), JSON.stringify(baseline));
    writeFileSync(
      at('limr.spec.ts'),
      `import { expect, test } from 'limr-lab/playwright';
test('again', async ({ limr }) => {
  const run = await limr.run({ config: ${JSON.stringify(small)}, seeds: [1] });
  expect(run.results.seeds).toHaveLength(1);
  await expect(run).toMatchResults('baseline.chromium.json');
  await expect(expect(run).toMatchResults('missing.json')).rejects.toThrow('no such file');
  await expect(limr.run({ preset: 'none' })).rejects.toThrow("limr run: the options: no preset 'none'");
  await expect(run, 'after all the others').toMatchResults('perturbed.json');
});
`,
    );
    const second = await playwright();
    expect(second.code, second.output).toBe(1);
    expect(second.output).toContain('1 of 6 rows differ from perturbed.json, by equal numbers');
    expect(second.output).toMatch(/DIFFERS {2}full after 4 updates .*\(seed 1\.mean \S+ -> \S+\)/);
    expect(second.output).toContain('If that is meant: npx playwright test --update-snapshots');
    expect(second.output.match(/DIFFERS/g)?.length).toBe(1);

    const limr = at('node_modules/limr-lab/bin/limr.mjs');
    const same = await node(limr, 'check', 'first-run', '--against', 'baseline.chromium.json');
    expect(same.code, same.output).toBe(0);
    const other = await node(limr, 'check', 'first-run', '--against', 'perturbed.json');
    expect(other.code, other.output).toBe(1);
  });
});
