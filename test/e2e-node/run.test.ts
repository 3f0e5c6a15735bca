import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { bunCommand, denoCommand } from '../../scripts/process.mjs';
import { configHash } from '../../src/config.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import type { Inspected } from '../../src/inspection/calls.ts';
import { presets } from '../../src/presets.ts';
import { tiny } from '../e2e/tiny.ts';
import { differences } from '../faults/compare.ts';
import { commandsIn, type Ended, limrScript, nodeCommand } from '../support/limr-command.ts';
import { Laboratory } from '../faults/laboratory.ts';

// Pipelines are compiled anew in every process, on both hosts.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'limr-e2e-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const linesOf = (path: string): number => readFileSync(path, 'utf8').trimEnd().split('\n').length;
const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

const node = nodeCommand;
const deno = [...denoCommand(), limrScript];
const bun = bunCommand();
const start = commandsIn(folder);

/** The path of a small experiment's config, which trains FULL and LIM. */
const config = at('tiny.json');
const length = tiny.experiment.epochs * (tiny.task.poolPrompts / tiny.rollout.prompts);

/** Starts a run that meets something, a SIGINT unless told otherwise, once some updates are done. */
async function interrupted(
  program: readonly string[],
  out: string,
  meet: (child: ChildProcess) => void = (child) => child.kill('SIGINT'),
  options: readonly string[] = [],
): Promise<Ended> {
  let timer: ReturnType<typeof setInterval> | undefined;
  const ended = await start(program, ['run', config, '--out', out, ...options], (child) => {
    timer ??= setInterval(() => {
      const records = at(`${out}/metrics.jsonl`);
      if (!existsSync(records) || linesOf(records) < 3) return;
      clearInterval(timer);
      meet(child);
    }, 20);
  });
  clearInterval(timer);
  return ended;
}

let madeWhole: Promise<Ended> | undefined;
/** The run that nothing disturbs, in the folder `whole`. */
const wholeRun = (): Promise<Ended> =>
  (madeWhole ??= start(node, ['run', config, '--out', 'whole']));

/** Files alike but for times. Which checkpoint is the last but one depends on where a run was left. */
function expectSameRun(one: string, other: string): void {
  const odd = differences(at(one), at(other));
  expect(odd.filter((text) => !text.startsWith('checkpoints/the previous'))).toEqual([]);
}

/** Takes the bits of evaluations out of a run's events and results. */
function dropBits(run: string): void {
  const without = (text: string): string =>
    JSON.stringify(
      JSON.parse(text, (key, value: unknown) => (key === 'correct' ? undefined : value)),
    );
  const [events, results] = [at(`${run}/events.jsonl`), at(`${run}/results.json`)];
  const lines = readFileSync(events, 'utf8').trimEnd().split('\n');
  writeFileSync(events, lines.map((line) => `${without(line)}\n`).join(''));
  writeFileSync(results, without(readFileSync(results, 'utf8')));
}

/** Responses and rewards of a file of completions, without verdicts. */
const saidIn = (path: string): unknown =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [prompt, ...responses] = JSON.parse(line) as [number, ...[string, number][]];
      return [prompt, responses.map(([text, reward]) => [text, reward])];
    });

beforeAll(async () => {
  const { experiment } = tiny;
  const more = { experiment: { ...experiment, methods: ['full', 'lim'], checkpointEvery: 4 } };
  writeFileSync(config, JSON.stringify({ ...tiny, ...more }));
  // Brings dist/ up to date outside the time of a test.
  await start(node, ['--version']);
});

describe('limr run', () => {
  test('takes a free folder, and goes on after Ctrl-C bit for bit', async () => {
    // A run that was begun is neither touched nor forgotten.
    mkdirSync(at('runs/quick-1'), { recursive: true });
    writeFileSync(at('runs/quick-1/config.json'), '{}');
    const whole = await start(node, ['run', config]);
    expect(whole.code).toBe(0);
    expect(whole.stderr).toContain('run: runs/quick-1-2\n');
    expect(whole.stderr).toContain('limr run --resume runs/quick-1 goes on with it');
    expect(readFileSync(at('runs/quick-1/config.json'), 'utf8')).toBe('{}');

    const first = await interrupted(node, 'parts');
    expect(first.code).toBe(1);
    expect(first.stderr).toContain('continue with: limr run --resume parts\n');
    expect(existsSync(at('parts/results.json'))).toBe(false);
    expect(linesOf(at('parts/metrics.jsonl'))).toBeLessThan(length + tiny.experiment.armLength);
    // Its base is made, and not made again.
    const told = await start(node, ['run', '--resume', 'parts', '--estimate']);
    expect(told.code).toBe(0);
    expect(told.stderr).not.toContain('pre-training its base');
    const fresh = await start(node, ['run', config, '--estimate']);
    expect(fresh.stderr).toContain('pre-training its base');
    expect((await start(node, ['run', '--resume', 'parts'])).code).toBe(0);
    expectSameRun('parts', 'runs/quick-1-2');
  });

  test('keeps weights that other commands read, and models that can be asked', async () => {
    const folder = 'whole';
    const done = await wholeRun();
    expect(done.code).toBe(0);
    expect(done.stderr).toContain('weights: model-base, model, model-lim (limr generate');
    const greedy = ['--prompt', '1+2__=', '--temperature', '0', '--json'];
    const generated = await start(node, ['generate', `${folder}/model-lim`, ...greedy]);
    expect(generated.code).toBe(0);
    const [{ ids }] = JSON.parse(generated.stdout) as { ids: number[] }[];
    const asked = ['inspect', folder, '--weights', 'base,lim', '--prompt', '1 + 2', '--json'];
    const inspected = await start(node, [...asked, '--temperature', '0']);
    expect(inspected.code).toBe(0);
    const [base, lim] = JSON.parse(inspected.stdout) as Inspected[];
    expect([base.by.weights, lim.by.weights]).toEqual(['base', 'lim']);
    expect(lim.prompt).toEqual({ text: '1+2__=', key: '0' });
    // The same model, by its folder and by the run.
    const [{ tokens }] = lim.responses;
    expect(tokens.map(({ id }) => id)).toEqual(ids);
    expect(tokens.map(({ alternatives: [first] }) => first.id)).toEqual(ids);
    const nobody = await start(node, ['inspect', folder, '--weights', 'rand', '--place', '0']);
    expect(nobody.code).toBe(2);
    expect(nobody.stderr).toContain(
      'limr inspect: weights: rand is none of full, lim, whose weights',
    );
    const long = await start(node, ['inspect', folder, '--prompt', '1'.repeat(110_000)]);
    expect(long.code).toBe(2);
    expect(long.stderr).toContain('limr inspect: prompt.text: 110000 characters, more than');
  });

  test('goes on where its device is lost, and ends as if nothing had been', async () => {
    const laboratory = await Laboratory.open();
    try {
      const done = await laboratory.run(['run', config, '--out', at('lost')], {
        orders: { device: { mode: 'lose', at: 150 } },
      });
      expect(done.stderr).toMatch(
        /device lost: .*; opening a device again in 1 s \(1 of 5 within an hour\)\n/,
      );
      expect(done.code).toBe(0);
    } finally {
      await laboratory.close();
    }
    expectSameRun('lost', 'runs/quick-1-2');
  });

  test.skipIf(process.platform === 'win32').each([
    ['SIGTERM', 'term', (child: ChildProcess) => child.kill('SIGTERM')],
    [
      'a terminal that closes, and says so twice',
      'hangup',
      (child: ChildProcess) => {
        // What is written there from now on fails.
        child.stderr?.destroy();
        child.kill('SIGHUP');
        setTimeout(() => child.kill('SIGHUP'), 5);
      },
    ],
  ])('checkpoints after %s and goes on bit for bit', async (_, out, meet) => {
    await wholeRun();
    const first = await interrupted(node, out, meet);
    expect([first.code, first.signal]).toEqual([1, null]);
    expect(existsSync(at(`${out}/.lock`))).toBe(false);
    // The checkpoint is that of the stop: nothing is done again.
    const done = linesOf(at(`${out}/metrics.jsonl`));
    const { checkpoints } = json(at(`${out}/checkpoints/latest.json`)) as {
      checkpoints: { files: Record<string, { bytes: number }> }[];
    };
    const { bytes } = checkpoints[0].files['metrics.jsonl'];
    expect(bytes).toBe(readFileSync(at(`${out}/metrics.jsonl`)).length);
    const rest = await start(node, ['run', '--resume', out]);
    expect(rest.code).toBe(0);
    expect(linesOf(at(`${out}/metrics.jsonl`))).toBeGreaterThan(done);
    expectSameRun(out, 'whole');
  });

  test('checkpoints when its terminal is gone', async (context) => {
    const script = existsSync('/usr/bin/script') && process.platform === 'linux';
    if (!script) context.skip('no program `script` makes a terminal here');
    await wholeRun();
    const line = [...node, 'run', config, '--out', 'gone'].map((word) => `'${word}'`).join(' ');
    let timer: ReturnType<typeof setInterval> | undefined;
    const child = spawn('/usr/bin/script', ['-qec', line, '/dev/null'], {
      cwd: folder,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await new Promise<void>((resolve) => {
      timer = setInterval(() => {
        const records = at('gone/metrics.jsonl');
        if (existsSync(records) && linesOf(records) >= 3) resolve();
      }, 20);
    });
    clearInterval(timer);
    const { pid } = json(at('gone/.lock')) as { pid: number };
    // The other end of the terminal goes with it.
    child.kill('SIGKILL');
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 60_000 }).toBe(false);
    // Let go of in order, after the checkpoint of the stop.
    expect(existsSync(at('gone/.lock'))).toBe(false);
    expect((await start(node, ['run', '--resume', 'gone'])).code).toBe(0);
    expectSameRun('gone', 'whole');
  });

  test.skipIf(process.platform === 'win32')(
    'is the only one in its folder, and after a kill the next one takes over',
    async () => {
      await wholeRun();
      const seen: Ended[] = [];
      let asked = Promise.resolve();
      const first = await interrupted(node, 'alone', (child) => {
        asked = (async () => {
          child.kill('SIGSTOP');
          for (const argv of [
            ['--resume', 'alone'],
            [config, '--out', 'alone'],
          ]) {
            seen.push(await start(node, ['run', ...argv]));
          }
          child.kill('SIGKILL');
        })();
      });
      await asked;
      expect(first.signal).toBe('SIGKILL');
      for (const { code, stderr } of seen) {
        expect([code, stderr]).toEqual([
          2,
          expect.stringMatching(
            /^limr run: alone: another run works there: process \d+ on \S+, since \S+; wait for its end, or end it\n$/,
          ),
        ]);
      }
      expect(existsSync(at('alone/.lock'))).toBe(true);
      writeFileSync(at('alone/config.json.1.partial'), '');
      expect((await start(node, ['run', '--resume', 'alone'])).code).toBe(0);
      expectSameRun('alone', 'whole');
      expect(readdirSync(at('alone')).filter((name) => /lock|part/.test(name))).toEqual([]);
      // Its report is all that a kill at the very end leaves to be done.
      rmSync(at('alone/report.html'));
      expect((await start(node, ['run', '--resume', 'alone'])).code).toBe(0);
      expect(existsSync(at('alone/report.html'))).toBe(true);
    },
  );

  test('tells why the checkpoint of a Ctrl-C could not be written', async () => {
    const out = 'unwritable';
    let stopped = false;
    const rare = at('rare.json');
    const { experiment } = tiny;
    writeFileSync(
      rare,
      JSON.stringify({ ...tiny, experiment: { ...experiment, checkpointEvery: 1000 } }),
    );
    const ended = await start(node, ['run', rare, '--out', out], (child, stderr) => {
      if (stopped || !stderr.includes('PPO on the full pool')) return;
      stopped = true;
      // Stands for a disk that is full.
      rmSync(at(`${out}/checkpoints`), { recursive: true, force: true });
      writeFileSync(at(`${out}/checkpoints`), 'a file');
      child.kill('SIGINT');
    });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(
      /limr run: .*the checkpoint seed-0-full-\d+ could not be written: .+\n$/,
    );
    expect(ended.stderr).not.toContain('continue with');
  });

  test('goes on with a run that version 0.1.0 began', async () => {
    cpSync(join(root, 'test/old-runs/layout-1'), at('old'), { recursive: true });
    const rest = await start(node, ['run', '--resume', 'old']);
    expect(rest.code).toBe(0);
    expect(rest.stderr).toContain('is of version 0.1.0, which kept no digests');
    expect(linesOf(at('old/metrics.jsonl'))).toBe(16 + 8);
    expect(json(at('old/results.json'))).toMatchObject({ schema: 1 });
  });

  test.for([
    ['FULL', 'layout-2-full'],
    ['the LIM arm', 'layout-2-lim'],
  ] as const)(
    'goes on bit for bit with a run that a version without a log left in %s',
    async ([, name], context) => {
      const left = join(root, 'test/old-runs', name);
      const [out, undisturbed] = [`${name}/run`, 'layout-2-undisturbed'];
      cpSync(left, at(out), { recursive: true });
      const before = readFileSync(join(left, 'metrics.jsonl'), 'utf8');
      const rest = await start(node, ['run', '--resume', out]);
      expect(rest.code).toBe(0);
      expect(rest.stderr).not.toContain('damaged');
      expect(readFileSync(at(`${out}/metrics.jsonl`), 'utf8').startsWith(before)).toBe(true);
      expect(linesOf(at(`${out}/metrics.jsonl`))).toBe(12 + 8);
      if (!existsSync(at(undisturbed))) {
        // A folder that has no checkpoint yet is begun as its config says.
        mkdirSync(at(undisturbed));
        cpSync(join(left, 'config.json'), at(`${undisturbed}/config.json`));
        expect((await start(node, ['run', '--resume', undisturbed])).code).toBe(0);
      }
      const latest = json(join(left, 'checkpoints/latest.json')) as { file: string };
      const { metadata } = readSafetensors(readFileSync(join(left, latest.file)), latest.file);
      const here = json(at(`${undisturbed}/results.json`)) as { adapter: string; host: string };
      const there = { adapter: metadata.get('adapter'), host: metadata.get('host') };
      if (there.adapter !== here.adapter || there.host !== here.host) {
        const [begun, went] = [there, here].map((one) => `${one.adapter} in ${one.host}`);
        context.skip(`begun on ${begun}, gone on with on ${went}: its bits may be others`);
      }
      // The older version kept no bit for each held-out prompt, and no verdicts beside responses and
      // rewards.
      for (const run of [out, undisturbed]) dropBits(run);
      const odd = differences(at(out), at(undisturbed));
      // Nor weights, nor responses to methods: those of what was done by then are not known.
      const gone = name === 'layout-2-lim' ? /^model\/[\w.]+ is missing$/ : /^$/;
      expect(odd.filter((text) => !text.startsWith('completions/') && !gone.test(text))).toEqual(
        [],
      );
      for (const file of readdirSync(at(`${out}/completions`))) {
        if (!file.includes('-epoch-')) {
          const said = (run: string) => readFileSync(at(`${run}/completions/${file}`), 'utf8');
          expect(linesOf(at(`${out}/completions/${file}`))).toBeGreaterThan(0);
          expect(said(undisturbed).endsWith(said(out))).toBe(true);
          continue;
        }
        const [own, want] = [out, undisturbed].map((run) =>
          saidIn(at(`${run}/completions/${file}`)),
        );
        expect([file, own]).toEqual([file, want]);
      }
    },
  );

  test('remembers a Ctrl-C from before there is anything to stop', async () => {
    // The signal itself cannot be timed to come while the device is opened.
    const code = `
      const on = process.on;
      process.on = function (name, listener) {
        if (name === 'SIGINT') queueMicrotask(listener);
        return on.call(this, name, listener);
      };
      const { main } = await import('${pathToFileURL(join(root, 'dist/src/cli/main.js')).href}');
      process.exit(await main(['run', '${config}', '--out', 'early']));`;
    writeFileSync(at('early.mjs'), code);
    const ended = await start([process.execPath, at('early.mjs')], []);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('continue with: limr run --resume early');
    expect(existsSync(at('early/config.json'))).toBe(true);
    expect(existsSync(at('early/results.json'))).toBe(false);
  });

  test.skipIf(process.platform === 'win32')('ends at once on a second Ctrl-C', async () => {
    const { signal } = await start(node, ['run', config, '--out', 'twice'], (child, stderr) => {
      if (stderr.includes('stopping after')) child.kill('SIGINT');
      else if (stderr.includes('adapter: ')) child.kill('SIGINT');
    });
    // What a shell shows as exit code 130.
    expect(signal).toBe('SIGINT');
  });

  test('leaves nothing where the adapter is missing or the device too small', async (context) => {
    writeFileSync(at('large.json'), JSON.stringify({ rollout: { prompts: 160, samples: 1024 } }));
    const tooSmall = await start(node, ['run', 'large.json', '--out', 'never']);
    expect(tooSmall).toMatchObject({ code: 1, stdout: '' });
    expect(tooSmall.stderr).toMatch(/^limr run: .+\n$/);
    expect(existsSync(at('never'))).toBe(false);
    const doctor = await start(node, ['doctor', '--only', '--adapter', 'gpu']);
    if (doctor.code === 0) context.skip('there is a real GPU here, so its kind is not missing');
    const absent = await start(node, ['run', '--adapter', 'gpu', '--out', 'never']);
    expect(absent).toMatchObject({ code: 1, stdout: '' });
    expect(absent.stderr).toMatch(/^limr run: .+\n$/);
    expect(existsSync(at('never'))).toBe(false);
  });

  test('refuses a damaged checkpoint as bad input', async () => {
    const { quick } = presets;
    const file = { schema: 1, config: quick, configHash: await configHash(quick), seeds: [1] };
    mkdirSync(at('damaged/checkpoints'), { recursive: true });
    writeFileSync(at('damaged/config.json'), JSON.stringify(file));
    writeFileSync(at('damaged/checkpoints/latest.json'), '{"schema": 1, "file": 3}');
    const { code, stderr } = await start(node, ['run', '--resume', 'damaged']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^limr run: .*latest\.json is damaged: .+\n$/) as string,
    });
  });
});

describe('in Chromium', () => {
  test('a closed terminal checkpoints too, and Node does not go on beside it', async () => {
    const options = ['--host', 'chromium'];
    const first = await interrupted(
      node,
      'page',
      (child) => {
        child.kill('SIGHUP');
        child.kill('SIGHUP');
      },
      options,
    );
    expect(first.code).toBe(1);
    expect(first.stderr).toContain('continue with: limr run --resume page\n');
    expect(existsSync(at('page/.lock'))).toBe(false);
    expect((await start(node, ['run', '--resume', 'page', ...options])).code).toBe(0);
    expect(linesOf(at('page/metrics.jsonl'))).toBe(length + tiny.experiment.armLength);
  });
});

describe('under Deno', () => {
  test('limr run goes on after Ctrl-C', async () => {
    const first = await interrupted(deno, 'deno');
    expect(first.code).toBe(1);
    expect(first.stderr).toContain('continue with: limr run --resume deno\n');
    const rest = await start(deno, ['run', '--resume', 'deno', '--json']);
    expect(rest.code).toBe(0);
    const results = json(at('deno/results.json'));
    expect(JSON.parse(rest.stdout)).toEqual(results);
    expect(results).toMatchObject({ schema: 1, host: expect.stringMatching(/^deno/i) as string });
    expect(readFileSync(at('deno/report.html'), 'utf8').trimEnd()).toMatch(/<\/html>$/);
  });

  test('limr doctor tells of all hosts, also of one that is not there', async () => {
    const env = ['env', `CHROMIUM_PATH=${at('no-chromium')}`];
    const { code, stdout } = await start(
      [...env, ...deno],
      ['doctor', '--json', '--out', 'd.json'],
    );
    expect(code).toBe(0);
    const { hosts } = JSON.parse(stdout) as {
      hosts: { host: string; adapters: { selfTest: { passed: boolean } }[]; problems: string[] }[];
    };
    expect(hosts.map(({ host }) => host.split(/[ ,]/)[0])).toEqual(['Deno', 'Node', 'Chromium']);
    for (const { adapters } of hosts.slice(0, 2)) expect(adapters[0].selfTest.passed).toBe(true);
    expect(hosts[2].problems).toEqual([`CHROMIUM_PATH: no file at ${at('no-chromium')}`]);
    expect(json(at('d.json'))).toEqual(JSON.parse(stdout));
  });
});

describe('under Bun', () => {
  const program = [...(bun ?? []), limrScript];
  beforeEach((context) => {
    if (bun === undefined) context.skip('npm has no package of Bun for this platform');
  });

  test('limr run is the run of Node bit for bit, also after Ctrl-C', async () => {
    expect((await wholeRun()).code).toBe(0);
    const first = await interrupted(program, 'bun');
    expect(first.code).toBe(1);
    expect(first.stderr).toContain('continue with: limr run --resume bun\n');
    expect((await start(program, ['run', '--resume', 'bun'])).code).toBe(0);
    const host = expect.stringMatching(/^bun/) as string;
    expect(json(at('bun/results.json'))).toMatchObject({ schema: 1, host });
    for (const name of ['rewards.safetensors', 'scores.json', 'subsets/lim.json']) {
      const [own, want] = ['bun', 'whole'].map((out) => readFileSync(at(`${out}/${name}`)));
      expect([name, own.equals(want)]).toEqual([name, true]);
    }
  });

  test('limr doctor passes its self-test, limr score reads rollouts', async () => {
    const { code, stdout } = await start(program, ['doctor', '--only', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      hosts: [{ host: expect.stringMatching(/^Bun/) as string }],
    });
    const rows = [0, 1].flatMap((step) =>
      [0, 1].map((i) => ({ prompt: `p${i}`, response: 'r', reward: Number(i <= step), step })),
    );
    writeFileSync(at('rollouts.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const scored = await start(program, ['score', 'rollouts.jsonl', '--out', 'bun-scores.json']);
    expect(scored.code).toBe(0);
    expect(json(at('bun-scores.json'))).toMatchObject([
      { prompt: 'p0', rewards: [1, 1] },
      { prompt: 'p1', rewards: [0, 1] },
    ]);
  });
});

test('runs a bandit, named in three lines, to its report; a cut by count is said as one', async () => {
  const task = { name: 'bandit', prompts: 8, arms: 4, reward: 'match' };
  const config = {
    task,
    base: { updates: 2 },
    lim: { count: 3 },
    experiment: { epochs: 2, armLength: 1, readouts: [1], tableReadout: 1 },
  };
  const file = at('bandit.json');
  writeFileSync(file, JSON.stringify(config));
  const { code, stderr } = await start(node, ['run', file, '--out', 'bandit']);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toContain(
    `${file}: rollout.prompts is 8, not 32 as in quick: the pool has 8 prompts\n`,
  );
  expect(stderr).toMatch(
    /LIM kept 3 of 8 prompts by count, the 3 highest, down to a score of -?\d\.\d{3};/,
  );
  expect(stderr).not.toContain('theta');
  const results = json(at('bandit/results.json')) as {
    config: unknown;
    lim: object;
  };
  expect(results.config).toMatchObject({ task, rollout: { prompts: 8 } });
  expect(results.lim).toMatchObject({ count: 3, kept: 3 });
  const page = readFileSync(at('bandit/report.html'), 'utf8');
  expect(page).toContain('a bandit: which of 4 arms belongs to a letter');
  expect(page).toContain('the 3 highest, from');
  expect(page).not.toMatch(/wrong on purpose|injected slips|θ = 0\.6 up/);
});
