// What a kit of `limr select` takes from this machine: a model's folder, a run's config, licences.
import packageJson from '../../package.json' with { type: 'json' };
import type { ExperimentConfig } from '../config.ts';
import { readText } from '../formats/byte-source.ts';
import { createDigest } from '../formats/digest.ts';
import { FormatError } from '../formats/format-error.ts';
import { fieldOf, isRecord } from '../formats/json.ts';
import { fileIn } from '../formats/paths.ts';
import type { PromptRow } from '../formats/prompts.ts';
import type { ScoreRow } from '../formats/score-file.ts';
import { isModelId, parseModelId } from '../hub/model-id.ts';
import {
  type KitEngine,
  type KitModel,
  type KitNumbers,
  type KitVerifier,
  kitVerifiers,
} from '../kits/engines.ts';
import { type KitFile, kitFiles } from '../kits/kit.ts';
import { type Licence, licenceOf, unknownLicence } from '../kits/licences.ts';
import { kitRows } from '../kits/rows.ts';
import { limrDefaults } from '../limr-defaults.ts';
import { CONFIG } from '../run-folder/names.ts';
import { parseRunFile } from '../run-folder/run-file.ts';
import { readInputs } from '../run-folder/inputs.ts';
import type { Selection } from '../selection/method.ts';
import { datasetTask, verifierOf } from '../tasks/dataset-config.ts';
import { UsageError } from './arguments.ts';
import { readJson } from './json-file.ts';
import { withSource } from './sources.ts';
import { system } from './system.ts';

/** Largest config.json and README.md that are read, in bytes. */
const MOST_BYTES = 8 * 2 ** 20;

/** Lengths of LIMR's prompts and responses, in tokens, and its passes over a subset. */
const usual = { promptTokens: 1024, responseTokens: 3072, epochs: 15 };

/** The options of `limr select` that make a kit. */
export interface KitArgs {
  readonly engine: KitEngine;
  readonly model: string | undefined;
  readonly verifier: string | undefined;
  readonly system: string | undefined;
}

/** What `limr select` chose, and from what. */
export interface KitChoice {
  readonly scores: string;
  readonly prompts: string | undefined;
  readonly rows: readonly ScoreRow[];
  readonly kept: readonly PromptRow[];
  readonly selection: Selection;
  readonly seed: number;
}

/**
 * The files of a kit, all in memory: nothing is written where anything is at fault.
 *
 * @throws UsageError or FormatError naming the option, or the file and the row.
 */
export async function kitOf(args: KitArgs, choice: KitChoice): Promise<KitFile[]> {
  const { scores, prompts, rows, kept, selection, seed } = choice;
  const model = await kitModel(args.model);
  const config = await configBeside(scores);
  const verifier = await kitVerifier(args.verifier, config);
  if (kept.length === 0) throw new UsageError('no prompt is kept: a kit needs one');
  const text = args.system ?? systemOf(config);
  const files = [scores, ...(prompts === undefined ? [] : [prompts])];
  const sources: { file: string; sha256: string }[] = [];
  for (const file of files) sources.push({ file, sha256: await digestOfFile(file) });
  const scoreOf = new Map(selection.indices.map((place) => [rows[place], rows[place]?.score]));
  const byId = new Map<string | undefined, number>();
  for (const row of scoreOf.keys()) if (row?.id !== undefined) byId.set(row.id, row.score);
  const scored = (row: PromptRow): number | null => {
    const score = scoreOf.get(row as ScoreRow) ?? (row.id === undefined ? NaN : byId.get(row.id));
    return score === undefined || Number.isNaN(score) ? null : score;
  };
  return kitFiles({
    engine: args.engine,
    model,
    verifier,
    numbers: numbersOf(config),
    rows: kitRows(kept, text),
    selection: {
      method: selection.method,
      rule: selection.rule,
      seed,
      scored: rows.length,
      kept: kept.length,
      sources,
      rows: kept.map((row) => ({ id: row.id, score: scored(row) })),
    },
    dataLicence: await licenceBeside(files.at(-1) ?? scores),
    version: packageJson.version,
  });
}

/**
 * A model as it is named: one of the hub is not fetched.
 *
 * @throws UsageError unless it is a folder with a config.json; ModelIdError for a name of none.
 */
async function kitModel(given: string | undefined): Promise<KitModel> {
  if (given === undefined) {
    throw new UsageError('--kit needs --model: a folder, or hf:ORG/NAME[@REVISION]');
  }
  if (isModelId(given)) {
    const { repo, revision } = parseModelId(given);
    return { kind: 'hub', name: repo, revision: revision === 'main' ? undefined : revision };
  }
  const host = await system();
  const found = await host.info(given);
  if (found?.kind !== 'directory') {
    const why = found ? 'is a file' : 'no such folder';
    throw new UsageError(`--model ${given}: ${why}; a model of the hub is named hf:ORG/NAME`);
  }
  if ((await host.info(fileIn(given, 'config.json')))?.kind !== 'file') {
    throw new UsageError(`--model ${given}: no config.json in this folder`);
  }
  return {
    kind: 'folder',
    path: await host.resolve(given),
    licence: await licenceIn(given),
    stopIds: await stopIdsOf(given),
  };
}

/** The ids that end a response: of generation_config.json, else of config.json. */
async function stopIdsOf(folder: string): Promise<number[]> {
  const host = await system();
  for (const name of ['generation_config.json', 'config.json']) {
    const path = fileIn(folder, name);
    if ((await host.info(path))?.kind !== 'file') continue;
    const json = await readJson(path, MOST_BYTES);
    if (!isRecord(json)) throw new FormatError(`${path}: must be an object`);
    const stops = fieldOf(json, 'eos_token_id') ?? null;
    if (stops === null) continue;
    const ids: unknown[] = Array.isArray(stops) ? stops : [stops];
    if (!ids.every((id) => Number.isInteger(id) && (id as number) >= 0)) {
      throw new FormatError(`${path}: eos_token_id must hold token ids`);
    }
    return ids as number[];
  }
  return [];
}

/** The config of the run that a score file belongs to; undefined for any other file. */
async function configBeside(scores: string): Promise<ExperimentConfig | undefined> {
  const folder = scores.replace(/[^/\\]*$/, '');
  const path = `${folder}${CONFIG}`;
  const host = await system();
  if ((await host.info(path))?.kind !== 'file') return undefined;
  const value = await readJson(path, MOST_BYTES);
  if (!isRecord(value) || fieldOf(value, 'schema') !== 1) return undefined;
  const read = async (name: string): Promise<string | undefined> => {
    const file = `${folder}${name}`;
    if ((await host.info(file))?.kind !== 'file') return undefined;
    return withSource(file, (source) => readText(source, MOST_BYTES));
  };
  return (await parseRunFile(value, path, await readInputs(read, folder))).config;
}

/** @throws UsageError if a run's own verifier is none that a kit has, and no other is named. */
async function kitVerifier(
  named: string | undefined,
  config: ExperimentConfig | undefined,
): Promise<KitVerifier> {
  if (named !== undefined) {
    const found = kitVerifiers.find((name) => name === named);
    if (found) return found;
    throw new UsageError(
      `--verifier must be ${kitVerifiers.join(' or ')} in a kit, got '${named}'`,
    );
  }
  if (!config) return 'math';
  const { task } = config;
  if (task.name !== datasetTask) {
    const host = await system();
    await host.stderr(
      `the run's task is ${task.name}: the kit judges \\boxed{} answers by the rule math ` +
        '(--verifier exact compares the whole response)\n',
    );
    return 'math';
  }
  const own = verifierOf(task);
  const found = kitVerifiers.find((name) => name === own);
  if (found) return found;
  throw new UsageError(
    `the run was judged by ${own}, which a kit does not carry: say --verifier ${kitVerifiers.join(' or ')}`,
  );
}

const systemOf = (config: ExperimentConfig | undefined): string | undefined =>
  config?.task.name === datasetTask ? config.task.system : undefined;

/** The numbers of the run where there is one on a data set, else LIMR's. */
function numbersOf(config: ExperimentConfig | undefined): KitNumbers {
  const task = config?.task;
  const own = config && task?.name === datasetTask ? config : undefined;
  const { rollout, ppo } = own ?? limrDefaults;
  const lengths =
    task?.name === datasetTask
      ? { promptTokens: task.maxPromptTokens, responseTokens: task.maxResponseTokens }
      : usual;
  return {
    samples: rollout.samples,
    temperature: rollout.temperature,
    promptTokens: lengths.promptTokens,
    responseTokens: lengths.responseTokens,
    learningRate: ppo.actor.learningRate,
    criticLearningRate: ppo.critic.learningRate,
    klCoef: ppo.klCoef,
    epochs: own?.experiment.epochs ?? usual.epochs,
    algorithm: ppo.estimator === 'gae' ? 'ppo' : 'grpo',
  };
}

/** The licence that the README beside a data file names. */
async function licenceBeside(file: string): Promise<Licence> {
  const folder = file.replace(/[^/\\]*$/, '');
  return licenceIn(folder === '' ? '.' : folder);
}

async function licenceIn(folder: string): Promise<Licence> {
  const path = fileIn(folder, 'README.md');
  const found = await (await system()).info(path);
  if (found?.kind !== 'file' || found.size > MOST_BYTES) return unknownLicence;
  const name = licenceOf(await withSource(path, (source) => readText(source, MOST_BYTES)));
  return name === undefined ? unknownLicence : { name, from: path };
}

/** SHA-256 of a file, a piece in memory at a time. */
const digestOfFile = (path: string): Promise<string> =>
  withSource(path, async (source) => {
    const digest = createDigest();
    const piece = 1 << 24;
    for (let at = 0; at < source.size; at += piece) {
      digest.update(await source.slice(at, Math.min(at + piece, source.size)));
    }
    return digest.hex();
  });
