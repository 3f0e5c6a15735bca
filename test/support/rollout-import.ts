import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rolloutFiles } from '../../src/imports/rollout-files.ts';
import { type ImportOptions, importRollouts } from '../../src/imports/rollout-import.ts';
import { scoreSummary } from '../../src/imports/score-summary.ts';
import { readPrompts } from '../../src/formats/prompts.ts';
import { withSource } from '../../src/cli/sources.ts';
import { system } from '../../src/cli/system.ts';
import { parseRewardTerms } from '../../src/formats/rewards.ts';
import { thetaBound } from '../../src/lim/bound.ts';
import { rowOf } from '../../src/lim/matrix.ts';

export interface ImportArguments {
  readonly format?: string;
  readonly signal?: 'accuracy' | 'reward';
  readonly epochs?: number;
  readonly stepsPerEpoch?: number;
  readonly reward?: string;
  readonly prompts?: string;
  readonly allowPartial?: boolean;
  readonly tokenizer?: string;
}

/**
 * Imports files as `limr score` does, without a device. Returns the matrix and the text for stderr.
 */
export async function imported(paths: string | readonly string[], given: ImportArguments = {}) {
  const { prompts, reward, signal = 'accuracy' } = given;
  const options: ImportOptions = {
    format: given.format ?? 'auto',
    signal,
    epochs: given.epochs,
    stepsPerEpoch: given.stepsPerEpoch,
    reward: reward === undefined ? undefined : parseRewardTerms(reward),
    pool:
      prompts === undefined
        ? undefined
        : await withSource(prompts, async (source) => (await readPrompts(source)).rows),
    allowPartial: given.allowPartial ?? false,
    tokenizer: given.tokenizer,
  };
  const host = await system();
  const found = await rolloutFiles(host, typeof paths === 'string' ? [paths] : paths);
  const { matrix, prompts: names, summary } = await importRollouts(host, found, options);
  const said = scoreSummary({
    ...summary,
    signal,
    rule: 'corrected',
    theta: 0.6,
    kept: 0,
    unscored: 0,
    meanCurve: [],
    bound: thetaBound([0.5], 0.6, 0),
  });
  const rewards = names.map((_, p) =>
    [...rowOf(matrix, p)].map((value) => (Number.isNaN(value) ? null : value)),
  );
  return { rewards, prompts: names, matrix, summary, said };
}

/** Makes a new folder with files: texts, bytes, or rows that become JSONL. */
export function folderOf(files: Readonly<Record<string, string | Uint8Array | readonly object[]>>) {
  const root = mkdtempSync(join(tmpdir(), 'limr-rollouts-'));
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    const text =
      typeof content === 'string' || content instanceof Uint8Array
        ? content
        : content.map((row) => `${JSON.stringify(row)}\n`).join('');
    writeFileSync(path, text);
  }
  return root;
}
