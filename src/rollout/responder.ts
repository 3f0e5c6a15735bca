import type { Gpu } from '../gpu/device.ts';
import type { Weights } from '../model/weights.ts';
import { AllocationError } from '../gpu/memory.ts';
import { atMost, BatchedDecoder, halvedRows } from './batched-decoder.ts';
import type { ResponderJob, ResponderPlan } from './batches.ts';
import {
  Decoder,
  type GenerateRequest,
  type Generation,
  type SamplingSettings,
} from './decoder.ts';

/** One response to one of the prompts. */
export interface Response {
  /** Index of the prompt. */
  readonly prompt: number;
  readonly sample: number;
  readonly ids: number[];
  /** Log-probability of each id at temperature 1. */
  readonly logprobs: number[];
  /** Whether an end token ended the response; that token is the last of `ids`. */
  readonly stopped: boolean;
}

/**
 * Responses to any number of prompts through one decoder of bounded size. The response to a prompt
 * and sample does not depend on how prompts are grouped.
 */
export class Responder {
  readonly #gpu: Gpu;
  readonly #weights: Weights;
  readonly #job: ResponderJob;
  readonly #plan: ResponderPlan;
  readonly #tell: (text: string) => void;
  /** Rows that decode together. */
  #rows: number;
  #decoder: BatchedDecoder | undefined;

  private constructor(
    gpu: Gpu,
    weights: Weights,
    job: ResponderJob,
    plan: ResponderPlan,
    tell: (text: string) => void,
  ) {
    this.#gpu = gpu;
    this.#weights = weights;
    this.#job = job;
    this.#plan = plan;
    this.#tell = tell;
    this.#rows = plan.capacity.rows;
  }

  /**
   * @param plan The plan of the same job, from `planResponder`.
   * @param tell Receives a sentence when there is less memory than planned. Fewer rows then decode
   *   together, which changes no response.
   * @throws AllocationError when there is not enough memory for one row.
   */
  static async open(
    gpu: Gpu,
    weights: Weights,
    job: ResponderJob,
    plan: ResponderPlan,
    tell: (text: string) => void = () => undefined,
  ): Promise<Responder> {
    const responder = new Responder(gpu, weights, job, plan, tell);
    await responder.#withDecoder(() => Promise.resolve());
    return responder;
  }

  #generate(request: GenerateRequest): Promise<Generation> {
    return this.#withDecoder((decoder) => decoder.generate(request));
  }

  /** Does work with the decoder. Where memory is short, does it again with half the rows. */
  async #withDecoder<Result>(work: (decoder: BatchedDecoder) => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        this.#decoder ??= await this.#newDecoder();
        return await work(this.#decoder);
      } catch (error) {
        if (!(error instanceof AllocationError)) throw error;
        this.destroy();
        this.#rows = halvedRows(this.#rows, error, this.#tell);
      }
    }
  }

  #newDecoder(): Promise<BatchedDecoder> {
    const { capacity } = this.#plan;
    const { config } = this.#weights;
    const own = atMost(capacity, this.#rows);
    return this.#gpu.allocating(
      () => new BatchedDecoder(new Decoder(this.#gpu, config, this.#weights, own), capacity),
    );
  }

  /**
   * Responses prompt by prompt, and sample by sample where a prompt's samples fit into one batch.
   */
  async *respond(settings: SamplingSettings & { readonly seed: number }): AsyncGenerator<Response> {
    const { prompts, samples, newTokens, stopIds } = this.#job;
    const { prompts: together } = this.#plan.capacity;
    for (let first = 0; first < prompts.length; first += together) {
      const chosen = prompts.slice(first, first + together);
      for (let firstSample = 0; firstSample < samples; firstSample += this.#plan.samples) {
        const own = Math.min(this.#plan.samples, samples - firstSample);
        const generation = await this.#generate({
          ...settings,
          prompts: chosen,
          promptIds: chosen.map((_, i) => first + i),
          samplesPerPrompt: own,
          firstSample,
          maxNewTokens: newTokens,
          stopIds,
        });
        for (let row = 0; row < generation.rows; row++) {
          const ids = [...generation.response(row)];
          const start = row * generation.columns;
          yield {
            prompt: first + Math.floor(row / own),
            sample: firstSample + (row % own),
            ids,
            logprobs: [...generation.logprobs.subarray(start, start + ids.length)],
            stopped: generation.stopped[row] === 1,
          };
        }
      }
    }
  }

  /** Frees the decoder. */
  destroy(): void {
    this.#decoder?.destroy();
    this.#decoder = undefined;
  }
}
