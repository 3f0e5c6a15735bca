import type { KitEngine, KitModel, KitNumbers } from './engines.ts';
import openrlhf from './launch/openrlhf.sh?raw';
import trl from './launch/trl.sh?raw';
import verl from './launch/verl.sh?raw';

const commands: Readonly<Record<KitEngine, string>> = { openrlhf, trl, verl };

/** Most prompts of a rollout that a launch begins with, if there are as many. */
const usualPrompts: Readonly<Record<KitEngine, number>> = { openrlhf: 128, trl: 16, verl: 128 };

/** A text as one word of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The script that starts the training, on one machine or on a Ray cluster. Every number is a
 * variable, which the environment may set.
 *
 * @param prompts Number of prompts of the kit.
 */
export function launchScript(
  engine: KitEngine,
  model: KitModel,
  numbers: KitNumbers,
  prompts: number,
): string {
  const settings: readonly (readonly [name: string, value: string | number])[] = [
    ['SAMPLES', numbers.samples],
    ['TEMPERATURE', numbers.temperature],
    ['PROMPTS', Math.min(prompts, usualPrompts[engine])],
    ['EPOCHS', numbers.epochs],
    ['PROMPT_TOKENS', numbers.promptTokens],
    ['RESPONSE_TOKENS', numbers.responseTokens],
    ['LEARNING_RATE', numbers.learningRate],
    ['KL', numbers.klCoef],
    ['NODES', 1],
    ['GPUS', engine === 'trl' ? 1 : 8],
    ...(engine === 'trl'
      ? []
      : ([
          ['ALGORITHM', numbers.algorithm],
          ['CRITIC_LEARNING_RATE', numbers.criticLearningRate],
          ['TENSOR_PARALLEL', 1],
        ] as const)),
    ...(engine === 'verl' ? ([['TOKENS_PER_GPU', 24_576]] as const) : []),
  ];
  const lines = [
    '#!/usr/bin/env bash',
    '# Trains on the prompts of this folder. README.md says what each variable is.',
    'set -euo pipefail',
    'KIT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)',
    'OUT=${OUT:-$KIT/out}',
    ...modelLines(model),
    ...settings.map(([name, value]) => `${name}=\${${name}:-${value}}`),
    '',
    '# The reward function writes what it judged here. On a cluster the folder must be one that',
    '# every node sees.',
    'export LIMR_ROLLOUTS="${LIMR_ROLLOUTS:-$KIT/rollouts}" LIMR_SAMPLES="$SAMPLES"',
    "RUNTIME_ENV=$(python3 -c 'import json, os",
    'names = ("LIMR_ROLLOUTS", "LIMR_SAMPLES", "LIMR_MATH_VERIFY")',
    'print(json.dumps({"env_vars": {n: os.environ[n] for n in names if n in os.environ}}))\')',
  ];
  return `${lines.join('\n')}\n${commands[engine]}`;
}

function modelLines(model: KitModel): string[] {
  if (model.kind === 'folder') return [`MODEL=\${MODEL:-${quoted(model.path)}}`];
  if (model.revision === undefined) return [`MODEL=\${MODEL:-${quoted(model.name)}}`];
  // An engine takes a name or a folder: a revision is fetched first.
  return [
    'if [ -z "${MODEL:-}" ]; then',
    `  MODEL=$(hf download ${quoted(model.name)} --revision ${quoted(model.revision)} --quiet | tail -n 1)`,
    'fi',
  ];
}
