import type { Gpu } from '../gpu/device.ts';
import type { ParameterStore } from '../model/parameters.ts';
import { Decoder, type SamplingSettings } from './decoder.ts';

/** Rows that decode together; more prompts and samples take turns. */
const batchRows = 256;

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

export interface ResponderJob {
  readonly prompts: readonly (readonly number[])[];
  /** Responses to each prompt. */
  readonly samples: number;
  readonly newTokens: number;
  readonly stopIds: readonly number[];
}

/**
 * Responses to any number of prompts through one decoder of bounded size. What is drawn for a prompt
 * and sample does not depend on how they are grouped.
 */
export class Responder {
  readonly #decoder: Decoder;
  readonly #job: ResponderJob;
  readonly #samples: number;
  readonly #prompts: number;

  constructor(gpu: Gpu, weights: ParameterStore, job: ResponderJob) {
    this.#job = job;
    this.#samples = Math.min(job.samples, batchRows);
    this.#prompts = Math.min(
      job.prompts.length,
      Math.max(1, Math.floor(batchRows / this.#samples)),
    );
    const lengths = job.prompts.map(({ length }) => length).sort((a, b) => b - a);
    this.#decoder = new Decoder(gpu, weights.layout.config, weights, {
      rows: this.#prompts * this.#samples,
      prompts: this.#prompts,
      promptRows: lengths.slice(0, this.#prompts).reduce((sum, length) => sum + length, 0),
      promptLength: lengths[0] ?? 1,
      newTokens: job.newTokens,
    });
  }

  /** Responses prompt by prompt, and sample by sample where a prompt's fit into one batch. */
  async *respond(settings: SamplingSettings & { readonly seed: number }): AsyncGenerator<Response> {
    const { prompts, samples, newTokens, stopIds } = this.#job;
    for (let first = 0; first < prompts.length; first += this.#prompts) {
      const chosen = prompts.slice(first, first + this.#prompts);
      for (let firstSample = 0; firstSample < samples; firstSample += this.#samples) {
        const own = Math.min(this.#samples, samples - firstSample);
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
