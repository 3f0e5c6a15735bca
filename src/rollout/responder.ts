import type { Gpu } from '../gpu/device.ts';
import type { ParameterStore } from '../model/parameters.ts';
import type { ResponderJob, ResponderPlan } from './batches.ts';
import { Decoder, type SamplingSettings } from './decoder.ts';

/** One response to one of the prompts. */
export interface Response {
  /** Index of the prompt. */
  readonly prompt: number;
  readonly sample: number;
  readonly ids: number[];
  /** At temperature 1, of each id. */
  readonly logprobs: number[];
  /** Whether an end token ended it; it is the last of `ids`. */
  readonly stopped: boolean;
}

/**
 * Responses to any number of prompts through one decoder of bounded size. What is drawn for a prompt
 * and sample does not depend on how they are grouped.
 */
export class Responder {
  readonly #decoder: Decoder;
  readonly #job: ResponderJob;
  readonly #plan: ResponderPlan;

  /** @param plan Of the same job: `planResponder`. */
  constructor(gpu: Gpu, weights: ParameterStore, job: ResponderJob, plan: ResponderPlan) {
    this.#job = job;
    this.#plan = plan;
    this.#decoder = new Decoder(gpu, weights.layout.config, weights, plan.capacity);
  }

  /** Responses prompt by prompt, and sample by sample where a prompt's fit into one batch. */
  async *respond(settings: SamplingSettings & { readonly seed: number }): AsyncGenerator<Response> {
    const { prompts, samples, newTokens, stopIds } = this.#job;
    const { prompts: together } = this.#plan.capacity;
    for (let first = 0; first < prompts.length; first += together) {
      const chosen = prompts.slice(first, first + together);
      for (let firstSample = 0; firstSample < samples; firstSample += this.#plan.samples) {
        const own = Math.min(this.#plan.samples, samples - firstSample);
        const generation = await this.#decoder.generate({
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
    this.#decoder.destroy();
  }
}
