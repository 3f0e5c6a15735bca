import type { Gpu } from '../../src/gpu/device.ts';
import { Memo, type Part } from './context.ts';
import { Fixtures, type Folder } from './folder.ts';
import { checkChat } from './chat.ts';
import { checkGae } from './gae.ts';
import { checkGemma } from './gemma.ts';
import { checkLim } from './lim.ts';
import { checkLora } from './lora.ts';
import { checkLoraCritic } from './lora-critic.ts';
import { checkModels } from './models.ts';
import { checkOptim } from './optim.ts';
import { checkPpo } from './ppo.ts';
import { Report } from './report.ts';
import { checkQuant } from './quant.ts';
import { checkReward } from './reward.ts';
import { checkRope } from './rope.ts';
import { checkRollouts } from './rollouts.ts';
import { checkSampling } from './sampling.ts';
import { checkTokenizer } from './tokenizer.ts';

/** The parts of the suite by what they read. */
export const parts: Readonly<Record<string, Part>> = {
  tokenizer: checkTokenizer,
  chat: checkChat,
  reward: checkReward,
  sampling: checkSampling,
  gae: checkGae,
  optim: checkOptim,
  lim: checkLim,
  rollouts: checkRollouts,
  models: checkModels,
  rope: checkRope,
  gemma3: checkGemma,
  ppo: checkPpo,
  quant: checkQuant,
  lora: checkLora,
  'lora-critic': checkLoraCritic,
};

/** What a run leaves out or brings along. */
export interface SuiteOptions {
  /** Called before each part and after each comparison. */
  readonly onPart?: (name: string) => void;
  /** Results of earlier runs. */
  readonly memo?: Memo;
  /** Only these parts; then files that nobody asked for are not held against the folder. */
  readonly only?: readonly string[];
}

/**
 * Computes everything that a folder of golden fixtures has numbers for, and compares. A part that
 * throws, a file that no part asked for and a folder without anything to compare are failures.
 */
export async function runSuite(
  gpu: Gpu,
  folder: Folder,
  options: SuiteOptions = {},
): Promise<Report> {
  const report = new Report();
  const fixtures = new Fixtures(folder);
  const memo = options.memo ?? new Memo();
  for (const [name, part] of Object.entries(parts)) {
    if (options.only && !options.only.includes(name)) continue;
    options.onPart?.(name);
    try {
      await part({ gpu, fixtures, report, memo });
    } catch (error) {
      report.fail(
        name,
        'the part as a whole',
        error instanceof Error ? error.message : String(error),
      );
    }
  }
  if (!options.only) {
    for (const path of fixtures.left()) {
      if (path === 'README.md') continue;
      report.fail(path, 'the file', 'nothing here understands it');
    }
  }
  if (report.checks.length === 0) report.fail('.', 'the folder', 'holds nothing to compare');
  return report;
}
