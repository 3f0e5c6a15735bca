import { describeBound } from '../lim/bound.ts';
import { rightReward, type TableSummary } from '../lim/reward-table.ts';
import type { Signal } from '../vocabulary/signals.ts';
import type { LimResult } from '../lim/score.ts';
import { counted } from '../look/wording.ts';

/** Summary of the files of an import. */
export interface SourceSummary {
  readonly files: number;
  /** Files without rows: their trainer had not written any yet. */
  emptyFiles: number;
  /** Files of the folders that were not read: `leftOut` names the first of them. */
  readonly filesLeftOut: number;
  readonly leftOut: readonly string[];
  /** Last rows that were cut while being written: `cut` names the places of the first of them. */
  cutRows: number;
  readonly cut: readonly string[];
  readonly rewardColumns: readonly string[];
  readonly verdictColumns: readonly string[];
  /** Unused columns of numbers that may be rewards too. */
  readonly otherColumns: readonly string[];
  /** Rows whose prompt is a list of token ids. */
  tokenPrompts: number;
  /** Rows without a step, whose times tell the visits of a prompt apart. */
  timedRows: number;
}

export interface ScoreSummary extends Partial<TableSummary & SourceSummary> {
  readonly signal: Signal;
  readonly rule: string;
  readonly theta: number;
  readonly kept: number;
  readonly unscored: number;
  readonly meanCurve: readonly number[];
  readonly bound: LimResult['bound'];
}

/** The lines that a person needs about an import and its scores, most general first. */
export function scoreSummary(summary: ScoreSummary): string {
  const { prompts = 0, epochs = 0, meanCurve } = summary;
  const lines = [
    `${counted(prompts, 'prompt')} x ${counted(epochs, 'epoch')}, rule '${summary.rule}'`,
  ];
  const say = (text: string): void => void lines.push(`  ${text}`);
  const note = (count: number | undefined, one: string, many: string): void => {
    if (count) say(`${count} ${count === 1 ? one : many}`);
  };
  if (summary.grouping !== undefined) say(rowsLine(summary));
  const signal = signalLine(summary);
  if (signal !== undefined) say(signal);
  for (const doubt of doubts(summary)) say(doubt);
  note(
    summary.filesLeftOut,
    `file beside them not read: ${names(summary.leftOut)}`,
    `files beside them not read: ${names(summary.leftOut)}`,
  );
  note(summary.emptyFiles, 'file without a row', 'files without a row');
  note(
    summary.timedRows,
    'row without a step: the visits of its prompt are told by time',
    'rows without a step: the visits of a prompt are told by time',
  );
  note(
    summary.cutRows,
    `row left out that was cut while it was written: ${names(summary.cut)}`,
    `rows left out that were cut while they were written: ${names(summary.cut)}`,
  );
  const { repeatedRows = 0, iterations = 1 } = summary;
  note(
    summary.repeatedSteps,
    `step repeats the generation of the step before (num_iterations ${iterations}?): ` +
      `its ${repeatedRows} rows count once`,
    `steps repeat the generation of the step before (num_iterations ${iterations}?): ` +
      `their ${repeatedRows} rows count once`,
  );
  note(
    summary.rowsWithoutSignal,
    'row left out of the means: no reward (null, NaN or infinite)',
    'rows left out of the means: no reward (null, NaN or infinite)',
  );
  note(
    summary.unmatchedRows,
    'row left out: prompt not in the prompt file',
    'rows left out: prompt not in the prompt file',
  );
  const matched = (how: string): [string, string] => [
    `row matched by ${how}`,
    `rows matched by ${how}`,
  ];
  note(summary.templatedRows, ...matched('their prompt inside a chat template'));
  note(summary.containedRows, ...matched('the one prompt of the prompt file in their text'));
  note(summary.lastTurnRows, ...matched('the last turn of their conversation'));
  note(summary.systemTextRows, ...matched('their conversation without its system text'));
  note(
    summary.rowsPastEnd,
    'row left out: past the last epoch',
    'rows left out: past the last epoch',
  );
  note(
    summary.mergedPrompts,
    'prompt merged with one of the same text or id',
    'prompts merged with one of the same text or id',
  );
  note(summary.neverRolledOut, 'prompt never rolled out', 'prompts never rolled out');
  note(
    summary.missingEntries,
    'entry missing (prompt not rolled out in an epoch)',
    'entries missing (prompt not rolled out in an epoch)',
  );
  note(
    summary.duplicateEntries,
    'entry rolled out in several steps of an epoch: pooled',
    'entries rolled out in several steps of an epoch: pooled',
  );
  note(
    summary.partialEntries,
    'entry with fewer samples than most',
    'entries with fewer samples than most',
  );
  note(summary.unscored, 'prompt without a score', 'prompts without a score');
  const curve = meanCurve.map((mean) => mean.toFixed(3)).slice(0, 32);
  lines.push(`mean curve: ${curve.join(' ')}${meanCurve.length > 32 ? ' ...' : ''}`);
  lines.push(`kept at theta ${summary.theta}: ${summary.kept}`, describeBound(summary.bound), '');
  return lines.join('\n');
}

function rowsLine(summary: ScoreSummary): string {
  const { rows = 0, steps = 0, samplesPerEntry = 0, stepsPerEpoch = null, grouping } = summary;
  const per = stepsPerEpoch === null ? '' : `${counted(stepsPerEpoch, 'step')} each`;
  const by =
    grouping === 'steps per epoch'
      ? per
      : grouping === 'prompts per step'
        ? `${per}, what the prompts and those of a step come to`
        : (grouping ?? '');
  return (
    `${counted(rows, 'row')} in ${counted(steps, 'step')}, epochs by ${by}; ` +
    `${counted(samplesPerEntry, 'sample')} a prompt`
  );
}

/** How the signal is computed. */
function signalLine(summary: ScoreSummary): string | undefined {
  const { signal, rewardColumns = [], verdictColumns = [], judgedRows = 0, rows = 0 } = summary;
  if (rewardColumns.length === 0) return undefined;
  const reward = rewardColumns.join(
    rewardColumns.some((name) => name.includes(' x ')) ? ' + ' : ' or ',
  );
  if (signal === 'reward') return `signal: the mean of ${reward}`;
  if (judgedRows === 0)
    return `signal: the share of rows with a reward (${reward}) of exactly ${rightReward}`;
  const column = verdictColumns.join(' or ');
  const rest = rows - judgedRows - (summary.unmatchedRows ?? 0);
  const others =
    rest > 0
      ? `; of ${counted(rest, 'row')} without it, a reward (${reward}) of ${rightReward}`
      : '';
  return `signal: the share of rows that are right by ${column}${others}`;
}

/** Doubtful readings of the data, each with the option that changes the reading. */
function doubts(summary: ScoreSummary): string[] {
  const {
    signal,
    rightRows = 0,
    judgedRows = 0,
    lowestReward = null,
    highestReward = null,
  } = summary;
  const found: string[] = [];
  const range = `rewards run from ${shown(lowestReward)} to ${shown(highestReward)}`;
  if (signal === 'accuracy' && summary.rightRows === 0) {
    if (judgedRows > 0)
      found.push(`no row is right by ${(summary.verdictColumns ?? []).join(' or ')}`);
    else if (highestReward !== null) {
      found.push(
        `no reward is ${rightReward} (${range}), so by accuracy nobody is ever right: ` +
          'score the rewards themselves with --signal reward',
      );
    }
  }
  if (signal === 'accuracy' && rightRows > 0 && (summary.rewardsAboveOne ?? 0) > 0) {
    found.push(
      `${counted(summary.rewardsAboveOne ?? 0, 'reward')} above ${rightReward} count as not right (${range}): ` +
        'choose a column with --reward, or --signal reward',
    );
  }
  if (summary.neitherRows) {
    found.push(
      `${counted(summary.neitherRows, 'row')} neither right nor wrong by ` +
        `${(summary.verdictColumns ?? []).join(' or ')} but a share: counted as not right`,
    );
  }
  if ((summary.otherColumns ?? []).length > 0) {
    found.push(`not used: ${names(summary.otherColumns)} (choose with --reward)`);
  }
  if (summary.tokenPrompts) {
    found.push(`${counted(summary.tokenPrompts, 'row')} with the prompt as token ids`);
  }
  if (summary.sampleIds) {
    found.push(
      `${counted(summary.sampleIds, 'row')} with an id of their own, though prompts repeat: ` +
        'taken for ids of samples, and prompts told by their text',
    );
  }
  if (summary.fractionalEpochs) {
    found.push(
      `${counted(summary.fractionalEpochs, 'row')} with an epoch that is no whole number: ` +
        'the steps decide instead',
    );
  }
  if (summary.epochDoubt) {
    found.push(`the epochs are a guess (${summary.epochDoubt}): say --steps-per-epoch or --epochs`);
  }
  if (summary.identicalSteps) {
    found.push(
      `${counted(summary.identicalSteps, 'step')} identical to the step before: counted as ` +
        'steps of their own, as all samples of a prompt are alike',
    );
  }
  const { missingSteps = 0, loggedEvery = 1 } = summary;
  if (missingSteps > 0) {
    found.push(
      loggedEvery > 1
        ? `${counted(missingSteps, 'step')} not in the files, which have every ${ordinal(loggedEvery)} ` +
            `(logging_steps ${loggedEvery}?): rollouts made in between are lost`
        : `${counted(missingSteps, 'step')} missing in the numbering`,
    );
  }
  return found;
}

const ordinal = (count: number): string => {
  const ten = Math.floor(count / 10) % 10 === 1;
  const ending = ten ? 'th' : (['th', 'st', 'nd', 'rd'][count % 10] ?? 'th');
  return `${count}${ending}`;
};

const shown = (value: number | null): string => (value === null ? '-' : String(value));

/** A few names from files, without characters that a terminal would act on. */
function names(all: readonly string[] = []): string {
  const clean = all.slice(0, 4).map((name) => name.replace(/\p{C}/gu, '?'));
  return `${clean.join(', ')}${all.length > 4 ? ', ...' : ''}`;
}
