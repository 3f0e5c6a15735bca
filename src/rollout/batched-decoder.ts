import { AllocationError } from '../gpu/memory.ts';
import type { Decoder, DecoderCapacity, GenerateRequest, Generation } from './decoder.ts';

/**
 * The capacity of a decoder that does the work of a larger one with at most `rows` rows together.
 * Both compute the same bits, because kernels are chosen as for the larger one.
 */
export function atMost(capacity: DecoderCapacity, rows: number): DecoderCapacity {
  if (rows >= capacity.rows) return capacity;
  const { prompts, promptRows, promptLength } = capacity;
  const fewer = Math.min(prompts, rows);
  return {
    ...capacity,
    rows,
    prompts: fewer,
    promptRows: Math.min(promptRows, fewer * promptLength),
    usual: capacity.usual ?? { rows: capacity.rows, prompts, promptRows },
  };
}

/**
 * Halves the rows that decode together, because memory is short.
 *
 * @param tell Receives a sentence about it.
 * @throws AllocationError when one row is already too many.
 */
export function halvedRows(
  rows: number,
  error: AllocationError,
  tell: (text: string) => void,
): number {
  if (rows === 1) {
    const text = `not enough GPU memory to decode 1 row: ${error.message}`;
    throw new AllocationError(text, { cause: error });
  }
  const fewer = Math.floor(rows / 2);
  tell(`not enough GPU memory for ${rows} rows: decoding ${fewer} together (${error.message})`);
  return fewer;
}

/** Draws responses, however many it computes together. */
export type Sampler = Pick<Decoder, 'capacity' | 'generate'>;

/**
 * A decoder for batches larger than it computes together. The response to a prompt and sample does
 * not depend on how a batch is cut.
 */
export class BatchedDecoder implements Sampler {
  /** The largest batch of one request. */
  readonly capacity: DecoderCapacity;
  readonly #decoder: Decoder;

  /** @param capacity The capacity of `decoder`, or the larger one from which `atMost` made it. */
  constructor(decoder: Decoder, capacity: DecoderCapacity) {
    this.#decoder = decoder;
    this.capacity = capacity;
  }

  /** As `Decoder.generate`; `onStep` reports on each part in turn. */
  async generate(request: GenerateRequest): Promise<Generation> {
    const { rows, prompts: mostPrompts } = this.#decoder.capacity;
    const { prompts, samplesPerPrompt: samples, firstSample = 0, maxNewTokens } = request;
    if (prompts.length <= mostPrompts && prompts.length * samples <= rows) {
      return this.#decoder.generate(request);
    }
    // Several whole groups at once, or parts of one group that does not fit: rows keep their order.
    const together = Math.max(1, Math.min(mostPrompts, Math.floor(rows / samples)));
    const drawn = Math.min(samples, rows);
    const parts: Generation[] = [];
    for (let first = 0; first < prompts.length; first += together) {
      const last = Math.min(prompts.length, first + together);
      for (let sample = 0; sample < samples; sample += drawn) {
        parts.push(
          await this.#decoder.generate({
            ...request,
            prompts: prompts.slice(first, last),
            promptIds:
              request.promptIds?.slice(first, last) ??
              Array.from({ length: last - first }, (_, i) => first + i),
            samplesPerPrompt: Math.min(drawn, samples - sample),
            firstSample: firstSample + sample,
            ...(typeof maxNewTokens === 'object'
              ? { maxNewTokens: maxNewTokens.slice(first, last) }
              : {}),
          }),
        );
      }
    }
    return joined(parts);
  }

  destroy(): void {
    this.#decoder.destroy();
  }
}

function joined(parts: readonly Generation[]): Generation {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const columns = parts[0]?.columns ?? 0;
  const put = <T extends Uint32Array | Float32Array | Uint8Array>(
    to: T,
    of: (part: Generation) => T,
  ): T => {
    let at = 0;
    for (const part of parts) {
      to.set(of(part), at);
      at += of(part).length;
    }
    return to;
  };
  const tokens = put(new Uint32Array(rows * columns), (part) => part.tokens);
  const lengths = put(new Uint32Array(rows), (part) => part.lengths);
  return {
    rows,
    columns,
    tokens,
    logprobs: put(new Float32Array(rows * columns), (part) => part.logprobs),
    lengths,
    stopped: put(new Uint8Array(rows), (part) => part.stopped),
    response: (row) => tokens.subarray(row * columns, row * columns + (lengths[row] ?? 0)),
  };
}
