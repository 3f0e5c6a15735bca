import { expectAnswer } from '../formats/answer-fields.ts';
import { FormatError } from '../formats/format-error.ts';
import { readPrompts } from '../formats/prompts.ts';
import type { ModelConfig } from '../model/config.ts';
import { expectParameters } from '../model/load-parameters.ts';
import { openModelDirectory } from '../model/model-directory.ts';
import { parameterLayout } from '../model/parameters.ts';
import { digestOfSource } from '../scheduler/given-inputs.ts';
import { blobSource } from '../workers/given-files.ts';
import { ModuleVerifier } from '../workers/module-verifier.ts';

/** A model that a user has chosen in a page, as its files describe it. */
export interface ChosenModel {
  /** The name of its folder. */
  readonly name: string;
  readonly config: ModelConfig;
  /** Number of weights. */
  readonly parameters: number;
  /** Bytes of its files. */
  readonly size: number;
}

/**
 * Looks at the files of a model: config, tokenizer and the headers of the weights. No weights are
 * read.
 *
 * @param name The name of its folder, for errors.
 * @param files The files by their names in the folder.
 * @throws ConfigError, SafetensorsError or FormatError naming the file that is wrong or missing;
 *   FileError if a file cannot be read any more.
 */
export async function lookAtModel(
  name: string,
  files: ReadonlyMap<string, Blob>,
): Promise<ChosenModel> {
  const directory = await openModelDirectory((file) => {
    const blob = files.get(file);
    return Promise.resolve(blob && blobSource(`${name}/${file}`, blob));
  }, name);
  await expectParameters(directory, 'lm');
  if (!(await directory.tokenizerTexts())) throw new FormatError(`${name}: no tokenizer.json`);
  const size = [...files.values()].reduce((sum, blob) => sum + blob.size, 0);
  const { config } = directory;
  return { name, config, parameters: parameterLayout(config, 'lm').count, size };
}

/**
 * Reads a file of prompts as a dataset task does, without a tokenizer.
 *
 * @returns The number of rows.
 * @throws FormatError naming file and row; FileError if the file cannot be read any more.
 */
export async function countPrompts(name: string, file: Blob): Promise<number> {
  const { rows } = await readPrompts(blobSource(name, file));
  if (rows.length === 0) throw new FormatError(`${name}: no rows`);
  for (const { record, where } of rows) expectAnswer(record, where);
  return rows.length;
}

/** A verifier module that a user has chosen or pasted in a page. */
export interface ChosenVerifier {
  /** Of its file: ends in `.js` or `.mjs`. */
  readonly name: string;
  readonly file: Blob;
  readonly sha256: string;
}

/**
 * Loads a verifier module once, in a frame, to see whether it can judge. Its top level runs there: a
 * page calls this only for code that its user chose or pasted.
 *
 * @param frames A port of `serveVerifierFrames`. The caller ends its frames.
 * @throws ConfigError naming the module, if it has a syntax error, throws, does not come to an end or
 *   has no default function; FormatError if it is too large or no text; FileError if it cannot be read
 *   any more.
 */
export async function lookAtVerifier(
  name: string,
  file: Blob,
  frames: MessagePort,
): Promise<ChosenVerifier> {
  const source = blobSource(name, file);
  const files = { open: () => Promise.resolve(source) };
  const verifier = await ModuleVerifier.open(name, { files, threads: 1, frames });
  verifier.close();
  return { name, file, sha256: await digestOfSource(source) };
}
