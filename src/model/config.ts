import type { Gate } from '../../kernels/matvec-forward.ts';

/** Families that the one transformer covers, as `model_type` of their configs names them. */
export type Architecture = 'llama' | 'qwen2' | 'qwen3' | 'gemma3_text';

/**
 * How a model's rotary embedding departs from the plain one, as transformers computes it from
 * `rope_parameters`. Lengths are in tokens.
 */
export type RopeScaling =
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalPositions: number;
    }
  | {
      readonly type: 'yarn';
      readonly factor: number;
      readonly originalPositions: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Whether the bounds of the ramp are whole numbers. */
      readonly truncate: boolean;
      /** Factor on cosines and sines. */
      readonly attentionFactor: number;
    }
  | {
      /** NTK-aware; up to the trained length it is the plain embedding. */
      readonly type: 'dynamic';
      readonly factor: number;
    };

/** Layers that attend to the newest keys alone, and how they rotate. Lengths are in tokens. */
export interface SlidingLayers {
  /** By layer, from the first: whether it slides. */
  readonly layers: readonly boolean[];
  /** Keys that a token attends to, its own included. */
  readonly window: number;
  readonly ropeTheta: number;
  /** Scaling of the rotary embedding; absent where there is none. */
  readonly rope?: RopeScaling;
}

/** Shape and constants of a decoder. Widths are in elements, positions and ids in tokens. */
export interface ModelConfig {
  readonly architecture: Architecture;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Key and value heads; divides `heads`. */
  readonly kvHeads: number;
  /** Even; `heads * headDim` need not be `hiddenSize`. */
  readonly headDim: number;
  readonly ropeTheta: number;
  /** Scaling of the rotary embedding; absent where there is none. */
  readonly rope?: RopeScaling;
  readonly rmsNormEps: number;
  /** The output projection is the embedding matrix, and the file has no `lm_head.weight`. */
  readonly tieEmbeddings: boolean;
  /** Biases on the query, key and value projections. */
  readonly qkvBias: boolean;
  /** RMSNorm over each query and key head before RoPE. */
  readonly qkNorm: boolean;
  /** What gates the MLP; `silu` when left out. */
  readonly gate?: Gate;
  /** RMSNorm multiplies by 1 + weight, not by the weight; off when left out. */
  readonly unitOffset?: boolean;
  /**
   * RMSNorm over what attention and MLP give, before it is added to the residual stream; off when left
   * out.
   */
  readonly outputNorms?: boolean;
  /**
   * Embeddings are multiplied by sqrt(hiddenSize) as they enter the first layer, and not in the head; off
   * when left out.
   */
  readonly scaledEmbedding?: boolean;
  /** Scores are divided by its square root; `headDim` when left out. */
  readonly queryScalar?: number;
  /** Left out: all layers attend to all keys. */
  readonly sliding?: SlidingLayers;
  /** Longest sequence that the model was made for. */
  readonly maxPositions: number;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
  /**
   * Never fed to the model. Null where the file names no token, or an id outside the vocabulary.
   */
  readonly padTokenId: number | null;
}
