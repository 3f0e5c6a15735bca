import { ConfigError } from '../config-error.ts';
import type { RewardMatrix, Signal } from './matrix.ts';
import { type MatchedBy, PromptMatcher } from './prompt-matcher.ts';

/** How rollouts are cut into data epochs. */
export interface EpochRule {
  readonly stepsPerEpoch?: number | undefined;
  readonly epochs?: number | undefined;
}

/** What did not fit together in somebody's rollouts. */
export interface TableSummary {
  readonly rows: number;
  readonly prompts: number;
  readonly steps: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number | null;
  /** How the epochs were found. */
  readonly grouping: 'epoch field' | 'steps per epoch' | 'every prompt once' | 'one epoch';
  /** Rows whose prompt is not in the prompt file: left out. */
  readonly unmatchedRows: number;
  /** Rows whose text was a prompt of the prompt file once its chat template was taken off. */
  readonly templatedRows: number;
  /** Rows whose text holds one prompt of the prompt file and more. */
  readonly containedRows: number;
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
  /** Steps between the first and the last that no row belongs to. */
  readonly missingSteps: number;
  /** Rows of steps past the last whole epoch asked for: left out. */
  readonly rowsPastEnd: number;
  /** Rows of the prompt file with the text or id of an earlier one: merged with it. */
  readonly mergedPrompts: number;
}

/** A prompt of the pool, in the pool's order. */
export interface TablePrompt {
  readonly prompt: string;
  readonly id: string | undefined;
  /** Its answer key, where a file has one; kept for whoever trains on the prompt. */
  readonly answer?: unknown;
}

/** One sample's place and signal. */
export interface TableRow extends TablePrompt {
  readonly reward: number;
  readonly correct?: boolean | undefined;
  readonly step: number;
  readonly epoch?: number | undefined;
  /** File and row, for messages. */
  readonly where?: string;
}

type Writable = { -readonly [Key in keyof TablePrompt]: TablePrompt[Key] };

/** Most entries of a matrix that is gathered from files: a row may name any epoch. */
const largestMatrix = 2 ** 28;

/** Counts of one prompt in one step. */
interface Cell {
  readonly row: number;
  readonly step: number;
  readonly epoch: number | undefined;
  count: number;
  right: number;
  reward: number;
}

/**
 * Gathers rollouts, in any order, into a reward matrix. Memory goes with distinct prompts and steps,
 * not with rollouts.
 */
export class RewardTable {
  readonly prompts: Writable[] = [];
  readonly #byKey = new Map<string, number>();
  readonly #cells = new Map<string, Cell>();
  readonly #closed: boolean;
  readonly #matcher = new PromptMatcher();
  readonly #matched: Record<MatchedBy, number> = { template: 0, containment: 0 };
  #last: Cell | undefined;
  #lastKey = '';
  #lastMatch: MatchedBy | undefined;
  #rows = 0;
  #unmatched = 0;
  #merged = 0;

  /** @param pool The only prompts that count, in their order; left out, prompts come as found. */
  constructor(pool?: readonly TablePrompt[]) {
    this.#closed = pool !== undefined;
    for (const entry of pool ?? []) {
      if (this.#find(entry) === undefined) this.#add(entry);
      else this.#merged++;
    }
  }

  /** @throws ConfigError when the row's text holds several prompts of the pool. */
  add(row: TableRow): void {
    this.#rows++;
    // Samples of a prompt tend to follow each other.
    const key = `${row.step}\n${row.epoch ?? ''}\n${row.id ?? ''}\n${row.prompt}`;
    if (key !== this.#lastKey || !this.#last) {
      let index = this.#find(row);
      let match: MatchedBy | undefined;
      if (index === undefined && this.#closed) {
        const found = this.#matcher.find(row.prompt, row.where ?? `row ${this.#rows}`);
        if (!found || !this.#canBe(found.index, row.id)) {
          this.#unmatched++;
          return;
        }
        index = found.index;
        match = found.by;
      }
      index ??= this.#add(row);
      const entry = this.prompts[index];
      if (entry) entry.answer ??= row.answer;
      const place = `${index} ${row.step} ${row.epoch ?? ''}`;
      let cell = this.#cells.get(place);
      if (!cell) {
        cell = { row: index, step: row.step, epoch: row.epoch, count: 0, right: 0, reward: 0 };
        this.#cells.set(place, cell);
      }
      this.#last = cell;
      this.#lastKey = key;
      this.#lastMatch = match;
    }
    if (this.#lastMatch) this.#matched[this.#lastMatch]++;
    this.#last.count++;
    this.#last.reward += row.reward;
    if (row.correct ?? row.reward === 1) this.#last.right++;
  }

  /**
   * The matrix of everything added.
   *
   * @throws ConfigError when the steps do not divide as asked, or a row says no epoch while others do.
   */
  matrix(signal: Signal, rule: EpochRule): { matrix: RewardMatrix; summary: TableSummary } {
    const cells = [...this.#cells.values()];
    if (cells.length === 0) throw new ConfigError('there is no rollout of a known prompt');
    const steps = [...new Set(cells.map(({ step }) => step))].sort((a, b) => a - b);
    const grouped = groupEpochs(cells, steps, rule);
    const prompts = this.prompts.length;
    const { epochs, epochOf } = grouped;
    if (prompts * epochs > largestMatrix) {
      throw new ConfigError(
        `${prompts} prompts x ${epochs} epochs is more than the ${largestMatrix} entries allowed`,
      );
    }
    const sums = new Float64Array(prompts * epochs);
    const samples = new Uint32Array(prompts * epochs);
    const parts = new Uint32Array(prompts * epochs);
    let rowsPastEnd = 0;
    for (const cell of cells) {
      const epoch = epochOf(cell);
      if (epoch >= epochs) {
        rowsPastEnd += cell.count;
        continue;
      }
      const i = cell.row * epochs + epoch;
      sums[i] = (sums[i] ?? 0) + (signal === 'accuracy' ? cell.right : cell.reward);
      samples[i] = (samples[i] ?? 0) + cell.count;
      parts[i] = (parts[i] ?? 0) + 1;
    }
    const usual = mostCommon(samples);
    let missing = 0;
    let never = 0;
    for (let p = 0; p < prompts; p++) {
      const row = samples.subarray(p * epochs, (p + 1) * epochs);
      const empty = row.reduce((sum, count) => sum + (count === 0 ? 1 : 0), 0);
      if (empty === epochs) never++;
      else missing += empty;
    }
    return {
      matrix: { prompts, epochs, sums, samples },
      summary: {
        rows: this.#rows,
        prompts,
        steps: steps.length,
        epochs,
        stepsPerEpoch: grouped.stepsPerEpoch,
        grouping: grouped.grouping,
        unmatchedRows: this.#unmatched,
        templatedRows: this.#matched.template,
        containedRows: this.#matched.containment,
        neverRolledOut: never,
        duplicateEntries: parts.reduce((sum, count) => sum + (count > 1 ? 1 : 0), 0),
        partialEntries: samples.reduce((n, count) => n + (count > 0 && count < usual ? 1 : 0), 0),
        missingEntries: missing,
        samplesPerEntry: usual,
        missingSteps: (steps.at(-1) ?? 0) - (steps[0] ?? 0) + 1 - steps.length,
        rowsPastEnd,
        mergedPrompts: this.#merged,
      },
    };
  }

  #add(entry: TablePrompt): number {
    const index = this.prompts.length;
    if (this.#closed) this.#matcher.add(entry.prompt);
    this.prompts.push({ prompt: entry.prompt, id: entry.id, answer: entry.answer });
    if (entry.id !== undefined) this.#byKey.set(`id ${entry.id}`, index);
    for (const text of [entry.prompt, entry.prompt.trim()]) {
      if (!this.#byKey.has(`text ${text}`)) this.#byKey.set(`text ${text}`, index);
    }
    return index;
  }

  /** By id where both sides have one, else by text; dumps may have lost whitespace at the ends. */
  #find({ prompt, id }: TablePrompt): number | undefined {
    if (id !== undefined) {
      const known = this.#byKey.get(`id ${id}`);
      if (known !== undefined) return known;
    }
    const byText = this.#byKey.get(`text ${prompt}`) ?? this.#byKey.get(`text ${prompt.trim()}`);
    return byText !== undefined && this.#canBe(byText, id) ? byText : undefined;
  }

  /** Two prompts of the pool may share a text and differ in id. */
  #canBe(index: number, id: string | undefined): boolean {
    const own = this.prompts[index]?.id;
    return id === undefined || own === undefined || id === own;
  }
}

interface Grouping {
  readonly epochs: number;
  readonly stepsPerEpoch: number | null;
  readonly grouping: TableSummary['grouping'];
  readonly epochOf: (cell: Cell) => number;
}

function groupEpochs(cells: readonly Cell[], steps: readonly number[], rule: EpochRule): Grouping {
  const first = steps[0] ?? 0;
  // Steps count from 0 or 1; a later start is a run that was continued.
  const span = (steps.at(-1) ?? 0) - first + 1;
  if (rule.stepsPerEpoch !== undefined || rule.epochs !== undefined) {
    const per = rule.stepsPerEpoch ?? span / (rule.epochs ?? 1);
    if (!Number.isInteger(per)) {
      throw new ConfigError(
        `${span} steps do not divide into ${rule.epochs ?? 1} epochs; say --steps-per-epoch`,
      );
    }
    const base = first <= 1 || first > per ? first : 1;
    return {
      epochs: rule.epochs ?? Math.ceil((span + first - base) / per),
      stepsPerEpoch: per,
      grouping: 'steps per epoch',
      epochOf: ({ step }) => Math.floor((step - base) / per),
    };
  }
  const named = cells.filter(({ epoch }) => epoch !== undefined).length;
  if (named === cells.length) {
    const lowest = cells.reduce((least, { epoch = 0 }) => Math.min(least, epoch), Infinity);
    const highest = cells.reduce((most, { epoch = 0 }) => Math.max(most, epoch), 0);
    return {
      epochs: highest - lowest + 1,
      stepsPerEpoch: null,
      grouping: 'epoch field',
      epochOf: ({ epoch = 0 }) => epoch - lowest,
    };
  }
  if (named > 0) throw new ConfigError('some rows have a field epoch and some do not');
  return oncePerEpoch(cells, steps);
}

/** A new epoch begins with the first step that rolls out a prompt seen in the present one. */
function oncePerEpoch(cells: readonly Cell[], steps: readonly number[]): Grouping {
  const byStep = new Map<number, number[]>(steps.map((step) => [step, []]));
  for (const { row, step } of cells) byStep.get(step)?.push(row);
  const epochByStep = new Map<number, number>();
  let seen = new Set<number>();
  let epoch = 0;
  for (const step of steps) {
    const rows = byStep.get(step) ?? [];
    if (rows.some((row) => seen.has(row))) {
      epoch++;
      seen = new Set();
    }
    for (const row of rows) seen.add(row);
    epochByStep.set(step, epoch);
  }
  return {
    epochs: epoch + 1,
    stepsPerEpoch: null,
    grouping: epoch === 0 ? 'one epoch' : 'every prompt once',
    epochOf: ({ step }) => epochByStep.get(step) ?? 0,
  };
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
