import { FormatError } from '../formats/format-error.ts';
import type { ModelConfig } from '../model/config.ts';
import { pastTrainedLength } from '../model/rope.ts';
import { readJson } from './json-file.ts';

/** A padded batch of token ids, and its rows without padding. */
export interface IdsBatch {
  readonly ids: readonly (readonly number[])[];
  /** 1 for a token, 0 for padding. */
  readonly mask: readonly (readonly number[])[];
  readonly sequences: readonly (readonly number[])[];
}

/**
 * Reads `{"input_ids": [[...]], "attention_mask"?: [[...]]}`.
 *
 * @throws FormatError naming row and column: for a value that is not an id of the model, rows of
 *   different lengths, a mask of another shape, and rows that are empty or longer than the model
 *   allows.
 */
export async function readIds(path: string, config: ModelConfig): Promise<IdsBatch> {
  const json = await readJson(path);
  if (typeof json !== 'object' || json === null) throw new FormatError(`${path}: not an object`);
  const { input_ids: given, attention_mask: mask } = json as Readonly<Record<string, unknown>>;
  const isId = (id: number) => id >= 0 && id < config.vocabSize;
  const ids = matrix(given, `${path}: input_ids`, isId, `ids below ${config.vocabSize}`);
  const own =
    mask === undefined || mask === null
      ? ids.map((row) => row.map(() => 1))
      : matrix(mask, `${path}: attention_mask`, (one) => one === 0 || one === 1, '0 and 1');
  const columns = ids[0]?.length ?? 0;
  if (ids.length === 0 || columns === 0) throw new FormatError(`${path}: input_ids is empty`);
  for (const [b, row] of ids.entries()) {
    if (row.length !== columns) {
      throw new FormatError(
        `${path}: input_ids[${b}] has ${row.length} ids, [0] has ${columns}; pad and mask them`,
      );
    }
    if (own.length !== ids.length || own[b]?.length !== columns) {
      throw new FormatError(`${path}: attention_mask has another shape than input_ids`);
    }
  }
  const sequences = ids.map((row, b) => row.filter((_, t) => own[b]?.[t] === 1));
  for (const [b, { length }] of sequences.entries()) {
    if (length === 0) throw new FormatError(`${path}: attention_mask[${b}] masks every token`);
    if (length > config.maxPositions) {
      throw new FormatError(
        `${path}: input_ids[${b}] has ${length} tokens, the model takes ${config.maxPositions}${pastTrainedLength(config)}`,
      );
    }
  }
  return { ids, mask: own, sequences };
}

function matrix(
  value: unknown,
  where: string,
  accepts: (entry: number) => boolean,
  wanted: string,
): number[][] {
  if (!Array.isArray(value)) throw new FormatError(`${where} must be a list of lists`);
  return value.map((row: unknown, b) => {
    if (!Array.isArray(row)) throw new FormatError(`${where}[${b}] must be a list`);
    return row.map((entry: unknown, t) => {
      if (typeof entry !== 'number' || !Number.isInteger(entry) || !accepts(entry)) {
        const shown = JSON.stringify(entry).slice(0, 40);
        throw new FormatError(`${where}[${b}][${t}] is ${shown}, must be ${wanted}`);
      }
      return entry;
    });
  });
}
