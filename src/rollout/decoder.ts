import { canRotate } from '../../kernels/attention-decode.ts';
import { decodeAdvance } from '../../kernels/decode-advance.ts';
import { decodeCompact } from '../../kernels/decode-compact.ts';
import { decodeMoveCache } from '../../kernels/decode-move-cache.ts';
import { decodeStop } from '../../kernels/decode-stop.ts';
import { sampleToken } from '../../kernels/sample-token.ts';
import { episodeColumns } from '../../kernels/lib/episodes.ts';
import { parallelLanes, serialLanes, type Lanes } from '../../kernels/lib/lanes.ts';
import { type DType, rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import type { Gpu } from '../gpu/device.ts';
import { clearStep, type Plan, type Step } from '../gpu/plan.ts';
import { Readback, readBytes } from '../gpu/readback.ts';
import { type MemoryTurn, SharedMemory } from '../gpu/shared-memory.ts';
import { Activations } from '../model/activations.ts';
import { blockOf } from '../model/block.ts';
import type { ModelConfig } from '../model/config.ts';
import { type LogitChunk, LogitChunks } from '../model/logit-chunks.ts';
import type { Weights } from '../model/weights.ts';
import { purposes } from '../random.ts';
import { DecodeSteps } from './decode-steps.ts';
import { FinishedRing } from './finished-ring.ts';
import { Prefill } from './prefill.ts';
import { cutAtStopStrings, PIECE, type StopStrings, StopStringSearch } from './stop-strings.ts';
import { TailCopy } from './tail-copy.ts';

/** The largest batch that a decoder is built for. */
export interface DecoderCapacity {
  /** Responses decoded together: prompts times samples. */
  readonly rows: number;
  readonly prompts: number;
  /** Tokens of all prompts of a batch together. */
  readonly promptRows: number;
  /** Tokens of the longest prompt. */
  readonly promptLength: number;
  /**
   * Most prompt tokens that go through the model together, at least `promptLength`. More are
   * computed in pieces, which changes no number. Default: as many as take 64 MiB.
   */
  readonly prefillRows?: number | undefined;
  /** Tokens of the longest response. */
  readonly newTokens: number;
  /**
   * Most bytes of logits held at once; at most 128 MiB, the default. More logits are made in
   * pieces.
   */
  readonly logitsBytes?: number;
  /** Storage of keys and values; f16 rounds them. Default f32. */
  readonly cacheStorage?: 'f32' | 'f16' | undefined;
  /**
   * Whether rows end early where a request's stop strings are complete. Without it they are cut
   * when all rows have ended, which gives the same responses. Default false.
   */
  readonly stopStrings?: boolean | undefined;
  /**
   * The sizes that kernels are chosen for; the capacity's own when left out. Decoders of several
   * capacities share them to compute the same bits.
   */
  readonly usual?: Readonly<Record<'rows' | 'prompts' | 'promptRows', number>>;
}

/** How tokens are drawn. A filter left out filters nothing. */
export interface SamplingSettings {
  /** Divides the logits; 0 takes the largest logit. Default 1. */
  readonly temperature?: number;
  /** Most tokens kept; 0, the default, keeps all. */
  readonly topK?: number;
  /** Probability mass kept, in (0, 1]; default 1. */
  readonly topP?: number;
  /** Least probability kept, as a fraction of the largest, in [0, 1]; default 0. */
  readonly minP?: number;
  /** No stop id is drawn before this many tokens. Default 0. */
  readonly minNewTokens?: number;
}

export interface GenerateRequest extends SamplingSettings {
  readonly prompts: readonly ArrayLike<number>[];
  /** Keys of the prompts' random numbers, unsigned 32-bit; their indices when left out. */
  readonly promptIds?: readonly number[];
  readonly samplesPerPrompt: number;
  /** Index of the first sample of each prompt, so that a group can be drawn in parts. Default 0. */
  readonly firstSample?: number;
  /** Unsigned 32-bit. The same seed, prompt id and sample give the same tokens in any batch. */
  readonly seed: number;
  /** Most tokens of a response, for all or for each prompt. Default: the decoder's capacity. */
  readonly maxNewTokens?: number | readonly number[];
  /** Ids that end a response; they are part of it. */
  readonly stopIds: readonly number[];
  /**
   * Texts that end a response after the token that completes one of them; see `StopStringSearch`.
   */
  readonly stopStrings?: StopStrings;
  /**
   * Called after each step was submitted. The number of finished rows lags behind. Rows that were
   * finished when last looked at are not computed any more.
   */
  readonly onStep?: (step: number, finishedRows: number, computedRows: number) => void;
  /**
   * Running rows are moved together as soon as at most this share of the computed rows can still be
   * running; never at 0. Changes no result. Default 0.75.
   */
  readonly compactAt?: number;
}

/** Responses, prompt after prompt. The samples of a prompt follow one another. */
export interface Generation {
  readonly rows: number;
  /** Row stride of `tokens` and `logprobs`. */
  readonly columns: number;
  /** (rows, columns); entries past a row's length are 0. */
  readonly tokens: Uint32Array;
  /** (rows, columns): log-probabilities of the chosen tokens, at temperature 1 and unfiltered. */
  readonly logprobs: Float32Array;
  readonly lengths: Uint32Array;
  /** 1 where the response ended with a stop id or a stop string, 0 where it was cut. */
  readonly stopped: Uint8Array;
  /** The tokens of one row. */
  response(row: number): Uint32Array;
}

/** Most stop ids that a decoder holds. */
const STOP_CAPACITY = 16;
const MOST_LOGITS_BYTES = 2 ** 27;
/** Bytes of what a model computes of prompts: enough rows for any adapter to be busy. */
const PREFILL_BYTES = 2 ** 26;

/** Moving rows has a cost, which pays only where it saves a quarter of the later work. */
const COMPACT_AT = 0.75;

/**
 * Samples responses from a model. Each prompt is computed once, whatever its samples. Then every
 * token is one run of a prebuilt plan, whose state (lengths, finished rows, current tokens, caches)
 * stays on the GPU. All buffers, bind groups and pipelines are made here, none while generating.
 * The weights are read where they lie, so a decoder follows the training of its store.
 */
export class Decoder {
  readonly capacity: DecoderCapacity;
  readonly config: ModelConfig;
  readonly #gpu: Gpu;
  readonly #prefill: Prefill;
  /** Draws the first token of every row. */
  readonly #firstPlan: Plan;
  readonly #decodePlan: Plan;
  readonly #compactPlan: Plan;
  readonly #ring: FinishedRing;
  /** What ends rows early; undefined if the capacity has no stop strings. */
  readonly #early:
    { readonly plan: Plan; readonly halts: Tensor; readonly tails: TailCopy } | undefined;
  readonly #readback: Readback;
  readonly #owned: readonly Tensor[];
  readonly #activations: readonly Activations[];
  readonly #ownMemory: SharedMemory | undefined;
  readonly #input: Readonly<Record<'episodes' | 'stopIds', Tensor>>;
  readonly #state: Readonly<Record<'status' | 'tokens' | 'origin', Tensor<'u32'>>> & {
    readonly logprobs: Tensor<'f32'>;
  };
  readonly #prompts: Variable;
  /** Rows computed: all rows at first, later only the rows that may still be running. */
  readonly #rows: Variable;
  readonly #keys: Variable;
  readonly #stopCount = new Variable('stop count', 0, STOP_CAPACITY);
  readonly #seed = new Variable('seed', 0);
  readonly #minNew = new Variable('min new tokens', 0);
  readonly #filter = {
    temperature: new Variable('temperature', 1),
    topK: new Variable('top-k', 0),
    topP: new Variable('top-p', 1),
    minP: new Variable('min-p', 0),
  };
  #busy = false;

  /**
   * @param weights Weights with a language-model head.
   * @param shared Memory for tensors that need not outlive a generation; own memory when left out.
   * @throws AdapterError when a buffer is larger than the device can bind.
   */
  constructor(
    gpu: Gpu,
    config: ModelConfig,
    weights: Weights,
    capacity: DecoderCapacity,
    shared?: MemoryTurn,
  ) {
    this.#gpu = gpu;
    this.config = config;
    this.capacity = capacity;
    const { rows, prompts, promptRows, promptLength, newTokens } = capacity;
    const positions = promptLength + newTokens;
    const { usual = capacity, prefillRows = Math.floor(PREFILL_BYTES / rowBytes(config)) } =
      capacity;
    const together = Math.min(promptRows, Math.max(promptLength, prefillRows));
    this.#prompts = new Variable('prompts', 0, prompts, usual.prompts);
    this.#rows = new Variable('rows', 0, rows, usual.rows);
    this.#keys = new Variable('keys', 0, positions);

    const owned: Tensor[] = [];
    const make = <Type extends DType>(dtype: Type, name: string, shape: number[]): Tensor<Type> => {
      const tensor = gpu.tensor(name, shape, dtype, 'rollout');
      owned.push(tensor);
      return tensor;
    };
    const u32 = (name: string, ...shape: number[]): Tensor<'u32'> => make('u32', name, shape);
    const f32 = (name: string, ...shape: number[]): Tensor<'f32'> => make('f32', name, shape);
    this.#input = {
      episodes: u32('episodes', rows, episodeColumns),
      stopIds: u32('stop_ids', STOP_CAPACITY),
    };
    const status = u32('status', rows, 2);
    const finished = u32('finished', 1);
    const current = u32('current', rows);
    const rowPositions = u32('positions', rows);
    const tokens = u32('tokens', rows, newTokens);
    const logprobs = f32('logprobs', rows, newTokens);
    const origin = u32('origin', rows);
    const partner = u32('partner', rows);
    this.#state = { status, tokens, logprobs, origin };

    const { hiddenSize: width, vocabSize: vocabulary, heads, kvHeads, headDim } = config;
    const memory = shared ?? new SharedMemory(gpu).nextTurn();
    this.#ownMemory = shared ? undefined : memory.memory;
    const cacheColumns = 2 * kvHeads * headDim;
    // The largest tensors first: they find the best places.
    const cacheShape = [rows, newTokens, cacheColumns];
    const storage = capacity.cacheStorage ?? 'f32';
    const kept = (role: string, shape: readonly number[]): Tensor[] =>
      memory.tensors(role, shape, config.layers, 'kv-cache', storage);
    const caches = kept('cache', cacheShape);
    const promptCaches = kept('prompt_cache', [promptRows, cacheColumns]);
    const lastHidden = memory.tensor('last_hidden', [prompts, width]);

    // Views of a row range of hidden states must begin at a multiple of 256 bytes.
    let unit = 1;
    while ((unit * width * 4) % 256 !== 0) unit *= 2;
    const bytes = Math.min(
      capacity.logitsBytes ?? MOST_LOGITS_BYTES,
      MOST_LOGITS_BYTES,
      gpu.limits.maxStorageBufferBindingSize,
    );
    const logits = new LogitChunks(memory, {
      rows: Math.max(rows, prompts),
      vocabulary,
      pieceColumns: weights.embedding.pieceColumns,
      bytes,
      unit,
    });
    // Nothing else of the prompts is needed once decoding begins.
    const activationsOf = (own: number): Activations =>
      new Activations(gpu, config, {
        positions,
        memory: memory.fork(),
        rows: own,
        keep: 'none',
        adapterColumns: weights.adapterColumns,
      });
    const prefill = activationsOf(together);
    const decode = activationsOf(rows);
    this.#activations = [prefill, decode];
    const scores = decode.memory.tensor('scores', [rows, heads, positions]);
    const lanes = samplingLanes(gpu, vocabulary);
    const newest = new DecodeSteps(weights, decode, this.#rows, gpu.kind);
    type Head = (x: Tensor, chunk: LogitChunk) => Step[];
    // Head and sampling, for one chunk after another of the rows in `hidden`.
    const sample = (hidden: Tensor, head: Head, used: Variable, sharedLogits: boolean): Step[] => {
      const steps: Step[] = [];
      const [total] = hidden.shape;
      for (const chunk of logits.of(used, total, used.usual)) {
        steps.push(
          ...head(rowsOf(hidden, chunk.first, chunk.size), chunk),
          sampleToken(
            {
              logits: chunk.logits,
              stop_ids: this.#input.stopIds,
              episodes: this.#input.episodes,
              status,
              finished,
              current,
              tokens,
              logprobs,
            },
            {
              ...this.#filter,
              rows: this.#rows,
              logitsStart: chunk.first,
              sharedLogits,
              stopCount: this.#stopCount,
              minNew: this.#minNew,
              seed: this.#seed,
              purpose: purposes.sampling,
            },
            lanes,
          ),
        );
      }
      // Where the attention kernel rotates, it computes the positions itself.
      if (canRotate(config.headDim)) return steps;
      steps.push(
        decodeAdvance(
          { episodes: this.#input.episodes, status, positions: rowPositions },
          { rows: this.#rows },
        ),
      );
      return steps;
    };

    const { episodes } = this.#input;
    const result = { caches: promptCaches, lastHidden };
    this.#prefill = new Prefill(gpu, weights, prefill, result, usual.promptRows);
    this.#firstPlan = gpu.plan('first tokens', [
      ...[status, finished, tokens, logprobs].map(clearStep),
      ...sample(
        lastHidden,
        (x, chunk) => weights.embedding.project(x, chunk, prefill.pass(chunk.count)),
        this.#prompts,
        true,
      ),
    ]);
    this.#decodePlan = gpu.plan('decode', [
      ...newest.trunk({
        keys: this.#keys,
        current,
        positions: rowPositions,
        episodes,
        status,
        scores,
        promptCaches,
        caches,
      }),
      ...sample(newest.last, (x, chunk) => newest.head(x, chunk.count, chunk), this.#rows, false),
    ]);
    this.#compactPlan = gpu.plan('compact', [
      decodeCompact(
        { status, episodes, current, positions: rowPositions, tokens, logprobs, origin, partner },
        { rows: this.#rows },
      ),
      ...caches.map((cache) => decodeMoveCache({ status, partner, cache }, { rows: this.#rows })),
    ]);
    if (capacity.stopStrings) {
      const halts = u32('halts', rows);
      const stop = decodeStop({ halts, origin, status, finished }, { rows: this.#rows });
      const tails = new TailCopy(gpu, { origin, status, tokens });
      this.#early = { plan: gpu.plan('stop rows', [stop]), halts, tails };
    }
    this.#ring = new FinishedRing(gpu, finished);
    this.#readback = new Readback(gpu, 'responses', readBytes(this.#state));
    this.#owned = owned;
  }

  /**
   * Draws `samplesPerPrompt` responses to each prompt. The host learns of finished rows some steps
   * late, and reads the responses back once, at the end. One call at a time.
   *
   * @throws RangeError on a batch past the capacity, an empty prompt, a token id out of the
   *   vocabulary, or a setting out of its range.
   */
  async generate(request: GenerateRequest): Promise<Generation> {
    if (this.#busy) throw new Error('decoder: generate is running already');
    this.#busy = true;
    try {
      const { longest, shortest } = this.#prepare(request);
      const rows = this.#rows.value;
      const search = request.stopStrings && new StopStringSearch(request.stopStrings);
      const halting = search && this.#early && new Halting(this.#gpu, this.#early, search, rows);
      // Where rows can only end together, the host need not learn of finished rows.
      const listens = request.stopIds.length > 0 || shortest < longest || halting !== undefined;
      await this.#prefill.run(request.prompts);
      await this.#gpu.run(this.#firstPlan);
      if (listens) this.#ring.push();
      let moved = false;
      for (let step = 1; step < longest && this.#ring.finished < rows; step++) {
        if (await halting?.end()) this.#ring.push();
        const running = rows - this.#ring.finished;
        const computed = this.#rows.value;
        if (running < computed && running <= computed * (request.compactAt ?? COMPACT_AT)) {
          await this.#gpu.run(this.#compactPlan);
          this.#rows.value = running;
          moved = true;
        }
        await this.#gpu.run(this.#decodePlan);
        if (listens) this.#ring.push();
        if ((step + 1) % PIECE === 0) halting?.look(this.#rows.value);
        request.onStep?.(step, this.#ring.finished, this.#rows.value);
      }
      await halting?.settle();
      const found = await this.#collect(rows);
      const generation = moved ? inOrder(found) : found;
      return search ? await cutAtStopStrings(generation, search) : generation;
    } finally {
      // A thread that ends must leave none of its device's promises pending.
      await this.#ring.reset();
      await this.#early?.tails.settle();
      this.#busy = false;
    }
  }

  /** Frees all buffers but the weights. */
  destroy(): void {
    this.#prefill.destroy();
    this.#firstPlan.destroy();
    this.#decodePlan.destroy();
    this.#compactPlan.destroy();
    this.#ring.destroy();
    this.#early?.plan.destroy();
    this.#early?.tails.destroy();
    this.#readback.destroy();
    this.#gpu.destroy(...this.#owned);
    for (const activations of this.#activations) activations.destroy();
    this.#ownMemory?.destroy();
  }

  /**
   * Checks a request, uploads it and sets the variables. Returns the largest and the smallest token
   * limit of a row.
   */
  #prepare(request: GenerateRequest): { readonly longest: number; readonly shortest: number } {
    const { prompts, samplesPerPrompt, stopIds, firstSample = 0 } = request;
    const { capacity, config } = this;
    const total = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
    const rows = prompts.length * samplesPerPrompt;
    expectIn('samplesPerPrompt', samplesPerPrompt, 1, Infinity, true);
    expectIn('prompts', prompts.length, 1, capacity.prompts, true);
    expectIn('prompts * samplesPerPrompt', rows, 1, capacity.rows, true);
    expectIn('tokens of all prompts', total, 1, capacity.promptRows, true);
    expectIn('stop ids', stopIds.length, 0, STOP_CAPACITY, true);
    expectIn('seed', request.seed, 0, 0xffff_ffff, true);
    expectIn('firstSample', firstSample, 0, 0xffff_ffff - samplesPerPrompt, true);
    expectIn('compactAt', request.compactAt ?? COMPACT_AT, 0, 1);

    const episodes = new Uint32Array(rows * episodeColumns);
    let first = 0;
    let longest = 0;
    let shortest = Infinity;
    let longestPrompt = 0;
    for (const [i, prompt] of prompts.entries()) {
      const { length } = prompt;
      expectIn(`length of prompt ${i}`, length, 1, capacity.promptLength, true);
      const most =
        typeof request.maxNewTokens === 'object'
          ? request.maxNewTokens[i]
          : (request.maxNewTokens ?? capacity.newTokens);
      expectIn(`maxNewTokens of prompt ${i}`, most ?? NaN, 1, capacity.newTokens, true);
      const promptId = request.promptIds ? (request.promptIds[i] ?? NaN) : i;
      expectIn(`id of prompt ${i}`, promptId, 0, 0xffff_ffff, true);
      for (let at = 0; at < length; at++) {
        const id = prompt[at] ?? NaN;
        expectIn(`token ${at} of prompt ${i}`, id, 0, config.vocabSize - 1, true);
      }
      for (let sample = 0; sample < samplesPerPrompt; sample++) {
        const row = i * samplesPerPrompt + sample;
        const episode = [promptId, firstSample + sample, i, first, length, most ?? 0];
        episodes.set(episode, row * episodeColumns);
      }
      first += length;
      longest = Math.max(longest, most ?? 0);
      shortest = Math.min(shortest, most ?? 0);
      longestPrompt = Math.max(longestPrompt, length);
    }

    const { temperature = 1, topK = 0, topP = 1, minP = 0, minNewTokens = 0 } = request;
    this.#filter.temperature.value = expectIn('temperature', temperature, 0, Number.MAX_VALUE);
    this.#filter.topK.value = expectIn('topK', topK, 0, 0xffff_ffff, true);
    this.#filter.topP.value = expectIn('topP', topP, Number.MIN_VALUE, 1);
    this.#filter.minP.value = expectIn('minP', minP, 0, 1);
    this.#minNew.value = expectIn('minNewTokens', minNewTokens, 0, 0xffff_ffff, true);
    this.#seed.value = request.seed;
    this.#stopCount.value = stopIds.length;
    this.#prompts.value = prompts.length;
    this.#rows.value = rows;
    this.#keys.value = longestPrompt + longest;

    this.#gpu.upload(this.#input.episodes, episodes);
    this.#gpu.upload(
      this.#state.origin,
      Uint32Array.from({ length: rows }, (_, row) => row),
    );
    if (stopIds.length > 0) this.#gpu.upload(this.#input.stopIds, Uint32Array.from(stopIds));
    return { longest, shortest };
  }

  /** Reads back the state of all rows, in their present order. */
  async #collect(rows: number): Promise<Collected> {
    const columns = this.capacity.newTokens;
    const { status, tokens, logprobs, origin } = this.#state;
    const found = await this.#readback.read({
      status: { ...status, shape: [rows, 2] },
      tokens: { ...tokens, shape: [rows, columns] },
      logprobs: { ...logprobs, shape: [rows, columns] },
      origin: { ...origin, shape: [rows] },
    });
    return {
      ...generationOf(columns, found.status, found.tokens, found.logprobs),
      states: found.status,
      origin: found.origin,
    };
  }
}

/** Ends rows of one generation whose stop strings are complete, as soon as the host knows. */
class Halting {
  readonly #gpu: Gpu;
  readonly #early: { readonly plan: Plan; readonly halts: Tensor; readonly tails: TailCopy };
  readonly #search: StopStringSearch;
  /** By a row's first place: 1 where the row is complete. */
  readonly #halts: Uint32Array<ArrayBuffer>;
  #isNews = false;

  constructor(
    gpu: Gpu,
    early: { readonly plan: Plan; readonly halts: Tensor; readonly tails: TailCopy },
    search: StopStringSearch,
    rows: number,
  ) {
    this.#gpu = gpu;
    this.#early = early;
    this.#search = search;
    this.#halts = new Uint32Array(rows);
    gpu.upload(early.halts, this.#halts);
  }

  /** Begins to look at the tokens of the first `rows` rows, unless the last look is under way. */
  look(rows: number): void {
    this.#early.tails.push(rows, async (known) => {
      const complete = await this.#search.look(known);
      for (const row of complete) this.#halts[row] = 1;
      this.#isNews ||= complete.length > 0;
    });
  }

  /** Ends the rows found since the last call. @returns Whether there were any. */
  async end(): Promise<boolean> {
    this.#early.tails.check();
    if (!this.#isNews) return false;
    this.#isNews = false;
    this.#gpu.upload(this.#early.halts, this.#halts);
    await this.#gpu.run(this.#early.plan);
    return true;
  }

  /** Waits until nothing is looked at. @throws The error of a look. */
  async settle(): Promise<void> {
    await this.#early.tails.settle();
    this.#early.tails.check();
  }
}

/** A generation whose rows may have moved. */
interface Collected extends Generation {
  /** (rows, 2): as the tensor `status`. */
  readonly states: Uint32Array;
  readonly origin: Uint32Array;
}

function generationOf(
  columns: number,
  states: Uint32Array,
  tokens: Uint32Array,
  logprobs: Float32Array,
): Generation {
  const rows = states.length / 2;
  const lengths = Uint32Array.from({ length: rows }, (_, row) => states[row * 2] ?? 0);
  return {
    rows,
    columns,
    tokens,
    logprobs,
    lengths,
    stopped: Uint8Array.from({ length: rows }, (_, row) => (states[row * 2 + 1] === 1 ? 1 : 0)),
    response: (row) => tokens.subarray(row * columns, row * columns + (lengths[row] ?? 0)),
  };
}

/** Puts every row back in its first place. */
function inOrder({ columns, states, tokens, logprobs, origin }: Collected): Generation {
  const put = <T extends Uint32Array | Float32Array>(from: T, to: T, width: number): T => {
    for (const [place, row] of origin.entries()) {
      to.set(from.subarray(place * width, (place + 1) * width), row * width);
    }
    return to;
  };
  return generationOf(
    columns,
    put(states, new Uint32Array(states.length), 2),
    put(tokens, new Uint32Array(tokens.length), columns),
    put(logprobs, new Float32Array(logprobs.length), columns),
  );
}

/** Bytes of a token's row in the memory of a pass that keeps no layer's values. */
function rowBytes(config: ModelConfig): number {
  const own = Object.values(blockOf(config).values).filter(({ over }) => over === undefined);
  return 4 * own.reduce((sum, { columns = 1 }) => sum + columns, 0);
}

/** One thread per row where rows are short; more for long rows where barriers are cheap. */
export function samplingLanes(gpu: Gpu, vocabulary: number): Lanes {
  if (gpu.kind === 'cpu' || vocabulary <= 64) return serialLanes;
  return vocabulary <= 4096 ? parallelLanes : { lanes: 256, rows: 1 };
}

function expectIn(
  what: string,
  value: number,
  least: number,
  most: number,
  integer = false,
): number {
  if (!(value >= least && value <= most) || (integer && !Number.isInteger(value))) {
    const kind = integer ? 'an integer' : 'a number';
    throw new RangeError(`decoder: ${what} must be ${kind} in [${least}, ${most}], is ${value}`);
  }
  return value;
}
