import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import initSqlJs from 'sql.js';
import { afterAll, describe, expect, test } from 'vitest';
import { scalarRecord, fileVersion } from '../../src/export/event-file.ts';
import { projectFault } from '../../src/export/trackio.ts';
import type { UpdateRecord } from '../../src/results.ts';
import { lineOf } from '../../src/run-folder/events.ts';
import { runFileText } from '../../src/run-folder/run-file.ts';
import { methodEntries } from '../../src/selection/methods.ts';
import { limr } from '../support/command-line.ts';
import { makeRun, type MadeRun } from '../support/report-run.ts';

const place = mkdtempSync(join(tmpdir(), 'limr-export-'));
afterAll(() => {
  rmSync(place, { recursive: true });
});

const small = {
  task: { poolPrompts: 128 },
  experiment: { epochs: 3, armLength: 4, readouts: [2, 4], tableReadout: 4 },
};

let folders = 0;
/** Writes files into a folder of their own, named `name`. */
function written(files: ReadonlyMap<string, string>, name = 'made'): string {
  const folder = join(place, String(folders++), name);
  for (const [file, text] of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}
const out = (): string => join(place, `out-${folders++}`);
const made = makeRun({ seeds: [1, 5], overrides: small });
const records = (of: MadeRun): UpdateRecord[] =>
  of.files
    .get('metrics.jsonl')!
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as UpdateRecord);
const linesOf = (text: string): string[] => text.trim().split('\n');
const changed = (of: MadeRun, file: string, text: string): Map<string, string> =>
  new Map(of.files).set(file, text);
/** Runs `limr export` of a folder and returns the path of the output. */
async function exported(format: string, ...folders: string[]): Promise<string> {
  const to = out();
  const { code, stderr } = await limr('export', ...folders, '--format', format, '--out', to);
  expect(stderr).not.toMatch(/limr export:/);
  expect(code).toBe(0);
  return to;
}

describe('a tidy table', () => {
  test('has every number of the metrics and of the evaluations once', async () => {
    const text = readFileSync(await exported('csv', written(made.files)), 'utf8');
    const [head, ...rows] = text.trimEnd().split('\r\n');
    expect(head).toBe('run,seed,method,kind,update,metric,value');
    const got = new Map(rows.map((row) => [row.slice(0, row.lastIndexOf(',')), row]));
    expect(got.size).toBe(rows.length);
    let numbers = 0;
    const expectRow = (key: string, value: number): void => {
      numbers++;
      expect(got.get(key)?.slice(key.length + 1)).toBe(Number.isNaN(value) ? '' : String(value));
    };
    for (const { seed, method, update, epoch, metrics } of records(made)) {
      const all = Object.entries({ epoch, ...metrics });
      for (const [key, value] of all) {
        expectRow(`made,${seed},${method},update,${update},${key}`, value);
      }
    }
    for (const [method, of] of methodEntries(made.results.methods)) {
      for (const { seed, update, samples, mean, tiers, sampled } of of.evaluations) {
        const at = `made,${seed},${method},evaluation,${update}`;
        expectRow(`${at},samples`, samples);
        expectRow(`${at},mean`, mean);
        for (const [tier, value] of Object.entries(tiers)) expectRow(`${at},tiers/${tier}`, value);
        if (!sampled) continue;
        expectRow(`${at},sampled/mean`, sampled.mean);
        for (const [tier, value] of Object.entries(sampled.tiers)) {
          expectRow(`${at},sampled/tiers/${tier}`, value);
        }
      }
    }
    const ofBase = rows.filter((row) => row.startsWith('made,,base,evaluation,0,'));
    expect(ofBase).toContain(`made,,base,evaluation,0,mean,${made.results.base.mean}`);
    expect(rows.length).toBe(numbers + ofBase.length);
  });

  test('has samples that no update trained on, and tiers out of distribution', async () => {
    const { methods } = made.results;
    const evaluations = methods.lim!.evaluations.map((one, i) => ({
      ...one,
      samplesTrained: one.samples - 8 * (i + 1),
      outOfDistribution: { OOD: 0.125 },
    }));
    const results = JSON.stringify({
      ...made.results,
      methods: { ...methods, lim: { ...methods.lim, evaluations } },
    });
    const text = readFileSync(
      await exported('csv', written(changed(made, 'results.json', results))),
      'utf8',
    );
    for (const { seed, update, samplesTrained } of evaluations) {
      const at = `made,${seed},lim,evaluation,${update}`;
      expect(text).toContain(`\r\n${at},samples_trained,${samplesTrained}\r\n`);
      expect(text).toContain(`\r\n${at},outOfDistribution/OOD,0.125\r\n`);
    }
    expect(linesOf(text).filter((row) => row.includes(',samples_trained,'))).toHaveLength(
      evaluations.length,
    );
  });

  test('has no formulas, and quotes what would break a row', async () => {
    const results = made.files.get('results.json')!.replaceAll('"T1":', '"=cmd|\' /C \\"x\\",1":');
    const folder = written(changed(made, 'results.json', results), '@run');
    const text = readFileSync(await exported('csv', folder), 'utf8');
    expect(text).toContain("\r\n'@run,1,full,update,1,epoch,0\r\n");
    expect(text).toContain('"tiers/=cmd|\' /C ""x"",1"');
  });

  test('holds several runs under the names of their folders, and refuses equal names', async () => {
    const [a, b] = [written(made.files, 'a'), written(made.files, 'b')];
    const text = readFileSync(await exported('csv', a, `${b}/`), 'utf8');
    expect(linesOf(text).filter((row) => row.startsWith('b,')).length).toBe(
      linesOf(text).filter((row) => row.startsWith('a,')).length,
    );
    const again = await limr('export', a, written(made.files, 'a'), '--out', out());
    expect(again).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('both named a') as string,
    });
  });
});

describe('a run that is not finished', () => {
  test('is exported as far as it is, without a line that was cut', async () => {
    const all = linesOf(made.files.get('metrics.jsonl')!);
    const evaluation = made.results.methods.full!.evaluations[0];
    const event = { type: 'evaluation' as const, method: 'full' as const, ...evaluation };
    const base = { type: 'evaluation' as const, method: 'base' as const, seed: 1, update: 0 };
    const files = new Map([
      ['config.json', await runFileText(made.results.config, [1, 5])],
      ['metrics.jsonl', `${all.slice(0, 3).join('\n')}\n${all[3].slice(0, 20)}`],
      [
        'events.jsonl',
        `${lineOf({ ...base, samples: 0, ...made.results.base }, 0)}\n${lineOf(event, 2)}\n`,
      ],
    ]);
    const folder = written(files);
    const to = out();
    const { code, stderr } = await limr('export', folder, '--out', to);
    expect(code).toBe(0);
    expect(stderr).toContain(`${folder}: not finished`);
    expect(stderr).toContain(`${folder}/metrics.jsonl: its last line was cut`);
    const rows = linesOf(readFileSync(to, 'utf8'));
    expect(rows.filter((row) => row.startsWith('made,1,full,update,'))).toHaveLength(
      3 * (1 + Object.keys(records(made)[0].metrics).length),
    );
    expect(rows).toContain(`made,1,full,evaluation,2,mean,${evaluation.mean}\r`);
    expect(rows).toContain(`made,,base,evaluation,0,mean,${made.results.base.mean}\r`);
  });
});

describe('a fault of a run', () => {
  const lines = linesOf(made.files.get('metrics.jsonl')!);
  test.each([
    ['a line that is no JSON', [...lines.slice(0, 4), '{]', ...lines.slice(4)], /line 5/],
    ['a number that is a text', [lines[0].replace(/"update":1/, '"update":"1"')], /line 1: update/],
    ['a missing update', [lines[0], lines[2]], /update 3 of full, seed 1, after 1/],
    ['updates that lie apart', [...lines, lines[0]], /updates of full, seed 1, lie apart/],
  ])('%s ends with its place, and nothing is written', async (_, metrics, message) => {
    const folder = written(changed(made, 'metrics.jsonl', `${metrics.join('\n')}\n`));
    for (const format of ['csv', 'trackio', 'tensorboard', 'unipo']) {
      const to = out();
      const { code, stderr } = await limr('export', folder, '--format', format, '--out', to);
      expect({ code, lines: linesOf(stderr).length }).toEqual({ code: 2, lines: 1 });
      expect(stderr).toMatch(message);
      expect(() => readdirSync(to)).toThrow('ENOENT');
    }
  });

  test('and a bad place for the output are refused', async () => {
    const folder = written(made.files);
    const tensorboard = ['export', folder, '--format', 'tensorboard', '--out'];
    expect(await limr(...tensorboard, folder)).toMatchObject({ code: 2 });
    expect(await limr('export', place, '--out', out())).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('config.json: no such file; is this a run?') as string,
    });
    expect(await limr('export', join(place, 'none'), '--out', out())).toMatchObject({ code: 2 });
  });
});

/** The bits of a CRC-32C, one at a time. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    for (let bit = 0n; bit < 8n; bit++) {
      const one = (crc ^ (BigInt(byte) >> bit)) & 1n;
      crc = (crc >> 1n) ^ (one * 0x82f63b78n);
    }
  }
  const full = crc ^ 0xffffffffn;
  return Number((((full >> 15n) | (full << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

/** The records of an event file, their checksums checked. */
function recordsIn(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const found: Uint8Array[] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(view.getBigUint64(at, true));
    expect(view.getUint32(at + 8, true)).toBe(checksum(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(view.getUint32(at + 12 + length, true)).toBe(checksum(data));
    found.push(data);
    at += 16 + length;
  }
  return found;
}

/** The fields of a protobuf message, by number. */
function fieldsOf(message: Uint8Array): Map<number, (Uint8Array | bigint)[]> {
  const fields = new Map<number, (Uint8Array | bigint)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(message[at++]);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  };
  while (at < message.length) {
    const key = Number(varint());
    const list = fields.get(key >> 3) ?? [];
    fields.set(key >> 3, list);
    if ((key & 7) === 0) {
      list.push(varint());
      continue;
    }
    const size = (key & 7) === 1 ? 8 : (key & 7) === 5 ? 4 : Number(varint());
    list.push(message.slice(at, (at += size)));
  }
  return fields;
}

describe('event files', () => {
  test('have the bytes that TensorBoard writes', () => {
    // tensorboard 2.21.0: RecordWriter of Event(file_version) and of Event(wall_time, step, summary).
    const golden =
      '0f000000000000006d532b091a0d627261696e2e4576656e743a32fc9851294500000000000000ebe668b0' +
      '09000000000000f83f10ac022a370a190a127570646174652f7265776172645f6d65616e15000080be0a1a' +
      '0a136576616c756174696f6e2f74696572732fcea915cdcccc3dd1480a5d';
    const record = scalarRecord({
      step: 300,
      wallTime: 1.5,
      scalars: [
        ['update/reward_mean', -0.25],
        ['evaluation/tiers/Ω', 0.1],
      ],
    });
    expect(Buffer.concat([fileVersion(), record]).toString('hex')).toBe(golden);
  });

  test('hold every number of their training, and the seconds of work up to it', async () => {
    const timed = records(made).map((one) => ({
      ...one,
      metrics: { ...one.metrics, step_ms: 250 * one.update },
    }));
    const text = `${timed.map((one) => JSON.stringify(one)).join('\n')}\n`;
    const to = await exported('tensorboard', written(changed(made, 'metrics.jsonl', text)));
    const trainings = readdirSync(join(to, 'made')).sort();
    const names = ['full', 'lim', 'linear', 'rand'];
    expect(trainings).toEqual([
      'base',
      ...[1, 5].flatMap((seed) => names.map((name) => `seed-${seed}-${name}`)),
    ]);
    const folder = join(to, 'made', 'seed-5-lim');
    const [name] = readdirSync(folder);
    expect(name).toMatch(/tfevents/);
    const [version, ...events] = recordsIn(Uint8Array.from(readFileSync(join(folder, name)))).map(
      fieldsOf,
    );
    expect(new TextDecoder().decode(version.get(3)![0] as Uint8Array)).toBe('brain.Event:2');
    const seen: { step: number; seconds: number; scalars: Map<string, number> }[] = [];
    for (const event of events) {
      const scalars = new Map<string, number>();
      for (const one of fieldsOf(event.get(5)![0] as Uint8Array).get(1)!) {
        const value = fieldsOf(one as Uint8Array);
        const bits = value.get(2)![0] as Uint8Array;
        scalars.set(
          new TextDecoder().decode(value.get(1)![0] as Uint8Array),
          new DataView(bits.buffer).getFloat32(0, true),
        );
      }
      const time = event.get(1)![0] as Uint8Array;
      seen.push({
        step: Number(event.get(2)![0]),
        seconds: new DataView(time.buffer).getFloat64(0, true),
        scalars,
      });
    }
    const updates = timed.filter(({ seed, method }) => seed === 5 && method === 'lim');
    const evaluations = made.results.methods.lim!.evaluations.filter(({ seed }) => seed === 5);
    expect(seen.length).toBe(updates.length + evaluations.length);
    for (const { update, metrics } of updates) {
      const event = seen.find(
        ({ step, scalars }) => step === update && scalars.has('update/epoch'),
      )!;
      expect(event.seconds).toBeCloseTo((0.25 * update * (update + 1)) / 2, 9);
      for (const [key, value] of Object.entries(metrics)) {
        expect(event.scalars.get(`update/${key}`)).toBe(Math.fround(value));
      }
    }
    for (const { update, mean } of evaluations) {
      const event = seen.find(
        ({ step, scalars }) => step === update && scalars.has('evaluation/mean'),
      );
      expect(event?.scalars.get('evaluation/mean')).toBe(Math.fround(mean));
    }
  });
});

describe('a trackio project', () => {
  test('has the tables that trackio makes, and the same rows as parquet', async () => {
    const folder = written(made.files);
    const [to, again] = [await exported('trackio', folder), await exported('trackio', folder)];
    const names = ['limr.db', 'limr.parquet', 'limr_configs.parquet'];
    expect(readdirSync(to).sort()).toEqual(names);
    for (const name of names) {
      expect(readFileSync(join(to, name)).equals(readFileSync(join(again, name)))).toBe(true);
    }
    const { Database } = await initSqlJs();
    const database = new Database(readFileSync(join(to, 'limr.db')));
    const rows = (sql: string): unknown[][] => database.exec(sql)[0]?.values ?? [];
    const shape = (table: string) =>
      rows(`PRAGMA table_info(${table})`).map(([, name, type, required, , key]) =>
        [name, type, required ? 'required' : '', key ? 'key' : ''].join(' ').trim(),
      );
    // PRAGMA table_info and index_list of a project that trackio (2a027522) made itself.
    expect(shape('metrics')).toEqual([
      'id INTEGER  key',
      'run_id TEXT required',
      'timestamp TEXT required',
      'run_name TEXT required',
      'step INTEGER required',
      'metrics TEXT required',
      'log_id TEXT',
      'space_id TEXT',
    ]);
    expect(shape('configs')).toEqual([
      'id INTEGER  key',
      'run_id TEXT required',
      'run_name TEXT required',
      'config TEXT required',
      'created_at TEXT required',
    ]);
    const indexes = (table: string) => rows(`PRAGMA index_list(${table})`).map(([, name]) => name);
    expect(indexes('metrics').sort()).toEqual([
      'idx_metrics_log_id',
      'idx_metrics_pending',
      'idx_metrics_run_step',
      'idx_metrics_run_timestamp',
    ]);
    expect(indexes('configs').sort()).toEqual([
      'idx_configs_run_name',
      'sqlite_autoindex_configs_1',
    ]);

    const stored = rows('SELECT id, run_id, timestamp, run_name, step, metrics FROM metrics');
    const counts = methodEntries(made.results.methods).map(([, of]) => of.evaluations.length);
    expect(stored.length).toBe(
      records(made).length + 1 + counts.reduce((sum, count) => sum + count, 0),
    );
    const [first] = records(made);
    const [[, , , , , metrics]] = stored.filter(
      ([, , , name, step]) => name === 'made-seed-1-full' && step === 1,
    );
    expect(JSON.parse(metrics as string)).toEqual(
      Object.fromEntries(
        Object.entries({ epoch: 0, ...first.metrics }).map(([key, value]) => [
          `update/${key}`,
          value,
        ]),
      ),
    );
    const read = async (name: string): Promise<Record<string, unknown>[]> => {
      const file = Uint8Array.from(readFileSync(join(to, name))).buffer;
      const found = await parquetReadObjects({ file });
      return found.map((row) =>
        Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)),
      );
    };
    expect(await read('limr.parquet')).toEqual(
      stored.map(([id, runId, timestamp, runName, step, of]) => ({
        id,
        run_id: runId,
        timestamp,
        run_name: runName,
        step,
        ...(JSON.parse(of as string) as object),
      })),
    );
    const configs = rows('SELECT id, run_id, run_name, config, created_at FROM configs');
    expect(configs.length).toBe(9);
    expect(await read('limr_configs.parquet')).toEqual(
      configs.map(([id, runId, runName, config, created]) => ({
        id,
        run_id: runId,
        run_name: runName,
        created_at: created,
        ...(JSON.parse(config as string) as object),
      })),
    );
    expect(JSON.parse(configs.at(-1)![3] as string)).toMatchObject({
      'ppo.clipLow': 0.2,
      seed: 5,
      run: 'made',
    });
    database.close();
  });

  test('has a name that trackio takes', async () => {
    expect(projectFault('my-Project_1')).toBeUndefined();
    for (const name of ['a/b', '', 'registry-x', 'x_system', 'x_artifact_versions', '..']) {
      expect(projectFault(name)).toEqual(expect.any(String));
    }
    const bad = await limr('export', written(made.files), '--project', '../x', '--out', out());
    expect(bad).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--project must be') as string,
    });
  });
});

describe("UNIPO's log", () => {
  const losses = records(made).map((one) => ({
    ...one,
    metrics: {
      ...(one.metrics as { reward_mean: number; kl_mean: number }),
      policy_loss: one.update / 8,
      explained_variance: null,
    },
  }));
  const withLosses = changed(
    made,
    'metrics.jsonl',
    `${losses.map((one) => JSON.stringify(one)).join('\n')}\n`,
  );
  /** Completions as FULL writes them: two rollouts of 64 prompts an epoch, in any order. */
  const completions = (rows: number): string =>
    Array.from({ length: rows }, (_, i) =>
      JSON.stringify([(i * 37) % 128, ['7#7;', 1, 1, 1], [`${i % 10}?`, -1, 0, 0]]),
    ).join('\n');

  test('is a header and a line a step, in the fields of its schema', async () => {
    const to = await exported('unipo', written(withLosses));
    expect(readdirSync(to)).toHaveLength(8);
    const lines = linesOf(readFileSync(join(to, 'made-seed-5-rand.jsonl'), 'utf8'));
    const [header, ...steps] = lines.map((line) => JSON.parse(line) as Record<string, never>);
    const updates = losses.filter(({ seed, method }) => seed === 5 && method === 'rand');
    expect(header).toMatchObject({
      type: 'header',
      algorithm: 'ppo',
      totalSteps: updates.length,
      hparams: { clip_eps: 0.2, gae_lambda: 0.95, group_size: 8 },
    });
    expect(steps.map(({ step }) => step)).toEqual(updates.map((_, i) => i));
    for (const [i, { metrics }] of updates.entries()) {
      expect(steps[i]).toMatchObject({
        type: 'step',
        is_first_step_after_rollout_phase: true,
        metrics: {
          policy_objective: -metrics.policy_loss,
          policy_loss: metrics.policy_loss,
          reward: metrics.reward_mean,
          kl: metrics.kl_mean,
        },
      });
      expect(steps[i]['metrics']).not.toHaveProperty('explained_variance');
      expect(steps[i]).not.toHaveProperty('prompts');
    }
  });

  test('shows the first prompts of each rollout of FULL with their responses', async () => {
    const files = new Map(withLosses);
    for (let epoch = 0; epoch < 3; epoch++) {
      files.set(`completions/seed-1-epoch-${epoch}.jsonl`, completions(128));
    }
    const to = await exported('unipo', written(files));
    const [, , second] = linesOf(readFileSync(join(to, 'made-seed-1-full.jsonl'), 'utf8'));
    const { step, prompts } = JSON.parse(second) as { step: number; prompts: unknown[] };
    expect({ step, shown: prompts.length }).toEqual({ step: 1, shown: 3 });
    const pool = JSON.parse(files.get('scores.json')!) as { prompt: string }[];
    expect(prompts[0]).toMatchObject({
      prompt: pool[(64 * 37) % 128].prompt,
      responses: [
        { id: 'step1_p0_sample0', reward: 1, response_text: '7#7;', response_length: 4 },
        { reward: -1, tokens: { strings: ['4', '?'] } },
      ],
    });
    const [{ responses }] = prompts as [{ responses: [{ tokens: { ids: number[] } }] }];
    const { ids } = responses[0].tokens;
    expect(new Set(ids).size).toBe(3);
    expect(ids[0]).toBe(ids[2]);
    const other = readFileSync(join(to, 'made-seed-5-full.jsonl'), 'utf8');
    expect(other).not.toContain('"prompts"');
  });

  test('shows no prompts where some are missing, and refuses damaged ones', async () => {
    const files = new Map(withLosses).set('completions/seed-1-epoch-0.jsonl', completions(100));
    const to = await exported('unipo', written(files));
    expect(readFileSync(join(to, 'made-seed-1-full.jsonl'), 'utf8')).not.toContain('"prompts"');
    for (const row of ['[999,["7;",1]]', '[1,["7;"]]', '[1,["<;",1]]', '{}']) {
      const bad = new Map(files).set('completions/seed-1-epoch-0.jsonl', `${row}\n`);
      const { code, stderr } = await limr(
        'export',
        written(bad),
        '--format',
        'unipo',
        '--out',
        out(),
      );
      expect(code).toBe(2);
      expect(stderr).toContain('completions/seed-1-epoch-0.jsonl line 1: ');
    }
  });
});
