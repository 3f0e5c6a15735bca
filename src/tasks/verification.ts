// What passes between whoever samples and whoever verifies: plain, packed, transferable.

/** Responses to be judged; all arrays are packed. */
export interface VerifyRequest {
  readonly prompts: readonly string[];
  /** Answer key of each prompt. */
  readonly keys: readonly string[];
  /** (n): which prompt each response answers. */
  readonly promptOf: Uint32Array<ArrayBuffer>;
  /** Token ids of the responses, one after the other. */
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** (n + 1): response i is `tokens[offsets[i] .. offsets[i + 1])`. */
  readonly offsets: Uint32Array<ArrayBuffer>;
}

/** Verdicts in the order of the request. */
export interface VerifyReply {
  /** (n): 1, -0.5 or -1. */
  readonly rewards: Float32Array<ArrayBuffer>;
  /** (n): 1 where the answer is right. */
  readonly correct: Uint8Array<ArrayBuffer>;
  /** (n): 1 where the format is right. */
  readonly formatted: Uint8Array<ArrayBuffer>;
  readonly extracted: readonly (string | null)[];
  /** Responses whose check threw or ran out of time: rewarded -1, as the reference does. */
  readonly failures: readonly VerifyFailure[];
}

export interface VerifyFailure {
  /** Place of the response in the request. */
  readonly response: number;
  readonly reason: string;
}
