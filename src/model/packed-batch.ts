import { Variable } from '../../kernels/lib/variable.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';

/** One prompt with the responses sampled for it, as token ids. */
export interface PromptGroup {
  readonly prompt: ArrayLike<number>;
  readonly responses: readonly ArrayLike<number>[];
  /**
   * Index of each response's first action in arrays over the whole rollout; when left out, actions
   * count from 0 in the order of the batch.
   */
  readonly firstActions?: readonly number[];
  /**
   * For each response, the loss's weight of each of its actions: one for all, or one each. Left out:
   * 1 / actions of the batch.
   */
  readonly weights?: readonly (number | ArrayLike<number>)[];
}

export interface PackedSizes {
  /** Token rows. */
  readonly rows: number;
  /** Actions: response tokens that are predicted. */
  readonly actions: number;
  readonly sequences: number;
}

/** A batch laid out on the host, without padding. Field meanings: `PackedBatch`. */
export interface PackedArrays extends PackedSizes {
  readonly uniques: number;
  readonly tokenIds: Uint32Array;
  readonly positions: Uint32Array;
  readonly spans: Uint32Array;
  readonly actionRows: Uint32Array;
  readonly actionTargets: Uint32Array;
  readonly actionSource: Uint32Array;
  readonly actionWeights: Float32Array;
  readonly sequenceActions: Uint32Array;
  readonly rowActionStarts: Uint32Array;
  readonly rowActions: Uint32Array;
  readonly uniqueIds: Uint32Array;
  readonly uniqueStarts: Uint32Array;
  readonly uniqueOrder: Uint32Array;
}

/** The last token of a response is predicted but predicts nothing, so it has no row. */
const rowsOfResponse = (response: ArrayLike<number>): number => Math.max(0, response.length - 1);

/**
 * Rows, actions and sequences of a list of groups.
 *
 * @param sharePrompts Whether a prompt's rows come once per group, not once per response.
 */
export function packedSizes(groups: readonly PromptGroup[], sharePrompts: boolean): PackedSizes {
  let rows = 0;
  let actions = 0;
  let sequences = 0;
  for (const { prompt, responses } of groups) {
    rows += prompt.length * (sharePrompts ? 1 : responses.length);
    for (const response of responses) {
      rows += rowsOfResponse(response);
      actions += response.length;
      sequences++;
    }
  }
  return { rows, actions, sequences };
}

/**
 * Checks the token ids of a batch that comes from outside: on the GPU an id past the table would
 * read another row, or zeros, without an error.
 *
 * @throws RangeError naming the place of the first id that is not in the vocabulary.
 */
export function expectTokens(groups: readonly PromptGroup[], vocabulary: number): void {
  const check = (ids: ArrayLike<number>, what: string, group: number): void => {
    for (let at = 0; at < ids.length; at++) {
      const id = ids[at] ?? NaN;
      if (Number.isInteger(id) && id >= 0 && id < vocabulary) continue;
      throw new RangeError(
        `token ${at} of ${what} of group ${group} is ${id}, must be an id below ${vocabulary}`,
      );
    }
  };
  for (const [group, { prompt, responses }] of groups.entries()) {
    check(prompt, 'the prompt', group);
    for (const [i, response] of responses.entries()) check(response, `response ${i}`, group);
  }
}

/**
 * Packs prompts and responses into token rows. With `sharePrompts` the rows of a prompt come once,
 * before all its responses, which read the prompt as a prefix. The results equal those of separate
 * copies, because positions and keys are the same. The last token of a response is predicted but
 * predicts nothing, so it has no row.
 *
 * @throws RangeError on an empty prompt: nothing would predict the first action.
 */
export function packGroups(groups: readonly PromptGroup[], sharePrompts: boolean): PackedArrays {
  const { rows, actions, sequences } = packedSizes(groups, sharePrompts);
  const tokenIds = new Uint32Array(rows);
  const positions = new Uint32Array(rows);
  const spans = new Uint32Array(rows * 6);
  const actionRows = new Uint32Array(actions);
  const actionTargets = new Uint32Array(actions);
  const actionSource = new Uint32Array(actions);
  const actionWeights = new Float32Array(actions);
  const sequenceActions = new Uint32Array(sequences * 2);
  let row = 0;
  let action = 0;
  let sequence = 0;

  const putPrompt = (prompt: ArrayLike<number>, followers: number): number => {
    const first = row;
    const end = first + prompt.length;
    for (let i = 0; i < prompt.length; i++, row++) {
      tokenIds[row] = prompt[i] ?? 0;
      positions[row] = i;
      spans.set([first, end, 0, 0, end, end + followers], row * 6);
    }
    return first;
  };
  const putResponse = (group: PromptGroup, index: number, prefix: number): void => {
    const response = group.responses[index] ?? [];
    const length = group.prompt.length;
    const first = row;
    const end = first + rowsOfResponse(response);
    const source = group.firstActions?.[index] ?? action;
    const weight = group.weights?.[index] ?? 1 / actions;
    sequenceActions.set([action, response.length], sequence++ * 2);
    for (let i = 0; i < response.length - 1; i++, row++) {
      tokenIds[row] = response[i] ?? 0;
      positions[row] = length + i;
      spans.set([first, end, prefix, prefix + length, 0, 0], row * 6);
    }
    for (let i = 0; i < response.length; i++, action++) {
      actionRows[action] = i === 0 ? prefix + length - 1 : first + i - 1;
      actionTargets[action] = response[i] ?? 0;
      actionSource[action] = source + i;
      actionWeights[action] = typeof weight === 'number' ? weight : (weight[i] ?? 0);
    }
  };

  for (const group of groups) {
    if (group.prompt.length === 0) throw new RangeError('a prompt needs at least one token');
    if (sharePrompts) {
      const total = group.responses.reduce((sum, response) => sum + rowsOfResponse(response), 0);
      const prefix = putPrompt(group.prompt, total);
      for (let i = 0; i < group.responses.length; i++) putResponse(group, i, prefix);
    } else {
      for (const [i, response] of group.responses.entries()) {
        putResponse(group, i, putPrompt(group.prompt, rowsOfResponse(response)));
      }
    }
  }
  const byRow = sortBy(actionRows, rows);
  const byToken = sortByToken(tokenIds);
  return {
    rows,
    actions,
    sequences,
    tokenIds,
    positions,
    spans,
    actionRows,
    actionTargets,
    actionSource,
    actionWeights,
    sequenceActions,
    rowActionStarts: byRow.starts,
    rowActions: byRow.order,
    ...byToken,
  };
}

/** Counting sort of indices by key: starts (buckets + 1) and the order within each bucket. */
function sortBy(keys: Uint32Array, buckets: number): { starts: Uint32Array; order: Uint32Array } {
  const starts = new Uint32Array(buckets + 1);
  for (const key of keys) starts[key + 1] = (starts[key + 1] ?? 0) + 1;
  for (let i = 0; i < buckets; i++) starts[i + 1] = (starts[i + 1] ?? 0) + (starts[i] ?? 0);
  const next = starts.slice();
  const order = new Uint32Array(keys.length);
  for (const [i, key] of keys.entries()) {
    const at = next[key] ?? 0;
    order[at] = i;
    next[key] = at + 1;
  }
  return { starts, order };
}

function sortByToken(tokenIds: Uint32Array): {
  uniques: number;
  uniqueIds: Uint32Array;
  uniqueStarts: Uint32Array;
  uniqueOrder: Uint32Array;
} {
  const order = Uint32Array.from(tokenIds.keys());
  order.sort((a, b) => (tokenIds[a] ?? 0) - (tokenIds[b] ?? 0) || a - b);
  const ids = new Uint32Array(tokenIds.length);
  const starts = new Uint32Array(tokenIds.length + 1);
  let uniques = 0;
  for (const [i, row] of order.entries()) {
    const id = tokenIds[row] ?? 0;
    if (i === 0 || id !== ids[uniques - 1]) {
      ids[uniques] = id;
      starts[uniques] = i;
      uniques++;
    }
  }
  starts[uniques] = tokenIds.length;
  return { uniques, uniqueIds: ids, uniqueStarts: starts, uniqueOrder: order };
}

/**
 * The GPU side of a packed batch, sized once for the largest batch it will hold. Plans bind its
 * tensors; `upload` replaces the batch between runs.
 */
export class PackedBatch {
  readonly capacity: PackedSizes;
  /** Rows, actions and distinct tokens in use. */
  readonly rows: Variable;
  readonly actions: Variable;
  readonly uniques: Variable;
  /** u32 (N): token of each row, its position in its sequence, and what it attends to (N, 6). */
  readonly tokenIds: Tensor;
  readonly positions: Tensor;
  readonly spans: Tensor;
  /** u32 (A): the row that predicts each action, its token, its index in the rollout's arrays. */
  readonly actionRows: Tensor;
  readonly actionTargets: Tensor;
  readonly actionSource: Tensor;
  /** f32 (A): weight of each action in the loss. */
  readonly actionWeights: Tensor;
  /** u32 (N + 1), (A): actions by the row that predicts them. */
  readonly rowActionStarts: Tensor;
  readonly rowActions: Tensor;
  /** u32 (N), (N + 1), (N): rows by their token. */
  readonly uniqueIds: Tensor;
  readonly uniqueStarts: Tensor;
  readonly uniqueOrder: Tensor;
  readonly #gpu: Gpu;

  constructor(gpu: Gpu, capacity: PackedSizes) {
    this.#gpu = gpu;
    this.capacity = capacity;
    const { rows, actions } = capacity;
    this.rows = new Variable('rows', 0, rows);
    this.actions = new Variable('actions', 0, actions);
    this.uniques = new Variable('uniques', 0, rows);
    const u32 = (name: string, ...shape: number[]): Tensor =>
      gpu.tensor(name, shape, 'u32', 'activations');
    this.tokenIds = u32('token_ids', rows);
    this.positions = u32('positions', rows);
    this.spans = u32('spans', rows, 6);
    this.actionRows = u32('action_rows', actions);
    this.actionTargets = u32('action_targets', actions);
    this.actionSource = u32('action_source', actions);
    this.actionWeights = gpu.tensor('action_weights', [actions], 'f32', 'activations');
    this.rowActionStarts = u32('row_action_starts', rows + 1);
    this.rowActions = u32('row_actions', actions);
    this.uniqueIds = u32('unique_ids', rows);
    this.uniqueStarts = u32('unique_starts', rows + 1);
    this.uniqueOrder = u32('unique_order', rows);
  }

  /** @throws RangeError when the batch is larger than the capacity. */
  upload(batch: PackedArrays): void {
    this.rows.value = batch.rows;
    this.actions.value = batch.actions;
    this.uniques.value = batch.uniques;
    const put = (tensor: Tensor, data: Uint32Array | Float32Array): void => {
      if (data.length > 0) this.#gpu.upload(tensor, data);
    };
    put(this.tokenIds, batch.tokenIds);
    put(this.positions, batch.positions);
    put(this.spans, batch.spans);
    put(this.actionRows, batch.actionRows);
    put(this.actionTargets, batch.actionTargets);
    put(this.actionSource, batch.actionSource);
    put(this.actionWeights, batch.actionWeights);
    put(this.rowActionStarts, batch.rowActionStarts);
    put(this.rowActions, batch.rowActions);
    put(this.uniqueIds, batch.uniqueIds);
    put(this.uniqueStarts, batch.uniqueStarts);
    put(this.uniqueOrder, batch.uniqueOrder);
  }

  /** Frees its tensors. */
  destroy(): void {
    this.#gpu.destroy(
      this.tokenIds,
      this.positions,
      this.spans,
      this.actionRows,
      this.actionTargets,
      this.actionSource,
      this.actionWeights,
      this.rowActionStarts,
      this.rowActions,
      this.uniqueIds,
      this.uniqueStarts,
      this.uniqueOrder,
    );
  }
}
