// limr-lab/playwright: experiments as Playwright tests, held to a committed baseline.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Browser, expect as playwrightExpect, test as playwrightTest } from 'playwright/test';
import { checkRun, readResults, updateBaseline, verdict } from './cli/check.ts';
import { chromiumArguments } from './cli/chromium.ts';
import { type OwnPage, runInChromium } from './cli/chromium-host.ts';
import { nodeSystem } from './cli/node-system.ts';
import { visibleText } from './cli/visible-text.ts';
import { comparisonLines, type ComparisonOptions } from './report/baseline.ts';
import type { ExperimentResults } from './results.ts';
import { REPORT } from './run-folder/names.ts';
import type { MethodName } from './selection/methods.ts';

/** An experiment to run: the arguments of `limr run`. */
export interface ExperimentRequest {
  /** Settings that replace those of the preset, or the JSON file of them, from the test's folder. */
  readonly config?: string | Readonly<Record<string, unknown>>;
  /** Default: what the config names, else `quick`. */
  readonly preset?: string;
  /** Selections to train and compare. Default: those of the config. */
  readonly methods?: readonly MethodName[];
  /** One whole experiment per seed. Default: those of the preset. */
  readonly seeds?: readonly number[];
}

/** A finished run. */
export interface FinishedExperiment {
  /** Folder with the files of `limr run`, among the test's output. */
  readonly folder: string;
  readonly results: ExperimentResults;
}

/** Runs experiments in the test's browser. */
export interface Limr {
  /**
   * Runs an experiment to its end and attaches its report to the test. Progress goes to stderr.
   *
   * @throws Error with the line of `limr run` if a setting is wrong or the run fails.
   */
  run(request?: ExperimentRequest): Promise<FinishedExperiment>;
}

/** What `test` adds to Playwright's own fixtures. */
export interface LimrFixtures {
  readonly limr: Limr;
}

/** What `test` adds to Playwright's own options of a worker. */
export interface LimrOptions {
  /** `software` gives Chromium SwiftShader, on any machine; `gpu` takes the machine's own. */
  readonly limrAdapter: 'software' | 'gpu';
}

/**
 * Playwright's `test` with the fixture `limr`. Chromium starts with WebGPU; the browser is
 * Playwright's own Chromium unless `CHROMIUM_PATH` or the project's `channel` or `launchOptions`
 * name another.
 */
export const test = playwrightTest.extend<LimrFixtures, LimrOptions>({
  limrAdapter: ['software', { scope: 'worker', option: true }],
  launchOptions: [
    async ({ launchOptions, limrAdapter }, use) => {
      const named = process.env['CHROMIUM_PATH'];
      const executable =
        launchOptions.executablePath ?? (named === undefined || named === '' ? undefined : named);
      await use({
        // The small headless Chromium, which Playwright would start, has no WebGPU.
        ...(executable === undefined ? { channel: 'chromium' } : { executablePath: executable }),
        ...launchOptions,
        args: [...chromiumArguments(limrAdapter), ...(launchOptions.args ?? [])],
      });
    },
    { scope: 'worker' },
  ],
  limr: async ({ browser, limrAdapter }, use, testInfo) => {
    const kind = browser.browserType().name();
    if (kind !== 'chromium') {
      throw new Error(`limr: experiments run in Chromium, and this project's browser is ${kind}`);
    }
    const running: Promise<unknown>[] = [];
    const opened: OwnPage[] = [];
    const run = async (request: ExperimentRequest = {}): Promise<FinishedExperiment> => {
      const name = running.length === 0 ? 'run' : `run-${running.length + 1}`;
      const folder = testInfo.outputPath(name);
      const config = await configFile(request, dirname(testInfo.file), `${folder}.config.json`);
      const ended = inBrowser(browser, limrAdapter, opened, [
        'run',
        ...(config === undefined ? [] : [config]),
        ...(request.preset === undefined ? [] : ['--preset', request.preset]),
        ...(request.methods === undefined ? [] : ['--methods', request.methods.join(',')]),
        ...(request.seeds === undefined ? [] : ['--seed', request.seeds.join(',')]),
        ...['--out', folder, '--adapter', limrAdapter],
      ]);
      running.push(ended);
      await ended;
      await testInfo.attach(`${name}: ${REPORT}`, {
        path: `${folder}/${REPORT}`,
        contentType: 'text/html',
      });
      return { folder, results: await readResults(folder) };
    };
    await use({ run });
    // A test that ran out of time leaves its page behind.
    await Promise.allSettled(opened.map(({ close }) => close()));
    await Promise.allSettled(running);
  },
});

/** The path of the request's config; a config that is given as an object is written first. */
async function configFile(
  { config }: ExperimentRequest,
  folder: string,
  path: string,
): Promise<string | undefined> {
  if (config === undefined) return undefined;
  if (typeof config === 'string') return resolve(folder, config);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(config, null, 2));
  return path;
}

/**
 * Runs a command of `limr` in a page of the test's browser.
 *
 * @param opened Receives the page, for the fixture to close.
 * @throws Error with the last line that the command printed, unless the command ends with code 0.
 */
async function inBrowser(
  browser: Browser,
  adapter: LimrOptions['limrAdapter'],
  opened: OwnPage[],
  argv: readonly string[],
): Promise<void> {
  let last = '';
  const host = {
    ...nodeSystem,
    terminal: false,
    stderr: (text: string) => {
      last = text.trimEnd().split('\n').at(-1) ?? '';
      return nodeSystem.stderr(text);
    },
  };
  const code = await runInChromium(host, argv, adapter, async () => {
    const context = await browser.newContext();
    const own = { page: await context.newPage(), close: () => context.close() };
    opened.push(own);
    return own;
  });
  if (code !== 0) throw new Error(last);
}

/** Playwright's `expect` with the matcher `toMatchResults`. */
export const expect = playwrightExpect.extend({
  /**
   * Compares a run with a baseline file, as `limr check` does: equal numbers where adapter, host,
   * kernels, version and machine are the baseline's, else 95 % intervals of the differences.
   * `playwright test --update-snapshots` writes the file; nothing else does.
   *
   * @param baseline The file, from the test's folder.
   * @throws Error if the file is missing or damaged, or of another experiment.
   */
  async toMatchResults(run: FinishedExperiment, baseline: string, options: ComparisonOptions = {}) {
    const name = 'toMatchResults';
    if (this.isNot) throw new Error(`${name}: a run that must differ tells nothing`);
    const info = playwrightTest.info();
    const file = resolve(dirname(info.file), baseline);
    if (['all', 'changed'].includes(info.config.updateSnapshots)) {
      const { written } = await updateBaseline(run.folder, file);
      if (written) await nodeSystem.stderr(`${file}: now holds the results of this run\n`);
      return { name, pass: true, message: () => '' };
    }
    if (!existsSync(file)) {
      const advice = 'npx playwright test --update-snapshots makes the first baseline';
      throw new Error(`${name}: ${file}: no such file; ${advice}`);
    }
    const comparison = await checkRun(run.folder, file, options);
    const lines = comparisonLines(comparison).map((line) => `  ${visibleText(line)}`);
    const text = [verdict(comparison, baseline), ...lines].join('\n');
    // A failure shows the same lines in its message.
    if (comparison.passed)
      await info.attach(`comparison with ${baseline}`, { body: text, contentType: 'text/plain' });
    const advice = 'If that is meant: npx playwright test --update-snapshots';
    return { name, pass: comparison.passed, message: () => `${text}\n${advice}` };
  },
});

export type { ComparedRow, Comparison, ComparisonOptions, Rule } from './report/baseline.ts';
