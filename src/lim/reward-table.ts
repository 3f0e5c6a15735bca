import { ConfigError } from '../config-error.ts';
import { comparable, identityOf, type Prompt } from '../formats/conversation.ts';
import { jsonOf, type JsonRecord } from '../formats/json.ts';
import type { Verdict } from '../formats/rewards.ts';
import {
  type EpochGrouping,
  type EpochRule,
  groupEpochs,
  stepPattern,
  type Visit,
} from './data-epochs.ts';
import type { Signal } from '../vocabulary/signals.ts';
import type { RewardMatrix } from './matrix.ts';
import { type MatchedBy, PromptMatcher } from './prompt-matcher.ts';
import { repeatedSteps, rowHash, StepDigest } from './repeated-steps.ts';

/** Counts of what was found in a user's rollouts and what did not fit together. */
export interface TableSummary {
  readonly rows: number;
  readonly prompts: number;
  readonly steps: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number | null;
  /** How the epochs were found. */
  readonly grouping: EpochGrouping;
  /** Why the epochs may be wrong; null if they are certain. */
  readonly epochDoubt: string | null;
  /** Rows whose epoch is not a whole number. If there are any, all stated epochs are ignored. */
  readonly fractionalEpochs: number;
  /** Rows left out because their prompt is not in the prompt file. */
  readonly unmatchedRows: number;
  /** Rows whose text, without its chat template, is a prompt of the prompt file. */
  readonly templatedRows: number;
  /** Rows whose text contains one prompt of the prompt file and more text. */
  readonly containedRows: number;
  /** Rows of a conversation of which only the last turn is a prompt of the prompt file. */
  readonly lastTurnRows: number;
  /** Rows matched by conversation although only one side has a system text. */
  readonly systemTextRows: number;
  /** Samples without the signal: the reward function abstained or gave no finite number. */
  readonly rowsWithoutSignal: number;
  /** Rows with a column that says whether the answer is right. */
  readonly judgedRows: number;
  /** Rows whose column holds a share, neither right nor wrong. They count as not right. */
  readonly neitherRows: number;
  /** Samples that are right. */
  readonly rightRows: number;
  /**
   * Rewards above `rightReward`, in rows without a column that says whether the answer is right.
   */
  readonly rewardsAboveOne: number;
  readonly lowestReward: number | null;
  readonly highestReward: number | null;
  /** Steps, and their rows, that log the previous step's generation again. They are left out. */
  readonly repeatedSteps: number;
  readonly repeatedRows: number;
  /** Number of optimizer steps that use one generation. */
  readonly iterations: number;
  /** Steps that hold the same rows as the step before, but are counted. */
  readonly identicalSteps: number;
  /** Prompts of the prompt file without a single row. */
  readonly neverRolledOut: number;
  /** (prompt, epoch) entries rolled out in more than one step. Their samples are pooled. */
  readonly duplicateEntries: number;
  /** (prompt, epoch) entries with fewer samples than most entries. */
  readonly partialEntries: number;
  /** (prompt, epoch) entries without a sample, for prompts that have samples in other epochs. */
  readonly missingEntries: number;
  /** The most frequent number of samples per entry. */
  readonly samplesPerEntry: number;
  /** Steps without a row up to the last step, steps that were not logged included. */
  readonly missingSteps: number;
  /** Distance between logged steps. */
  readonly loggedEvery: number;
  /** Rows left out because their step is past the last whole epoch asked for. */
  readonly rowsPastEnd: number;
  /**
   * Rows whose ids name samples, not prompts: no id repeats although prompts do. The ids are
   * ignored.
   */
  readonly sampleIds: number;
  /**
   * Rows of the prompt file that repeat the text or id of an earlier row. They are merged with it.
   */
  readonly mergedPrompts: number;
}

/** A prompt of the pool. */
export interface TablePrompt extends Prompt {
  readonly id: string | undefined;
  /** The answer key, if a file has one. It is kept for whoever trains on the prompt. */
  readonly answer?: unknown;
}

/** One sample, with its place and its signal. */
export interface TableRow extends TablePrompt {
  /** Undefined if the sample has no reward. */
  readonly reward: number | undefined;
  readonly verdict?: Verdict;
  readonly step: number;
  readonly epoch?: number | undefined;
  /** The response, if a generation may be logged at several steps. */
  readonly completion?: string | undefined;
  /** Whether the prompt's text also contains the response. */
  readonly answered?: boolean;
  /** File and row, for messages. */
  readonly where?: string;
}

type Writable = { -readonly [Key in keyof TablePrompt]: TablePrompt[Key] };

/** The reward that means right, in rows that do not say it otherwise: LIMR's rule. */
export const rightReward = 1;

/** Whether a sample is right: by its verdict if it has one, otherwise by its reward. */
const isRight = ({ reward, verdict }: Pick<TableRow, 'reward' | 'verdict'>): boolean =>
  verdict === undefined ? reward === rightReward : verdict === true;

/**
 * Most entries of a matrix gathered from files. There must be a limit, as a row may state any
 * epoch.
 */
const largestMatrix = 2 ** 28;

/** Counts of one prompt in one step. */
interface Cell extends Visit {
  /** Number of rows, with or without a signal. */
  count: number;
  /** Number of rows known to be right or wrong, and of right rows. */
  judged: number;
  right: number;
  rewarded: number;
  reward: number;
  /** A hash of the first completion, to detect completions that differ. */
  completion: number | undefined;
}

/** How a row was matched with its prompt. */
type Match = MatchedBy | 'last turn' | 'turns without system text';

/**
 * Gathers rollouts, in any order, into a reward matrix. Memory grows with the distinct prompts and
 * steps, not with the rollouts.
 */
export class RewardTable {
  prompts: Writable[] = [];
  readonly #byId = new Map<string, number>();
  readonly #byIdentity = new Map<string, number>();
  /** Prompts by text; conversations by the text of their last user turn. */
  readonly #byText = new Map<string, number[]>();
  /** Conversations of the prompt file, by all turns except the system text. */
  readonly #byTurns = new Map<string, number[]>();
  readonly #cells = new Map<string, Cell>();
  readonly #digests = new Map<number, StepDigest>();
  readonly #closed: boolean;
  readonly #matcher = new PromptMatcher();
  readonly #matched: Record<Match, number> = {
    template: 0,
    containment: 0,
    'last turn': 0,
    'turns without system text': 0,
  };
  #last: Cell | undefined;
  #lastKey = '';
  #lastMatch: Match | undefined;
  #rows = 0;
  #unmatched = 0;
  /** The first unmatched row, for messages. */
  #unmatchedWhere = '';
  #merged = 0;
  #sampleIds = 0;
  #judged = 0;
  #neither = 0;
  #fractional = 0;
  /** The first row without an epoch. */
  #epochless: string | undefined;
  #aboveOne = 0;
  #lowest = Infinity;
  #highest = -Infinity;

  /**
   * @param pool The only prompts that count, in their order. Left out, prompts come in the order
   *   found.
   */
  constructor(pool?: readonly TablePrompt[]) {
    this.#closed = pool !== undefined;
    for (const entry of pool ?? []) {
      if (this.#findWhole(entry) === undefined) this.#add(entry);
      else this.#merged++;
    }
  }

  /** @throws ConfigError if the row's text contains several prompts of the pool. */
  add(row: TableRow): void {
    this.#rows++;
    const where = row.where ?? `row ${this.#rows}`;
    const identity = identityOf(row);
    // Samples of one prompt are usually adjacent, so remember the last cell.
    const key = `${row.step}\n${row.epoch ?? ''}\n${row.id ?? ''}\n${identity}`;
    if (key !== this.#lastKey || !this.#last) {
      const found = this.#place(row, where);
      if (!found) {
        if (this.#unmatched++ === 0) this.#unmatchedWhere = `: not ${where}`;
        return;
      }
      const entry = this.prompts[found.index];
      if (entry && entry.answer === undefined && row.answer !== undefined) {
        jsonOf(row.answer, `${where}: the answer`);
        entry.answer = row.answer;
      }
      this.#last = this.#cellOf(found.index, row);
      this.#lastKey = key;
      this.#lastMatch = found.by;
    }
    const cell = this.#last;
    if (this.#lastMatch) this.#matched[this.#lastMatch]++;
    if (row.epoch === undefined) this.#epochless ??= where;
    else if (!Number.isInteger(row.epoch)) this.#fractional++;
    cell.count++;
    this.#digest(row, identity, cell);
    this.#count(row, cell);
  }

  #count(row: TableRow, cell: Cell): void {
    const { reward, verdict } = row;
    if (reward !== undefined) {
      cell.rewarded++;
      cell.reward += reward;
      this.#lowest = Math.min(this.#lowest, reward);
      this.#highest = Math.max(this.#highest, reward);
    }
    if (verdict !== undefined) this.#judged++;
    else if (reward !== undefined && reward > rightReward) this.#aboveOne++;
    if (verdict === 'neither') this.#neither++;
    if (verdict === 'absent' || (verdict === undefined && reward === undefined)) return;
    cell.judged++;
    if (isRight(row)) cell.right++;
  }

  #digest(row: TableRow, identity: string, cell: Cell): void {
    let digest = this.#digests.get(row.step);
    if (!digest) this.#digests.set(row.step, (digest = new StepDigest()));
    const { completion, reward, verdict } = row;
    const hash =
      completion === undefined ? undefined : rowHash(identity, completion, reward, verdict);
    digest.add(hash);
    if (completion === undefined || digest.sampled) return;
    const own = rowHash('', completion, 0, '').low;
    cell.completion ??= own;
    if (cell.completion !== own) digest.sampled = true;
  }

  #cellOf(row: number, { step, epoch }: TableRow): Cell {
    const place = `${row} ${step} ${epoch ?? ''}`;
    const known = this.#cells.get(place);
    if (known) return known;
    const counts = { count: 0, judged: 0, right: 0, rewarded: 0, reward: 0, completion: undefined };
    const cell: Cell = { row, step, epoch, ...counts };
    this.#cells.set(place, cell);
    return cell;
  }

  /**
   * Builds the matrix from all added rows.
   *
   * @throws ConfigError if the steps do not divide as asked, or if only some rows state an epoch.
   */
  matrix(signal: Signal, rule: EpochRule): { matrix: RewardMatrix; summary: TableSummary } {
    if (this.#cells.size === 0) {
      throw new ConfigError(
        `none of ${this.#rows} rows is of a prompt of the prompt file${this.#unmatchedWhere}`,
      );
    }
    this.#mergeSamples();
    const repeats = repeatedSteps(this.#digests);
    const all =
      this.#fractional > 0 ? withoutEpochs(this.#cells.values()) : [...this.#cells.values()];
    const cells = all.filter(({ step }) => !repeats.steps.has(step));
    const pattern = stepPattern(new Set(all.map(({ step }) => step)));
    // Steps that are not logged use the generation as well.
    const iterations = repeats.iterations > 1 ? repeats.iterations * pattern.every : 1;
    const prompts = this.prompts.length;
    const pool = this.#closed ? prompts : undefined;
    const grouped = groupEpochs(cells, pattern, rule, pool, iterations, this.#epochless);
    const { epochs, epochOf } = grouped;
    if (prompts * epochs > largestMatrix) {
      throw new ConfigError(
        `${prompts} prompts x ${epochs} epochs is more than the ${largestMatrix} entries allowed`,
      );
    }
    const sums = new Float64Array(prompts * epochs);
    const samples = new Uint32Array(prompts * epochs);
    const rows = new Uint32Array(prompts * epochs);
    const parts = new Uint32Array(prompts * epochs);
    let rowsPastEnd = 0;
    let withoutSignal = 0;
    let right = 0;
    for (const cell of cells) {
      const epoch = epochOf(cell);
      if (epoch >= epochs) {
        rowsPastEnd += cell.count;
        continue;
      }
      const i = cell.row * epochs + epoch;
      const [sum, count] =
        signal === 'accuracy' ? [cell.right, cell.judged] : [cell.reward, cell.rewarded];
      sums[i] = (sums[i] ?? 0) + sum;
      samples[i] = (samples[i] ?? 0) + count;
      rows[i] = (rows[i] ?? 0) + cell.count;
      parts[i] = (parts[i] ?? 0) + 1;
      withoutSignal += cell.count - count;
      right += cell.right;
    }
    const usual = mostCommon(rows);
    let missing = 0;
    let never = 0;
    for (let p = 0; p < prompts; p++) {
      const row = samples.subarray(p * epochs, (p + 1) * epochs);
      const empty = row.reduce((sum, count) => sum + (count === 0 ? 1 : 0), 0);
      if (empty === epochs) never++;
      else missing += empty;
    }
    const repeatedRows = all.reduce(
      (sum, { step, count }) => sum + (repeats.steps.has(step) ? count : 0),
      0,
    );
    return {
      matrix: { prompts, epochs, sums, samples },
      summary: {
        rows: this.#rows,
        prompts,
        steps: pattern.steps.length,
        epochs,
        stepsPerEpoch: grouped.stepsPerEpoch,
        grouping: grouped.grouping,
        epochDoubt: grouped.doubt ?? null,
        fractionalEpochs: this.#fractional,
        unmatchedRows: this.#unmatched,
        templatedRows: this.#matched.template,
        containedRows: this.#matched.containment,
        lastTurnRows: this.#matched['last turn'],
        systemTextRows: this.#matched['turns without system text'],
        rowsWithoutSignal: withoutSignal,
        judgedRows: this.#judged,
        neitherRows: this.#neither,
        rightRows: right,
        rewardsAboveOne: this.#aboveOne,
        lowestReward: this.#lowest === Infinity ? null : this.#lowest,
        highestReward: this.#highest === -Infinity ? null : this.#highest,
        repeatedSteps: repeats.steps.size,
        repeatedRows,
        iterations,
        identicalSteps: repeats.doubtful,
        neverRolledOut: never,
        duplicateEntries: parts.reduce((sum, count) => sum + (count > 1 ? 1 : 0), 0),
        partialEntries: rows.reduce((n, count) => n + (count > 0 && count < usual ? 1 : 0), 0),
        missingEntries: missing,
        samplesPerEntry: usual,
        missingSteps: pattern.lost,
        loggedEvery: pattern.every,
        rowsPastEnd,
        sampleIds: this.#sampleIds,
        mergedPrompts: this.#merged,
      },
    };
  }

  /**
   * Merges prompts whose ids turn out to name samples: no id repeats although prompts do. Prompts
   * are then told apart by their conversation. This applies only without a prompt file, which would
   * say what an id is.
   */
  #mergeSamples(): void {
    const cells = [...this.#cells.values()];
    if (this.#closed || this.#byIdentity.size === this.prompts.length) return;
    if (cells.some(({ count }) => count > 1) || cells.length !== this.prompts.length) return;
    if (this.prompts.some(({ id }) => id === undefined)) return;
    this.#sampleIds = this.prompts.length;
    const places = new Map<string, number>();
    const merged: Writable[] = [];
    const placeOf = this.prompts.map((entry) => {
      const identity = identityOf(entry);
      const known = places.get(identity);
      if (known !== undefined) return known;
      places.set(identity, merged.length);
      return merged.push({ ...entry, id: undefined }) - 1;
    });
    this.#cells.clear();
    for (const cell of cells) {
      const row = placeOf[cell.row] ?? 0;
      const place = `${row} ${cell.step} ${cell.epoch ?? ''}`;
      const known = this.#cells.get(place);
      if (known) addCounts(known, cell);
      else this.#cells.set(place, { ...cell, row });
    }
    this.prompts = merged;
  }

  #add(entry: TablePrompt, where = 'the prompt file'): number {
    const { prompt, messages, id, answer } = entry;
    // The answer is checked here because it will be written to a file.
    jsonOf(answer, `${where}: the answer`);
    const index = this.prompts.length;
    if (this.#closed) this.#matcher.add(index, entry);
    this.prompts.push({ prompt, ...(messages && { messages }), id, answer });
    if (id !== undefined) this.#byId.set(id, index);
    const identity = identityOf(entry);
    if (!this.#byIdentity.has(identity)) this.#byIdentity.set(identity, index);
    const text = comparable(prompt);
    const same = this.#byText.get(text);
    if (same) same.push(index);
    else this.#byText.set(text, [index]);
    if (this.#closed && messages) {
      const turns = identityOf(withoutSystem(entry));
      const alike = this.#byTurns.get(turns);
      if (alike) alike.push(index);
      else this.#byTurns.set(turns, [index]);
    }
    return index;
  }

  /** The prompt that a row belongs to; undefined if that prompt is not in the pool. */
  #place(row: TableRow, where: string): { index: number; by: Match | undefined } | undefined {
    const whole = this.#findWhole(row);
    if (whole !== undefined) return { index: whole, by: undefined };
    if (!this.#closed) return { index: this.#add(row, where), by: undefined };
    const byTurn = this.#findByLastTurn(row, where);
    if (byTurn !== undefined) {
      return { index: byTurn, by: row.messages ? 'last turn' : undefined };
    }
    if (row.messages) {
      const byTurns = this.#findWithoutSystem(row, where);
      return byTurns === undefined
        ? undefined
        : { index: byTurns, by: 'turns without system text' };
    }
    const found = this.#matcher.find(row.prompt, { where, answered: row.answered ?? false });
    return found && this.#canBe(found.index, row.id) ? found : undefined;
  }

  /** Finds a prompt by id if both sides have an id, otherwise by the whole conversation. */
  #findWhole(entry: TablePrompt): number | undefined {
    const { id } = entry;
    const known = id === undefined ? undefined : this.#byId.get(id);
    if (known !== undefined) return known;
    const found = this.#byIdentity.get(identityOf(entry));
    return found !== undefined && this.#canBe(found, id) ? found : undefined;
  }

  /**
   * Finds a conversation by its last turn, if one side has only that turn: a prompt file or a dump
   * may hold the user's question alone.
   */
  #findByLastTurn(row: TableRow, where: string): number | undefined {
    const same = (this.#byText.get(comparable(row.prompt)) ?? []).filter(
      (index) => this.#canBe(index, row.id) && !(row.messages && this.prompts[index]?.messages),
    );
    return this.#onlyOf(same, where, 'end with the same turn');
  }

  /** Finds a conversation by its turns, if only one side has a system text. */
  #findWithoutSystem(row: TableRow, where: string): number | undefined {
    const same = (this.#byTurns.get(identityOf(withoutSystem(row))) ?? []).filter((index) => {
      const entry = this.prompts[index];
      return this.#canBe(index, row.id) && entry && hasSystem(entry) !== hasSystem(row);
    });
    return this.#onlyOf(same, where, 'differ in their system text');
  }

  #onlyOf(same: readonly number[], where: string, differ: string): number | undefined {
    const [only] = same;
    const first = only === undefined ? undefined : this.prompts[only];
    // Of equal prompts that differ only in their ids, the first counts.
    const isSame = (index: number): boolean => {
      const entry = this.prompts[index];
      return first !== undefined && entry !== undefined && identityOf(entry) === identityOf(first);
    };
    if (!same.every(isSame)) {
      throw new ConfigError(
        `${where}: the prompt may be several of the prompt file that ${differ}; ` +
          'give rows and prompts an id',
      );
    }
    return only;
  }

  /**
   * Whether a row's id allows a prompt: two prompts of the pool may share a text and differ in id.
   */
  #canBe(index: number, id: string | undefined): boolean {
    const own = this.prompts[index]?.id;
    return id === undefined || own === undefined || id === own;
  }
}

const isSystem = (message: JsonRecord): boolean =>
  message['role'] === 'system' || message['from'] === 'system';

const hasSystem = ({ messages = [] }: Prompt): boolean => messages.some(isSystem);

const withoutSystem = ({ prompt, messages }: Prompt): Prompt => ({
  prompt,
  messages: messages?.filter((message) => !isSystem(message)),
});

function addCounts(to: Cell, from: Cell): void {
  to.count += from.count;
  to.judged += from.judged;
  to.right += from.right;
  to.rewarded += from.rewarded;
  to.reward += from.reward;
}

/**
 * Removes epochs that are fractions, which cannot name a data epoch: the steps decide instead. If
 * there is only one step, each distinct fraction becomes a step.
 */
function withoutEpochs(cells: Iterable<Cell>): Cell[] {
  const given = [...cells];
  const isOneStep = new Set(given.map(({ step }) => step)).size === 1;
  const fractions = [...new Set(given.map(({ epoch = 0 }) => epoch))].sort((a, b) => a - b);
  const ranks = new Map(fractions.map((epoch, rank) => [epoch, rank]));
  const merged = new Map<string, Cell>();
  for (const cell of given) {
    const step = isOneStep ? (ranks.get(cell.epoch ?? 0) ?? 0) : cell.step;
    const key = `${cell.row} ${step}`;
    const known = merged.get(key);
    if (!known) merged.set(key, { ...cell, step, epoch: undefined });
    else addCounts(known, cell);
  }
  return [...merged.values()];
}

/** The most frequent count above 0; the larger one of a tie. */
function mostCommon(counts: Uint32Array): number {
  const frequency = new Map<number, number>();
  for (const count of counts) frequency.set(count, (frequency.get(count) ?? 0) + 1);
  let best = 0;
  for (const [count, times] of frequency) {
    if (count === 0) continue;
    const most = frequency.get(best) ?? 0;
    if (best === 0 || times > most || (times === most && count > best)) best = count;
  }
  return best;
}
