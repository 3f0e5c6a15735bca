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

/** What did not fit together in somebody's rollouts. */
export interface TableSummary {
  readonly rows: number;
  readonly prompts: number;
  readonly steps: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number | null;
  /** How the epochs were found. */
  readonly grouping: EpochGrouping;
  /** Why the epochs may be others; null where they cannot. */
  readonly epochDoubt: string | null;
  /** Rows whose epoch is no whole number: no row's epoch counts then. */
  readonly fractionalEpochs: number;
  /** Rows whose prompt is not in the prompt file: left out. */
  readonly unmatchedRows: number;
  /** Rows whose text was a prompt of the prompt file once its chat template was taken off. */
  readonly templatedRows: number;
  /** Rows whose text holds one prompt of the prompt file and more. */
  readonly containedRows: number;
  /** Rows of a conversation whose last turn alone is a prompt of the prompt file. */
  readonly lastTurnRows: number;
  /** Rows matched by their conversation, where only one side has a system text. */
  readonly systemTextRows: number;
  /** Samples without the signal: their reward function abstained, or gave no finite number. */
  readonly rowsWithoutSignal: number;
  /** Rows by a column that says who is right. */
  readonly judgedRows: number;
  /** Rows whose column says neither right nor wrong but a share: counted as not right. */
  readonly neitherRows: number;
  /** Samples that are right. */
  readonly rightRows: number;
  /** Rewards above `rightReward`, of rows that no column says to be right. */
  readonly rewardsAboveOne: number;
  readonly lowestReward: number | null;
  readonly highestReward: number | null;
  /** Steps that log the generation of the step before once more, and their rows: left out. */
  readonly repeatedSteps: number;
  readonly repeatedRows: number;
  /** Optimizer steps that a generation was used for. */
  readonly iterations: number;
  /** Steps that hold the rows of the step before and are counted all the same. */
  readonly identicalSteps: number;
  /** Prompts of the prompt file without a single row. */
  readonly neverRolledOut: number;
  /** (prompt, epoch) entries rolled out in more than one step: pooled. */
  readonly duplicateEntries: number;
  /** (prompt, epoch) entries with fewer samples than most. */
  readonly partialEntries: number;
  /** (prompt, epoch) entries without any sample, of prompts that have some elsewhere. */
  readonly missingEntries: number;
  /** Samples that most entries have. */
  readonly samplesPerEntry: number;
  /** Steps that no row belongs to: between the first and the last, or between those that are logged. */
  readonly missingSteps: number;
  /** Steps from one that is logged to the next. */
  readonly loggedEvery: number;
  /** Rows of steps past the last whole epoch asked for: left out. */
  readonly rowsPastEnd: number;
  /** Rows with an id of their own, though prompts repeat: the ids are those of samples, and not used. */
  readonly sampleIds: number;
  /** Rows of the prompt file with the text or id of an earlier one: merged with it. */
  readonly mergedPrompts: number;
}

/** A prompt of the pool, in the pool's order. */
export interface TablePrompt extends Prompt {
  readonly id: string | undefined;
  /** Its answer key, where a file has one; kept for whoever trains on the prompt. */
  readonly answer?: unknown;
}

/** One sample's place and signal. */
export interface TableRow extends TablePrompt {
  /** Undefined where it has none. */
  readonly reward: number | undefined;
  readonly verdict?: Verdict;
  readonly step: number;
  readonly epoch?: number | undefined;
  /** The response, where a generation may be logged at several steps. */
  readonly completion?: string | undefined;
  /** Whether the prompt's text goes on with the response. */
  readonly answered?: boolean;
  /** File and row, for messages. */
  readonly where?: string;
}

type Writable = { -readonly [Key in keyof TablePrompt]: TablePrompt[Key] };

/** The reward of a right sample, of rows that say nothing else of who is right: LIMR's rule. */
export const rightReward = 1;

/** Whether a sample is right: by what its row says of that, else by its reward. */
const isRight = ({ reward, verdict }: Pick<TableRow, 'reward' | 'verdict'>): boolean =>
  verdict === undefined ? reward === rightReward : verdict === true;

/** Most entries of a matrix that is gathered from files: a row may name any epoch. */
const largestMatrix = 2 ** 28;

/** Counts of one prompt in one step. */
interface Cell extends Visit {
  /** Rows, with a signal or without. */
  count: number;
  /** Rows that are known to be right or wrong, and those that are right. */
  judged: number;
  right: number;
  rewarded: number;
  reward: number;
  /** The first completion, to see whether others differ. */
  completion: number | undefined;
}

/** How a row found its prompt. */
type Match = MatchedBy | 'last turn' | 'turns without system text';

/**
 * Gathers rollouts, in any order, into a reward matrix. Memory goes with distinct prompts and steps,
 * not with rollouts.
 */
export class RewardTable {
  prompts: Writable[] = [];
  readonly #byId = new Map<string, number>();
  readonly #byIdentity = new Map<string, number>();
  /** Prompts by their text, of conversations by that of the last user turn. */
  readonly #byText = new Map<string, number[]>();
  /** Conversations of the prompt file by all their turns but the system text. */
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
  /** The first of them, for messages. */
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

  /** @param pool The only prompts that count, in their order; left out, prompts come as found. */
  constructor(pool?: readonly TablePrompt[]) {
    this.#closed = pool !== undefined;
    for (const entry of pool ?? []) {
      if (this.#findWhole(entry) === undefined) this.#add(entry);
      else this.#merged++;
    }
  }

  /** @throws ConfigError when the row's text holds several prompts of the pool. */
  add(row: TableRow): void {
    this.#rows++;
    const where = row.where ?? `row ${this.#rows}`;
    const identity = identityOf(row);
    // Samples of a prompt tend to follow each other.
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
   * The matrix of everything added.
   *
   * @throws ConfigError when the steps do not divide as asked, or a row says no epoch while others do.
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
    // Steps that are not logged use the generation too.
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
   * Ids of which none comes twice, though prompts do, name samples: prompts are told apart by what they say
   * then. Only where no prompt file says what an id is.
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
    // Checked here, as it is written again.
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

  /** Where a row belongs; undefined where its prompt is none of the pool. */
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

  /** By id where both sides have one, else by the whole conversation. */
  #findWhole(entry: TablePrompt): number | undefined {
    const { id } = entry;
    const known = id === undefined ? undefined : this.#byId.get(id);
    if (known !== undefined) return known;
    const found = this.#byIdentity.get(identityOf(entry));
    return found !== undefined && this.#canBe(found, id) ? found : undefined;
  }

  /**
   * A conversation by its last turn, where either side has no more than that: a prompt file may hold the
   * user's question alone, and so may a dump.
   */
  #findByLastTurn(row: TableRow, where: string): number | undefined {
    const same = (this.#byText.get(comparable(row.prompt)) ?? []).filter(
      (index) => this.#canBe(index, row.id) && !(row.messages && this.prompts[index]?.messages),
    );
    return this.#onlyOf(same, where, 'end with the same turn');
  }

  /** A conversation by its turns where one side has a system text and the other has none. */
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
    // Equal prompts that differ in their ids alone: the first counts.
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

  /** Two prompts of the pool may share a text and differ in id. */
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
 * Visits as they are where epochs are fractions, which cannot name one: the steps decide. Without steps
 * each fraction is one.
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
