import { beforeAll, describe, expect, test } from 'vitest';
import { readSafetensors, toFloat32, writeSafetensors } from '../../src/formats/safetensors.ts';
import { Memo } from '../parity/context.ts';
import type { Report } from '../parity/report.ts';
import { runSuite } from '../parity/suite.ts';
import { openTestGpu } from '../support/gpu.ts';
import { otherFixtures } from '../support/other-fixtures.ts';

const files = otherFixtures(11);
const memo = new Memo();
let whole: Report;

/** Failures of the suite over the folder with some files replaced: file and what was compared. */
async function run(
  changes: Readonly<Record<string, Uint8Array>>,
  only?: readonly string[],
): Promise<Report> {
  const changed = new Map([...files, ...Object.entries(changes)]);
  const folder = {
    paths: [...changed.keys()],
    read: (path: string) => Promise.resolve(changed.get(path)!),
  };
  return runSuite(await openTestGpu(), folder, { memo, ...(only ? { only } : {}) });
}

const failures = (report: Report): string[] =>
  report.checks.flatMap(({ ok, file, what, why }) => (ok ? [] : [`${file}: ${what}: ${why}`]));

beforeAll(async () => {
  whole = await run({});
}, 300_000);

const encode = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
const partOf = (path: string): string =>
  path.includes('/') ? path.split('/')[0] : path.replace('.json', '');

/** Fields that are given, or told for information: the rest is expected of us. */
const given: Readonly<Record<string, RegExp>> = {
  'gae.json': /\.(gamma|lambda|values|rewards)\b/,
  'sampling.json': /\.(temperature|top_k|top_p|min_p|logits)\b/,
  'optim.json':
    /\.(lr|betas|eps|start|grads|weight_decay|clip_norm|warmup_steps|total_steps|base_lr)\b(?!\.\d+\.lr_)/,
  'ppo/ppo.json': /^(hyper\.|eos_id|pad_id|prompt_len_padded|action_len_padded)|\.micro_batches\./,
};

type Place = readonly (string | number)[];

function* numbersOf(json: unknown, place: Place = []): Generator<[Place, number]> {
  if (typeof json === 'number') yield [place, json];
  else if (typeof json === 'object' && json !== null) {
    const entries = Array.isArray(json) ? [...json.entries()] : Object.entries(json);
    for (const [key, value] of entries) yield* numbersOf(value, [...place, key]);
  }
}

function replaced(json: unknown, place: Place, value: number): unknown {
  const copy = structuredClone(json);
  let at = copy as Record<string | number, unknown>;
  for (const key of place.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  at[place.at(-1)!] = value;
  return copy;
}

/** Past any tolerance: a whole count, ten times a norm's, a thousandth of anything else. */
function moved(place: string, value: number): number {
  if (/lens|tokens|lengths|step$/.test(place)) return value + 1;
  if (/fraction/.test(place)) return value + 0.01;
  if (/lr_used/.test(place)) return value + 1e-6;
  return value + Math.max(0.01, Math.abs(value) / 100);
}

/** Of each kind of number (list places apart) the first, the middle and the last. */
function places(json: unknown): Place[] {
  const kinds = new Map<string, Place[]>();
  for (const [place] of numbersOf(json)) {
    const kind = place.filter((key) => typeof key === 'string').join('.');
    kinds.set(kind, [...(kinds.get(kind) ?? []), place]);
  }
  return [...kinds.values()].flatMap((all) => [
    ...new Set([all[0], all[all.length >> 1], all.at(-1)!]),
  ]);
}

describe('parity suite over another folder', () => {
  test('agrees with float64 references of other names, shapes, storage and micro-batches', () => {
    expect(failures(whole)).toEqual([]);
    const names = new Set(whole.checks.map(({ file }) => file));
    for (const path of files.keys()) {
      if (/(fixture|ppo)\.(json|safetensors)$/.test(path)) expect(names).toContain(path);
    }
  });

  test.each([...files.keys()].filter((path) => /^[^/]+\.json$|(fixture|ppo)\.json$/.test(path)))(
    'fails when an expected number of %s is moved, and names the file',
    async (path) => {
      const json = JSON.parse(new TextDecoder().decode(files.get(path))) as unknown;
      let count = 0;
      for (const place of places(json)) {
        const name = place.join('.');
        if (given[path]?.test(name)) continue;
        const value = place.reduce<unknown>(
          (at, key) => (at as Record<string | number, unknown>)[key],
          json,
        ) as number;
        const changed = encode(replaced(json, place, moved(name, value)));
        const report = await run({ [path]: changed }, [partOf(path)]);
        expect([name, failures(report).some((line) => line.startsWith(path))]).toEqual([
          name,
          true,
        ]);
        count++;
      }
      expect(count).toBeGreaterThan(2);
    },
    300_000,
  );

  test.each([...files.keys()].filter((path) => /(fixture|ppo)\.safetensors$/.test(path)))(
    'fails when a number of any expected tensor of %s is moved, and names the tensor',
    async (path) => {
      const { tensors } = readSafetensors(files.get(path)!, path);
      for (const [key, entry] of tensors) {
        if (/^input\.|input_ids$|prompt_ids$/.test(key)) continue;
        if (/attention_mask$/.test(key) && !key.startsWith('expect.')) continue;
        const bytes = entry.bytes.slice();
        const count = bytes.length / 4;
        const at = (key.length * 7919) % count;
        if (entry.dtype === 'I32') new Int32Array(bytes.buffer)[at] += 1;
        else {
          const size = toFloat32(entry).reduce((most, own) => Math.max(most, Math.abs(own)), 0);
          new Float32Array(bytes.buffer)[at] += key.includes('.grad.')
            ? 1e-3 * size
            : Math.max(3e-3, 1e-3 * size);
        }
        const changed = [...tensors.values()].map((own) =>
          own.name === key ? { ...entry, bytes } : own,
        );
        const report = await run({ [path]: writeSafetensors(changed) }, [partOf(path)]);
        const named = failures(report).some((line) => line.startsWith(path) && line.includes(key));
        expect([key, named]).toEqual([key, true]);
      }
    },
    300_000,
  );

  /** Whether the suite disagrees about the share of clipped actions, with so many said to be. */
  async function disagrees(clipped: number, changes: Record<string, Uint8Array>): Promise<boolean> {
    const path = 'ppo/ppo.json';
    const json = JSON.parse(new TextDecoder().decode(files.get(path))) as {
      scalars: { fraction_of_ratios_outside_clip: number };
      response_lens_with_eos: number[];
    };
    const actions = json.response_lens_with_eos.reduce((sum, length) => sum + length, 0);
    json.scalars.fraction_of_ratios_outside_clip = clipped / actions;
    const report = await run({ ...changes, [path]: encode(json) }, ['ppo']);
    return failures(report).some((line) => line.includes('fraction_of_ratios_outside_clip'));
  }

  test('takes an action at the edge of the clip for either side of it, and no other', async () => {
    const path = 'ppo/ppo.safetensors';
    const { tensors } = readSafetensors(files.get(path)!, path);
    const old = toFloat32(tensors.get('input.old_log_probs')!).slice();
    const now = toFloat32(tensors.get('expect.current_log_probs')!);
    const isClipped = (i: number) => now[i] !== 0 && Math.abs(Math.exp(now[i] - old[i]) - 1) > 0.2;
    const count = [...now.keys()].filter(isClipped).length;
    expect(await disagrees(count, {})).toBe(false);
    expect(await disagrees(count + 1, {})).toBe(true);
    const others = count - Number(isClipped(0));
    old[0] = now[0] - Math.log(1.2);
    const bytes = new Uint8Array(old.buffer, old.byteOffset, old.byteLength);
    const changed = [...tensors.values()].map((own) =>
      own.name === 'input.old_log_probs' ? { ...own, bytes } : own,
    );
    const changes = { [path]: writeSafetensors(changed) };
    expect(await disagrees(others, changes)).toBe(false);
    expect(await disagrees(others + 1, changes)).toBe(false);
    expect(await disagrees(others + 2, changes)).toBe(true);
    expect(await disagrees(others - 1, changes)).toBe(true);
  });
});
