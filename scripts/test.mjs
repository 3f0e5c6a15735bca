// npm test: every check of the project in stages, and one line of counts at the end.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { denoCommand, modulePath, readArguments, root, run } from './process.mjs';
import { setUp } from './setup.mjs';

/**
 * The counts of a stage. `names` allows a comparison of hosts; `failures` are the failed tests, each
 * with its reason; `errors` explains failures that no test printed.
 *
 * @typedef {{
 *   passed: number,
 *   failed: number,
 *   skipped: { name: string, reason: string }[],
 *   names: string[],
 *   failures: string[],
 *   errors: string[],
 * }} Tally
 */

const help = `npm test [-- options] [file filters]

  --only STAGE,STAGE  run these stages only
  --setup             only look for what the tests need, and install it where that is allowed
  --yes               install what is missing without asking (as root in CI or a container: always)
  -h, --help          this text

Stages: unit, build, types, gpu-deno, gpu-chromium, e2e-node, gpu-node, e2e, lint, structure, parity, format.
After unit and build two stages run at a time where there are two cores, gpu-deno beside them, each
printed at its end.
File filters go to the unit and gpu stages, and run those alone unless --only says otherwise. The last
line is the sum of what the runners counted; types, lint, format, build, parity and the comparison of
the GPU hosts count as one check each.
`;

const scratch = mkdtempSync(join(tmpdir(), 'limr-test-'));
/** @returns {Tally} */
const emptyTally = () => ({
  passed: 0,
  failed: 0,
  skipped: [],
  names: [],
  failures: [],
  errors: [],
});

/**
 * @param {Tally} tally
 * @param {string} error
 */
function fail(tally, error) {
  tally.failed++;
  tally.errors.push(error);
}

/**
 * Runs commands that count as one check.
 *
 * @param {boolean} hold
 * @param {string[][]} commands Arguments of node; the commands run in turn.
 * @returns {Promise<Tally>}
 */
async function check(hold, ...commands) {
  const tally = emptyTally();
  for (const args of commands) {
    const code = await run(process.execPath, args, { minutes: 10, hold });
    if (code !== 0) {
      tally.failed = 1;
      tally.failures.push(`${relative(root, args[0] ?? '')} ended with exit code ${code}`);
    }
  }
  tally.passed = 1 - tally.failed;
  return tally;
}

/**
 * @param {boolean} hold
 * @param {string} project
 * @param {string[]} runtime The program that runs vitest, and its arguments.
 * @returns {Promise<Tally>}
 */
async function vitest(hold, project, [command = '', ...args]) {
  const tallyPath = join(scratch, `${project}.json`);
  const code = await run(command, [...args, 'run', '--project', project, ...filters], {
    env: { LIMR_TALLY: tallyPath, DENO_NO_UPDATE_CHECK: '1' },
    minutes: 30,
    hold,
  });
  return readTally(code, tallyPath, (text) => /** @type {Tally} */ (JSON.parse(text)));
}

/** @returns {Promise<number>} */
const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });

/**
 * @param {boolean} hold
 * @returns {Promise<Tally>}
 */
async function playwright(hold) {
  const built = await run(process.execPath, [join(root, 'scripts/build.mjs'), '--demo'], {
    minutes: 10,
    hold,
  });
  if (built !== 0) {
    const tally = emptyTally();
    fail(tally, 'the demo does not build');
    return tally;
  }
  const tallyPath = join(scratch, 'playwright.json');
  const code = await run(
    process.execPath,
    [modulePath('playwright/cli.js'), 'test', '--project=e2e', '--reporter=list,json'],
    {
      env: { PLAYWRIGHT_JSON_OUTPUT_FILE: tallyPath, LIMR_PREVIEW_PORT: String(await freePort()) },
      minutes: 30,
      hold,
    },
  );
  return readTally(code, tallyPath, (text) => tallyOfPlaywright(JSON.parse(text)));
}

/**
 * @param {import('playwright/types/testReporter').JSONReport} report
 * @returns {Tally}
 */
function tallyOfPlaywright(report) {
  const tally = emptyTally();
  /** @param {import('playwright/types/testReporter').JSONReportSuite} suite */
  const visit = (suite) => {
    for (const spec of suite.specs) {
      const name = `${spec.file} > ${spec.title}`;
      for (const test of spec.tests) {
        tally.names.push(name);
        if (test.status === 'expected') tally.passed++;
        else if (test.status === 'skipped') {
          const reason = test.annotations.find(({ type }) => type === 'skip')?.description;
          tally.skipped.push({ name, reason: reason ?? '' });
        } else {
          // Flaky counts as failed: there are no retries to hide behind.
          tally.failed++;
          const message = test.results.at(-1)?.error?.message ?? test.status;
          tally.failures.push(`${name}: ${message}`);
        }
      }
    }
    for (const inner of suite.suites ?? []) visit(inner);
  };
  for (const suite of report.suites) visit(suite);
  for (const error of report.errors) fail(tally, error.message ?? 'an error without a message');
  return tally;
}

/**
 * Reads the counts of a runner. A broken run counts as failed.
 *
 * @param {number} code
 * @param {string} path The file that the runner wrote; missing if the runner broke off.
 * @param {(text: string) => Tally} read
 * @returns {Tally}
 */
function readTally(code, path, read) {
  const tally = existsSync(path) ? read(readFileSync(path, 'utf8')) : emptyTally();
  for (const { name, reason } of tally.skipped) {
    if (reason === '') fail(tally, `${name}: skipped without a reason`);
  }
  if (code === 124) fail(tally, 'ran out of time');
  else if (code !== 0 && tally.failed === 0) fail(tally, `the runner ended with exit code ${code}`);
  if (tally.names.length === 0 && tally.failed === 0) fail(tally, 'ran no test');
  return tally;
}

/**
 * Checks that the hosts collected the same tests, and prints how many tests each host ran. The list
 * of skips holds the reason for each test that a host skipped.
 *
 * @param {Map<string, Tally>} hosts
 * @returns {Tally}
 */
function compareHosts(hosts) {
  const tally = emptyTally();
  const all = new Set([...hosts.values()].flatMap(({ names }) => names));
  for (const [host, { names }] of hosts) {
    const own = new Set(names);
    const missing = [...all].filter((name) => !own.has(name));
    for (const name of missing.slice(0, 10)) tally.errors.push(`${host} lacks ${name}`);
    if (missing.length > 10) tally.errors.push(`${host} lacks ${missing.length - 10} more`);
  }
  const counts = [...hosts.values()].map(({ names }) => names.length);
  if (new Set(counts).size > 1) tally.errors.push(`the hosts ran ${counts.join(', ')} tests`);
  for (const [host, { passed, failed, skipped, names }] of hosts) {
    process.stdout.write(
      `${host}: ran ${passed + failed} of ${names.length} tests, skipped ${skipped.length}\n`,
    );
  }
  if (tally.errors.length > 0) tally.failed = 1;
  else tally.passed = 1;
  return tally;
}

/** @param {Tally} tally */
const inWords = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`;

const { values: options, positionals: filters } = readArguments('npm test', {
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    setup: { type: 'boolean', default: false },
    yes: { type: 'boolean', short: 'y', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const vitestScript = modulePath('vitest/vitest.mjs');

/** TypeScript's native compiler. The package `typescript` is the older one, whose API tools use. */
const tsc = modulePath('typescript-native/bin/tsc');

/**
 * The stages. After `build` they start in this order, two at a time: long stages before short ones,
 * so that both end together. A compiling driver or a reference in float64 keeps one core busy; the
 * stage beside it uses the other core. A stage of `idleStages` runs as a third.
 *
 * @type {Record<string, (hold: boolean) => Promise<Tally>>}
 */
const stages = {
  unit: (hold) => vitest(hold, 'unit', [process.execPath, vitestScript]),
  build: (hold) => check(hold, [join(root, 'scripts/build.mjs')]),
  types: (hold) => check(hold, ...['.', 'test', 'examples'].map((project) => [tsc, '-p', project])),
  'gpu-deno': (hold) => vitest(hold, 'deno', [...denoCommand(), vitestScript]),
  'gpu-chromium': (hold) => vitest(hold, 'chromium', [process.execPath, vitestScript]),
  'e2e-node': (hold) => vitest(hold, 'e2e-node', [process.execPath, vitestScript]),
  'gpu-node': (hold) => vitest(hold, 'gpu', [process.execPath, vitestScript]),
  e2e: playwright,
  lint: (hold) =>
    check(
      hold,
      [modulePath('oxlint/bin/oxlint')],
      [modulePath('knip/bin/knip.js'), '--production', '--no-progress'],
    ),
  structure: (hold) => vitest(hold, 'structure', [process.execPath, vitestScript]),
  parity: (hold) =>
    check(hold, [
      '--import',
      pathToFileURL(join(root, 'scripts/ts-hooks.mjs')).href,
      join(root, 'scripts/parity.mjs'),
    ]),
  format: (hold) =>
    check(hold, [modulePath('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '.']),
};
const firstStages = ['unit', 'build'];
/** Deno waits at least 10 ms for each map and each `onSubmittedWorkDone`: its core is mostly idle. */
const idleStages = ['gpu-deno'];
const gpuStages = ['gpu-node', 'gpu-chromium', 'gpu-deno'];
const vitestStages = ['unit', ...gpuStages];

async function main() {
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  const wanted =
    options.only?.split(',') ?? (filters.length > 0 ? vitestStages : Object.keys(stages));
  const unknown = wanted.find((name) => !(name in stages));
  if (unknown !== undefined) {
    process.stderr.write(
      `npm test: no stage '${unknown}'; there are ${Object.keys(stages).join(', ')}\n`,
    );
    return 2;
  }
  const settingUp = setUp(
    {
      adapter: ['gpu-node', 'gpu-deno', 'parity', 'e2e-node'].some((name) => wanted.includes(name)),
      browser: ['gpu-chromium', 'e2e', 'e2e-node'].some((name) => wanted.includes(name)),
    },
    { yes: options.yes },
  );
  if (options.setup) return (await settingUp) ? 0 : 1;
  // At a terminal the set-up may ask; elsewhere the first stages run meanwhile, which need none of it.
  if (process.stdin.isTTY) await settingUp;

  /** @type {Map<string, Tally>} */
  const tallies = new Map();
  /**
   * @param {[name: string, stage: (hold: boolean) => Promise<Tally>]} named
   * @param {boolean} hold Whether another stage runs at the same time.
   */
  const runStage = async ([name, stage], hold) => {
    process.stdout.write(`\n== ${name}${hold ? ' begins' : ''}\n`);
    const started = performance.now();
    const tally = await stage(hold);
    tallies.set(name, tally);
    for (const error of tally.errors) process.stdout.write(`${name}: ${error}\n`);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(`== ${name}: ${inWords(tally)} in ${seconds} s\n`);
  };
  const chosen = Object.entries(stages).filter(([name]) => wanted.includes(name));
  for (const named of chosen.filter(([name]) => firstStages.includes(name))) {
    await runStage(named, false);
  }
  // A missing driver or browser fails the stages that need it; the other stages still run.
  await settingUp;
  const later = chosen.filter(([name]) => !firstStages.includes(name));
  const idle = later.filter(([name]) => idleStages.includes(name));
  const busy = later.filter(([name]) => !idleStages.includes(name));
  const hold = availableParallelism() > 1 && later.length > 1;
  /** @param {typeof later} waiting */
  const lane = async (waiting) => {
    for (let named = waiting.shift(); named !== undefined; named = waiting.shift()) {
      await runStage(named, hold);
    }
  };
  await Promise.all(hold ? [lane(idle), lane(busy), lane(busy)] : [lane(later)]);
  const hosts = new Map([...tallies].filter(([name]) => gpuStages.includes(name)));
  if (hosts.size > 1) {
    const tally = compareHosts(hosts);
    tallies.set('same GPU tests on every host', tally);
    for (const error of tally.errors) process.stdout.write(`${error}\n`);
  }

  process.stdout.write('\n');
  const total = emptyTally();
  const told = [...Object.keys(stages), ...tallies.keys()];
  for (const name of new Set(told)) {
    const tally = tallies.get(name);
    if (tally === undefined) continue;
    process.stdout.write(`${name}: ${inWords(tally)}\n`);
    for (const skip of tally.skipped) {
      process.stdout.write(`  skipped: ${skip.name}: ${skip.reason}\n`);
    }
    total.passed += tally.passed;
    total.failed += tally.failed;
    total.skipped.push(...tally.skipped);
  }
  // Last, where a log that was cut still has them.
  for (const [name, { failures, errors }] of tallies) {
    for (const failure of [...failures, ...errors]) {
      const text = stripVTControlCharacters(failure).replaceAll(/\s+/g, ' ');
      process.stdout.write(`failed: ${name}: ${text.slice(0, 400)}\n`);
    }
  }
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
  return total.failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
