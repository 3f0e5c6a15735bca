// node scripts/kit-loop.mjs --python VENV/bin/python [--out DIR]
//
// The way out to a real engine and back, which no test goes because it takes the engine: a model of
// two layers is trained by TRL from a kit, first by `launch.sh` in one process, then on a Ray cluster
// of two workers, and `limr score` reads what the kit's reward function kept. The environment needs
// torch, transformers, trl, datasets, accelerate, pyarrow and ray; a CPU is enough. With --keep FILE
// the rollouts of both are copied to that folder, as test/field-cases/kit holds them.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './process.mjs';

const { values } = parseArgs({
  options: { python: { type: 'string' }, out: { type: 'string' }, keep: { type: 'string' } },
});
if (values.python === undefined) throw new Error('--python names the Python that has TRL');
const python = resolve(values.python);
const folder = resolve(values.out ?? mkdtempSync(join(tmpdir(), 'limr-kit-loop-')));
mkdirSync(folder, { recursive: true });

/**
 * Runs a program, and ends where it fails.
 *
 * @param {string} name
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} [variables]
 */
function run(name, args, variables = {}) {
  process.stderr.write(`${name} ${args.join(' ')}\n`);
  const { status, stdout, stderr } = spawnSync(name, [...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 900_000,
    env: {
      ...process.env,
      PATH: `${dirname(python)}${delimiter}${process.env.PATH ?? ''}`,
      HF_HUB_OFFLINE: '1',
      HF_HOME: join(folder, 'hf'),
      TOKENIZERS_PARALLELISM: 'false',
      ...variables,
    },
  });
  if (status !== 0)
    throw new Error(`${name} ended with ${status}\n${stdout}\n${stderr}`.slice(-6000));
  return stdout;
}

/** @param {readonly string[]} args */
const limr = (...args) => run(process.execPath, [join(root, 'bin/limr.mjs'), ...args]);

/**
 * @param {string} name
 * @param {readonly object[]} rows
 */
function put(name, rows) {
  writeFileSync(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return join(folder, name);
}

// The tokenizer has a token for each box, so that a drawn model hits on whole answers.
const model = `
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, set_seed
from tokenizers import Tokenizer, models, pre_tokenizers
set_seed(1)
words = ["<pad>", "<eos>", "user", "system", "Count", "to"] + [str(i) for i in range(4)]
words += ["\\\\boxed{%d}" % i for i in range(4)] + ["?", ":", "<unk>"]
core = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")
tokenizer.chat_template = (
    "{% for m in messages %}{{ m.role }} : {{ m.content }} {% endfor %}{% if add_generation_prompt %}: {% endif %}"
)
tokenizer.save_pretrained("model")
config = Qwen2Config(
    vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
    num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=64,
    eos_token_id=1, pad_token_id=0, bos_token_id=None, tie_word_embeddings=True)
Qwen2ForCausalLM(config).save_pretrained("model")
`;

const prompts = Array.from({ length: 4 }, (_, i) => ({
  id: `p${i}`,
  prompt: [
    { role: 'system', content: 'Count' },
    { role: 'user', content: `Count to ${i} ?` },
  ],
  answer: String(i),
}));
const pool = put('pool.jsonl', prompts);
const scores = put(
  'scores.jsonl',
  prompts.map((row) => ({ ...row, score: 0.9, rewards: [0, 0.5, 1] })),
);
run(python, ['-c', model]);

/** How the training is said, beside what the kit says: on a CPU, two passes, answers of six tokens. */
const numbers = {
  SAMPLES: '4',
  PROMPTS: '4',
  EPOCHS: '2',
  RESPONSE_TOKENS: '6',
  LEARNING_RATE: '1e-3',
};
const onCpu = ['--use_cpu', '--seed', '1', '--save_strategy', 'no'];
for (const [name, workers] of /** @type {const} */ ([
  ['one-process', 1],
  ['ray', 2],
])) {
  const kit = join(folder, name);
  limr(...['select', scores, '--prompts', pool, '--kit', 'trl', '--model', 'model', '--out', kit]);
  if (workers === 1) run('bash', [join(kit, 'launch.sh'), ...onCpu], numbers);
  else run('bash', ['-c', rayOnThisMachine(workers), kit, ...onCpu], numbers);
  const out = join(folder, `${name}.json`);
  limr('score', join(kit, 'rollouts'), '--adapter', 'software', '--out', out);
  /** @type {{ samples?: number[] }[]} */
  const rows = JSON.parse(readFileSync(out, 'utf8'));
  const files = readdirSync(join(kit, 'rollouts'));
  const samples = rows.flatMap((row) => row.samples ?? []);
  process.stdout.write(
    `${JSON.stringify({ name, files: files.length, rows: rows.length, samples })}\n`,
  );
  const right = rows.length === 4 && files.length === workers && samples.every((n) => n === 4);
  if (!right || samples.length !== 8)
    throw new Error(`${out}: not 4 prompts in 2 data epochs of 4`);
  if (values.keep === undefined) continue;
  mkdirSync(join(resolve(values.keep), name), { recursive: true });
  for (const [i, file] of files.sort().entries()) {
    copyFileSync(
      join(kit, 'rollouts', file),
      join(resolve(values.keep), name, `rollouts_0_${i}_0.jsonl`),
    );
  }
}

// The data of the other engines, by the loader that both of them call.
for (const [engine, kind, file] of /** @type {const} */ ([
  ['openrlhf', 'json', 'train.jsonl'],
  ['verl', 'json', 'train.json'],
  ['verl', 'parquet', 'train.parquet'],
])) {
  const kit = join(folder, `${engine}-${kind}`);
  limr(...['select', scores, '--prompts', pool, '--kit', engine, '--model', 'model', '--out', kit]);
  const load = `
import datasets, json, sys
data = datasets.load_dataset(sys.argv[1], data_files=sys.argv[2], cache_dir="hf")["train"]
print(json.dumps({"file": sys.argv[2].rsplit("/", 1)[-1], "features": str(data.features), "first": data[0]}))
`;
  process.stdout.write(run(python, ['-c', load, kind, join(kit, file)]));
}

/**
 * What `launch.sh` submits to a cluster, run without the job server, which takes packages of its own.
 *
 * @param {number} workers
 */
function rayOnThisMachine(workers) {
  return `
set -euo pipefail
KIT=$0
# The script's own arguments and variables, up to the command.
source <(sed -e '/^# One machine/,$d' -e "s#^KIT=.*#KIT='$KIT'#" "$KIT/launch.sh")
python3 "$KIT/ray_trl.py" ${workers} "\${ARGUMENTS[@]}" --gradient_accumulation_steps 2
`;
}
