import { beforeAll, describe, expect, test } from 'vitest';
import { readSafetensors, toFloat32, writeSafetensors } from '../../src/formats/safetensors.ts';
import { Memo } from '../parity/context.ts';
import type { Folder } from '../parity/folder.ts';
import type { Report } from '../parity/report.ts';
import { runSuite } from '../parity/suite.ts';
import { inNodeAlone, onceElsewhere } from '../support/host.ts';
import { openTestGpu } from '../support/gpu.ts';
import { assetBytes } from '../support/model-fixture.ts';

// The smallest folder that has every kind of fixture; `npm run parity` runs all of them.
const wanted =
  /^(README\.md|[a-z]+\.json|lim\/missing\/.*|rollouts\/limr-writer\/.*|models\/qwen2-tied\/.*|ppo\/.*)$/;
const texts = import.meta.glob<string>(['../fixtures/**/*.{json,jsonl,jinja,md}'], {
  query: '?raw',
  import: 'default',
});
const binaries = import.meta.glob<string>('../fixtures/**/*.safetensors', {
  query: '?inline',
  import: 'default',
});

const pathOf = (key: string): string => key.replace('../fixtures/', '');

/** The fixtures in memory, so that a copy can be changed. */
async function loadFixtures(): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const [key, load] of Object.entries(texts)) {
    if (wanted.test(pathOf(key))) files.set(pathOf(key), new TextEncoder().encode(await load()));
  }
  for (const [key, load] of Object.entries(binaries)) {
    if (wanted.test(pathOf(key))) files.set(pathOf(key), await assetBytes(await load()));
  }
  return files;
}

const folderOf = (files: ReadonlyMap<string, Uint8Array>): Folder => ({
  paths: [...files.keys()],
  read: (path) => Promise.resolve(files.get(path)!),
});

let files: Map<string, Uint8Array>;
let whole: Report;
const memo = new Memo();

/** A run over the fixtures with some files replaced, added, or left out. */
async function run(
  changes: Readonly<Record<string, Uint8Array | undefined>>,
  only?: readonly string[],
): Promise<Report> {
  const changed = new Map(files);
  for (const [path, bytes] of Object.entries(changes)) {
    if (bytes) changed.set(path, bytes);
    else changed.delete(path);
  }
  return runSuite(await openTestGpu(), folderOf(changed), { memo, ...(only ? { only } : {}) });
}

beforeAll(async () => {
  files = await loadFixtures();
  whole = await run({});
}, 600_000);

const encode = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
const decode = (path: string) => JSON.parse(new TextDecoder().decode(files.get(path))) as unknown;

type Leaf = number | string | boolean | null;
type Place = readonly (string | number)[];

function* leaves(json: unknown, place: Place = []): Generator<[Place, Leaf]> {
  if (typeof json === 'object' && json !== null) {
    const entries = Array.isArray(json) ? [...json.entries()] : Object.entries(json);
    for (const [key, value] of entries) yield* leaves(value, [...place, key]);
  } else yield [place, json as Leaf];
}

function replaced(json: unknown, place: Place, value: Leaf): unknown {
  const copy = structuredClone(json);
  let at = copy as Record<string | number, unknown>;
  for (const key of place.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  at[place.at(-1)!] = value;
  return copy;
}

/** `cases.0.probs.3` and `cases.6.probs.9` are of one kind, and so are scores of two prompts. */
const kindOf = (place: Place): string =>
  place.map((key) => (typeof key === 'number' ? '#' : /^Problem/.test(key) ? '*' : key)).join('.');

/** How far a value is moved: a number of tolerances (of the fixtures' README) past what is allowed. */
type Move = (value: number) => number;
const by =
  (delta: number): Move =>
  (value) =>
    value + delta;

interface JsonFile {
  readonly path: string;
  readonly part: string;
  /** Kinds that are expected numbers, and how they are moved. */
  readonly expected: Readonly<Record<string, Move>>;
  /** Kinds that are inputs, or told for information. */
  readonly rest: RegExp;
}

const ppoLoss = by(6e-5);
const ppoNorm = by(3e-3);
/** Kinds of numbers of a case of rollouts. */
const rolloutKinds: Record<string, Move> = {};
for (const signal of ['accuracy:reward', 'reward:reward']) {
  rolloutKinds[`signals.${signal}.matrix.#.#`] = by(3e-12);
  rolloutKinds[`signals.${signal}.samples.#.#`] = by(1);
  for (const rule of ['corrected', 'limr']) {
    rolloutKinds[`signals.${signal}.lim.${rule}.meanCurve.#`] = by(3e-9);
    rolloutKinds[`signals.${signal}.lim.${rule}.scores.#`] = by(3e-9);
  }
}

const jsonFiles: readonly JsonFile[] = [
  {
    path: 'gae.json',
    part: 'gae',
    expected: {
      'cases.#.advantages.#.#': by(3e-5),
      'cases.#.returns.#.#': by(3e-5),
      'cases.#.normalized.#.#': by(3e-5),
      'cases.#.cumulative_returns.#.#': by(3e-5),
      'cases.#.lengths.#': by(1),
    },
    rest: /^cases\.#\.(gamma|lambda|values\.#\.#|rewards\.#\.#)$/,
  },
  {
    path: 'sampling.json',
    part: 'sampling',
    expected: { 'cases.#.probs.#': by(3e-6) },
    rest: /^cases\.#\.(temperature|top_k|top_p|min_p|logits\.#)$/,
  },
  {
    path: 'optim.json',
    part: 'optim',
    expected: {
      'adamw.#.grad_norms.#': (norm) => norm * 1.0001,
      'adamw.#.params_after_each_step.#.#': by(1e-5),
      'adamw.#.exp_avg.#': by(1e-4),
      'adamw.#.exp_avg_sq.#': by(1e-4),
      'lr.#.lr_used_by_update.#': by(1e-9),
    },
    rest: /^(adamw\.#\.(lr|betas\.#|eps|weight_decay|clip_norm|start\.#|grads\.#\.#|float32_max_abs_diff)|lr\.#\.(warmup_steps|total_steps|base_lr|extra\.min_lr))$/,
  },
  {
    path: 'tokenizer.json',
    part: 'tokenizer',
    expected: { 'encode.#.ids.#': by(1), pad_id: by(1), eos_id: by(1) },
    rest: /^$/,
  },
  {
    path: 'reward.json',
    part: 'reward',
    expected: {
      'rows.#.reward': (reward) => (reward === -1 ? -0.5 : -1),
      unknown_prompt_reward: by(1),
      'stats.rewards.1.0': by(1),
      'stats.rewards.-0.5': by(1),
      'stats.rewards.-1.0': by(1),
      'rows.#.reward_if_both_dollar_wrapped': (reward) => (reward === -1 ? -0.5 : -1),
      'stats.rows': by(1),
      'stats.eval_equal.True': by(1),
      'stats.eval_equal.False': by(1),
    },
    rest: /^stats\.(?!rewards\.|eval_equal\.|rows).*$/,
  },
  {
    path: 'lim/missing/expected.json',
    part: 'lim',
    expected: {
      'accuracy_before_fill.*.#': by(3e-9),
      'accuracy_after_fill.*.#': by(3e-9),
      'average_curve.#': by(3e-9),
      'scores.*': by(3e-9),
      steps_per_epoch: by(1),
      max_epochs: by(-1),
      samples_per_prompt: by(1),
    },
    rest: /^$/,
  },
  {
    path: 'rollouts/limr-writer/expected.json',
    part: 'rollouts',
    expected: {
      generations_per_prompt: by(1),
      rows_in_files: by(1),
      rows_once: by(1),
      rows_matched: by(1),
      steps_per_epoch: by(1),
      epochs: by(1),
      ...rolloutKinds,
    },
    rest: /^prompts_per_step$/,
  },
  {
    path: 'models/qwen2-tied/fixture.json',
    part: 'models',
    expected: {
      'cases.nopad.loss': by(6e-5),
      'cases.nopad.loss_f32_hf': by(6e-5),
      'cases.nopad.tokens_in_loss': by(1),
      'cases.nopad.max_abs_logit': by(1.5e-3),
      'cases.leftpad.loss': by(6e-5),
      'cases.leftpad.loss_f32_hf': by(6e-5),
      'cases.leftpad.tokens_in_loss': by(1),
      'cases.leftpad.max_abs_logit': by(1.5e-3),
      'greedy.new_tokens': by(1),
      'greedy.min_top1_top2_margin': by(1.5e-3),
    },
    rest: /\.f32_vs_f64\./,
  },
  {
    path: 'ppo/ppo.json',
    part: 'ppo',
    expected: {
      'prompt_lens.#': by(1),
      'response_lens_with_eos.#': by(1),
      'scalars.padded.policy_loss': ppoLoss,
      'scalars.padded.value_loss': ppoLoss,
      'scalars.packed.policy_loss': ppoLoss,
      'scalars.packed.value_loss': ppoLoss,
      'scalars.padded.policy_grad_norm': ppoNorm,
      'scalars.padded.value_grad_norm': ppoNorm,
      'scalars.packed.policy_grad_norm': ppoNorm,
      'scalars.packed.value_grad_norm': ppoNorm,
      'scalars.packed_vs_padded_logprob_max_abs': by(6e-4),
      'scalars.fraction_of_ratios_outside_clip': by(0.02),
      'scalars.accumulation.policy.micro_losses.#': ppoLoss,
      'scalars.accumulation.value.micro_losses.#': ppoLoss,
      'scalars.accumulation.policy.grad_norm_of_mean': ppoNorm,
      'scalars.accumulation.value.grad_norm_of_mean': ppoNorm,
      'adamw_trace.policy.#.step': by(1),
      'adamw_trace.value.#.step': by(1),
      'adamw_trace.policy.#.loss_before': ppoLoss,
      'adamw_trace.value.#.loss_before': ppoLoss,
      'adamw_trace.policy.#.grad_norm_before_clip': ppoNorm,
      'adamw_trace.value.#.grad_norm_before_clip': ppoNorm,
    },
    rest: /^(hyper\..*|eos_id|pad_id|prompt_len_padded|action_len_padded|.*\.micro_batches\.#\.#|float32_vs_float64\..*)$/,
  },
];

/** Of each kind the first and the last number, by kind. */
function numberKinds(path: string): Map<string, Place[]> {
  const kinds = new Map<string, Place[]>();
  for (const [place, value] of leaves(decode(path))) {
    if (typeof value !== 'number') continue;
    const kind = kindOf(place);
    const known = kinds.get(kind);
    kinds.set(kind, known ? [known[0], place] : [place]);
  }
  return kinds;
}

describe('parity suite', () => {
  test('agrees with every golden number', () => {
    expect(whole.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(whole.checks.length).toBeGreaterThan(1500);
  });

  test.for(jsonFiles)(
    'fails when a number of $path is moved',
    async ({ path, part, expected, rest }, { skip }) => {
      onceElsewhere(skip, path === jsonFiles[0].path);
      const kinds = numberKinds(path);
      for (const kind of Object.keys(expected))
        expect([kind, kinds.has(kind)]).toEqual([kind, true]);
      for (const [kind, places] of kinds) {
        const move = expected[kind];
        if (!move) {
          expect(kind).toMatch(rest);
          continue;
        }
        for (const place of places) {
          const value = place.reduce<unknown>(
            (at, key) => (at as Record<string | number, unknown>)[key],
            decode(path),
          ) as number;
          const report = await run({ [path]: encode(replaced(decode(path), place, move(value))) }, [
            part,
          ]);
          expect([place.join('.'), report.failed > 0]).toEqual([place.join('.'), true]);
        }
      }
    },
  );

  test.each([
    ['tokenizer.json', 'tokenizer', ['encode', 1, 'decoded'], 'another text'],
    ['tokenizer.json', 'tokenizer', ['chat', 0, 'text'], 'another text'],
    ['reward.json', 'reward', ['rows', 3, 'extracted'], '25'],
    ['lim/missing/expected.json', 'lim', ['dropped_prompts', 0], 'Problem 0 of missing?'],
    ['lim/missing/expected.json', 'lim', ['selected_ids_by_threshold', '0.6', 0], 'id-1'],
    ['rollouts/limr-writer/expected.json', 'rollouts', ['format'], 'verl'],
    ['rollouts/limr-writer/expected.json', 'rollouts', ['prompts', 0], 'p1'],
    ['models/qwen2-tied/fixture.json', 'models', ['model'], 'another'],
    ['models/qwen2-tied/fixture.json', 'models', ['weights_dtype'], 'bfloat16'],
    ['models/qwen2-tied/fixture.json', 'models', ['greedy', 'eos_ignored'], false],
    ['ppo/ppo.json', 'ppo', ['scalars', 'actor_params_with_weight_decay', 0], 'model.norm.weight'],
    ['ppo/ppo.json', 'ppo', ['adamw_trace', 'policy', 3, 'step'], 4],
    ['ppo/ppo.json', 'ppo', ['adamw_trace', 'policy', 3, 'grad_norm_before_clip'], 1],
  ] as const)('fails when %s says otherwise (%s %j)', async (path, part, place, value) => {
    const report = await run({ [path]: encode(replaced(decode(path), place, value)) }, [part]);
    expect(report.failed).toBeGreaterThan(0);
  });

  test('fails, row by row, when two rows exchange a -1 and another reward', async () => {
    const json = decode('reward.json') as { rows: { reward: number }[] };
    const place = (isIt: (reward: number) => boolean) =>
      json.rows.findIndex(({ reward }) => isIt(reward));
    const [low, high] = [place((reward) => reward === -1), place((reward) => reward === -0.5)];
    [json.rows[low].reward, json.rows[high].reward] = [-0.5, -1];
    const report = await run({ 'reward.json': encode(json) }, ['reward']);
    const failed = report.checks.filter(({ ok }) => !ok).map(({ what }) => what);
    expect(failed.map((what) => what.replace(/ \(.*\)/, '')).sort()).toEqual(
      [`row ${low}: formatted`, `row ${high}: formatted`].sort(),
    );
  });

  test('takes a model with several end tokens and no pad token', async () => {
    const path = 'models/qwen2-tied/config.json';
    const several = { ...(decode(path) as object), eos_token_id: [316, 317], pad_token_id: null };
    const other = { ...several, eos_token_id: [316, 315] };
    const only = ['tokenizer'];
    expect((await run({ [path]: encode(several) }, only)).failed).toBe(0);
    expect((await run({ [path]: encode(other) }, only)).failed).toBe(1);
  });

  /** Three tolerances of the README for the tensor of that name. */
  function tensorMove(key: string, largest: number): number {
    if (/^(models.*|.*)\.(position_ids|logprob_mask|attention_mask|action_mask|new_ids)$/.test(key))
      return 1;
    if (key.includes('.grad.')) return (key.startsWith('expect.') ? 9e-4 : 6e-4) * largest;
    if (key.includes('after3')) return 3e-3;
    if (key.endsWith('logits')) return 1.5e-3;
    if (key.endsWith('logprobs') || key.endsWith('current_log_probs')) return 6e-4;
    if (key.endsWith('current_values')) return 1.5e-4;
    return 1.5e-5;
  }

  test.for<[string, string, RegExp]>([
    [
      'models/qwen2-tied/fixture.safetensors',
      'models',
      /\.input_ids$|^(nopad|leftpad)\.attention_mask$|^greedy\.(prompt_ids|attention_mask)$/,
    ],
    ['ppo/ppo.safetensors', 'ppo', /^input\./],
  ])(
    'fails when a number of any tensor of %s is moved',
    { timeout: 600_000 },
    async ([path, part, inputs], { skip }) => {
      inNodeAlone(skip);
      const { tensors } = readSafetensors(files.get(path)!, path);
      let moved = 0;
      for (const [key, entry] of tensors) {
        if (inputs.test(key)) continue;
        const bytes = entry.bytes.slice();
        const count = bytes.length / 4;
        const at = (moved * 7919) % count;
        if (entry.dtype === 'I32') new Int32Array(bytes.buffer)[at] += 1;
        else {
          const largest = toFloat32(entry).reduce(
            (top, value) => Math.max(top, Math.abs(value)),
            0,
          );
          new Float32Array(bytes.buffer)[at] += tensorMove(key, largest);
        }
        const changed = [...tensors.values()].map((own) =>
          own.name === key ? { ...entry, bytes } : own,
        );
        const report = await run({ [path]: writeSafetensors(changed) }, [part]);
        expect([key, report.failed > 0]).toEqual([key, true]);
        moved++;
      }
      expect(moved).toBeGreaterThan(30);
    },
  );

  test('fails when parameters are off on average, each by little', async () => {
    const path = 'ppo/ppo.safetensors';
    const { tensors } = readSafetensors(files.get(path)!, path);
    const changed = [...tensors.values()].map((entry) => {
      if (!entry.name.startsWith('expect.after3.critic.')) return entry;
      const values = toFloat32(entry).map((value) => value + 2e-6);
      return { ...entry, bytes: new Uint8Array(values.buffer) };
    });
    const report = await run({ [path]: writeSafetensors(changed) }, ['ppo']);
    expect(report.checks.filter(({ ok }) => !ok).map(({ what }) => what)).toEqual([
      'expect.after3.critic.*: mean error',
    ]);
  });

  test.each<[string, Record<string, Uint8Array | undefined>, RegExp]>([
    ['a file it does not know', { 'extra.json': encode({}) }, /^extra\.json/],
    ['a file beside a model', { 'models/qwen2-tied/notes.txt': encode('') }, /notes\.txt/],
    [
      'a model without its numbers',
      { 'models/qwen2-tied/fixture.json': undefined },
      /fixture\.json is missing/,
    ],
    [
      'a model folder that is no model',
      { 'models/new/fixture.json': encode({}) },
      /models\/new: no config\.json/,
    ],
    [
      'a LIM case without its numbers',
      { 'lim/new/step_1.json': encode([]) },
      /lim\/new\/expected\.json/,
    ],
    ['a lost PPO tensor file', { 'ppo/ppo.safetensors': undefined }, /ppo\.safetensors is missing/],
  ])('fails on %s', async (_, changes, message) => {
    const report = await run(changes);
    const failures = report.checks.flatMap(({ ok, file, why }) => (ok ? [] : [`${file}: ${why}`]));
    expect(failures.join('\n')).toMatch(message);
  });

  test.each([
    ['gae.json', 'gae', []],
    ['gae.json', 'gae', ['cases', 0]],
    ['sampling.json', 'sampling', ['cases', 0]],
    ['optim.json', 'optim', ['adamw', 0]],
    ['optim.json', 'optim', ['lr', 0]],
    ['tokenizer.json', 'tokenizer', []],
    ['reward.json', 'reward', ['rows', 0]],
    ['lim/missing/expected.json', 'lim', []],
    ['models/qwen2-tied/fixture.json', 'models', ['cases', 'nopad']],
    ['ppo/ppo.json', 'ppo', ['scalars']],
  ] as const)('fails on a field of %s that it does not know (%s %j)', async (path, part, place) => {
    const report = await run({ [path]: encode(replaced(decode(path), [...place, 'novel'], 1)) }, [
      part,
    ]);
    expect(report.checks.filter(({ ok }) => !ok).map(({ why }) => why)).toEqual([
      expect.stringMatching(/nothing here understands novel/),
    ]);
  });

  test.each([
    ['models/qwen2-tied/fixture.safetensors', 'models'],
    ['ppo/ppo.safetensors', 'ppo'],
  ])('fails on a tensor of %s that it does not know', async (path, part) => {
    const { tensors } = readSafetensors(files.get(path)!, path);
    const [entry] = tensors.values();
    const report = await run(
      { [path]: writeSafetensors([...tensors.values(), { ...entry, name: 'novel' }]) },
      [part],
    );
    expect(report.checks.filter(({ ok }) => !ok).map(({ why }) => why)).toEqual([
      expect.stringMatching(/nothing here understands novel/),
    ]);
  });

  test('fails on a folder without anything to compare', async () => {
    const nothing = Object.fromEntries([...files.keys()].map((path) => [path, undefined]));
    expect((await run(nothing)).failed).toBe(1);
  });
});
