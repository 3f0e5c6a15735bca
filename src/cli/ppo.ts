import { defineCommand } from 'citty';
import { baseStorages } from '../vocabulary/storages.ts';
import { configFrom, type ExperimentConfig } from '../config.ts';
import { fieldOf, isRecord, type JsonRecord } from '../formats/json.ts';
import { baseName } from '../formats/paths.ts';
import { isModelId, parseModelId } from '../hub/model-id.ts';
import { PRETRAINED } from '../presets.ts';
import { recipePreset } from '../recipes.ts';
import { datasetTask, isModule, usualLengths } from '../tasks/dataset-config.ts';
import { defaultAdapter } from '../vocabulary/adapters.ts';
import { commonArgs, numberOption, outArg, UsageError } from './arguments.ts';
import { absolutePaths, readConfigFile } from './chosen-config.ts';
import { memoryArg } from './memory-budget.ts';
import { modelFolder, openDiskDescription } from './model-files.ts';
import { nextFree } from './output.ts';
import { estimateRun, runConfig } from './run.ts';
import { system } from './system.ts';

export const command = defineCommand({
  args: {
    model: {
      type: 'positional',
      required: true,
      description:
        'a pretrained model: a folder in the Hugging Face layout, or hf:ORG/NAME[@REVISION]',
    },
    prompts: {
      type: 'string',
      valueHint: 'P.jsonl',
      description: 'rows of prompt and answer to learn from',
    },
    verifier: {
      type: 'string',
      valueHint: 'V',
      description:
        'what judges responses: math, math-eval, exact, or a module such as ./mine.js (default: math)',
    },
    tiers: {
      type: 'string',
      valueHint: 'A.jsonl,B.jsonl',
      description: 'held-out rows to evaluate on (default: none, and no evaluation)',
    },
    config: {
      type: 'string',
      valueHint: 'C.json',
      description: 'experiment config; the options win over it',
    },
    train: {
      type: 'enum',
      options: ['lora', 'full'],
      description:
        'what is trained: adapters beside the frozen model, or the model (default: lora)',
    },
    rank: { type: 'string', valueHint: 'R', description: 'of the adapters (default: 16)' },
    base: {
      type: 'enum',
      options: [...baseStorages],
      description: "storage of the model's matrices (default: f16 with lora, f32 with full)",
    },
    memory: memoryArg,
    system: { type: 'string', valueHint: 'TEXT', description: 'system message of every prompt' },
    seed: { type: 'string', valueHint: 'N', description: 'of the run (default: 1)' },
    estimate: {
      type: 'boolean',
      description: 'only tell the GPU memory it would take on this adapter; runs nothing',
    },
    out: outArg('folder of the run (default: runs/ppo-MODEL, or the next free name after it)'),
    ...commonArgs,
  },
  async run({ args }) {
    const host = await system();
    const model = await modelFolder(args.model, { weights: !args.estimate });
    const config = await ppoConfig({ ...args, model });
    if (args.estimate) return estimateRun(host, config, args);
    const stem = isModelId(args.model) ? parseModelId(args.model).repo : args.model;
    const out = args.out ?? (await nextFree(`runs/ppo-${baseName(stem)}`));
    if (args.out === undefined) await host.stderr(`run: ${out}\n`);
    return runConfig(host, config, { ...args, out });
  },
});

/** The options of `limr ppo` that make its config. */
export interface PpoArgs {
  readonly model: string;
  readonly prompts?: string | undefined;
  readonly verifier?: string | undefined;
  readonly tiers?: string | undefined;
  readonly config?: string | undefined;
  readonly train?: string | undefined;
  readonly rank?: string | undefined;
  readonly base?: string | undefined;
  readonly system?: string | undefined;
}

/**
 * The config that the options make, over those of a config file: a run of FULL alone.
 *
 * @throws UsageError, ConfigError or FormatError naming option, file or field.
 */
async function ppoConfig(args: PpoArgs): Promise<ExperimentConfig> {
  const file = args.config;
  const given = file === undefined ? {} : await readConfigFile(file);
  if (!isRecord(given)) throw new UsageError(`${file ?? ''}: must hold an object`);
  const where = file ?? 'the options';
  const named = fieldOf(given, 'preset');
  const overrides = {
    ...given,
    model: { kind: 'folder', path: await absolutePath(args.model) },
    task: await taskOf(args, sectionOf(given, 'task')),
    ...adapterOf(args, given),
    ...(args.base === undefined ? {} : { weightStorage: args.base }),
    experiment: { ...sectionOf(given, 'experiment'), methods: ['full'] },
  };
  const preset = typeof named === 'string' ? named : PRETRAINED;
  const config = configFrom(preset, overrides, where, () => undefined, recipePreset);
  return absolutePaths(config, file);
}

function sectionOf(given: JsonRecord, name: string): JsonRecord {
  const section = fieldOf(given, name);
  return isRecord(section) ? section : {};
}

async function taskOf(args: PpoArgs, given: JsonRecord): Promise<JsonRecord> {
  const { prompts, verifier, tiers } = args;
  const task: JsonRecord = {
    name: datasetTask,
    ...given,
    ...(prompts === undefined ? {} : { prompts: await absolutePath(prompts) }),
    ...(verifier === undefined
      ? {}
      : { verifier: isModule(verifier) ? await absolutePath(verifier) : verifier }),
    ...(tiers === undefined
      ? {}
      : {
          tiers: await Promise.all(
            tiers.split(',').map(async (path) => ({ file: await absolutePath(path) })),
          ),
        }),
    ...(args.system === undefined ? {} : { system: args.system }),
  };
  if (task['prompts'] === undefined) {
    throw new UsageError('--prompts is needed, unless a --config has task.prompts');
  }
  if (task['maxPromptTokens'] !== undefined && task['maxResponseTokens'] !== undefined) return task;
  const model = await openDiskDescription(args.model);
  try {
    return { ...task, ...lengthsOf(task, model.config.maxPositions) };
  } finally {
    await model.close();
  }
}

/** Both lengths: those that the task sets stay, right or wrong. */
function lengthsOf(task: JsonRecord, room: number): JsonRecord {
  const { maxPromptTokens: prompt, maxResponseTokens: response } = task;
  const numberOf = (value: unknown) => (typeof value === 'number' ? value : undefined);
  const usual = usualLengths(room, { prompt: numberOf(prompt), response: numberOf(response) });
  return { maxPromptTokens: prompt ?? usual.prompt, maxResponseTokens: response ?? usual.response };
}

async function absolutePath(path: string): Promise<string> {
  return (await system()).resolve(path);
}

/** What is trained. A config's own adapter stays where the options say nothing of it. */
function adapterOf({ train, rank }: PpoArgs, given: JsonRecord): JsonRecord {
  if (train === 'full') {
    if (rank !== undefined) throw new UsageError('--rank is of adapters: --train full has none');
    return { adapter: null };
  }
  if (train === undefined && rank === undefined) return {};
  const own = fieldOf(given, 'adapter');
  const adapter = isRecord(own) ? own : defaultAdapter;
  if (rank === undefined) return { adapter };
  const whole = { min: 1, max: 1024, integer: true };
  return { adapter: { ...adapter, rank: numberOption('rank', rank, whole) } };
}
