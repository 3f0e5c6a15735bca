import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configFrom } from '../../../src/config.ts';
import { presets } from '../../../src/presets.ts';
import { digestOf } from '../../../src/formats/digest.ts';
import { bytesSource } from '../../../src/formats/byte-source.ts';
import { parseJson } from '../../../src/formats/json.ts';
import { readJsonLines } from '../../../src/formats/json-lines.ts';
import { readParquet, writeParquet } from '../../../src/formats/parquet.ts';
import { readPrompts } from '../../../src/formats/prompts.ts';
import {
  detectRollouts,
  readCurves,
  readRollouts,
  rolloutFormats,
} from '../../../src/formats/rollouts.ts';
import { flat } from '../../support/flat.ts';
import {
  float32Entry,
  int32Entry,
  readSafetensors,
  toFloat32,
  writeSafetensors,
} from '../../../src/formats/safetensors.ts';
import { readScores } from '../../../src/formats/score-file.ts';
import { characterTokenizerJson } from '../../../src/formats/character-tokenizer.ts';
import { TokenizerClient } from '../../../src/formats/tokenizer-client.ts';
import { peftName } from '../../../src/model/hugging-face/names.ts';
import { adapterFiles, readAdapter } from '../../../src/model/hugging-face/peft.ts';
import { PromptMatcher } from '../../../src/lim/prompt-matcher.ts';
import { parseHfConfig, toHfConfig } from '../../../src/model/hugging-face/config.ts';
import { modelConfigOf } from '../../../src/scheduler/base.ts';
import { openModelDirectory } from '../../../src/model/model-directory.ts';
import { readRun, type RunFolder } from '../../../src/run-folder/finished-run.ts';
import { historyOf } from '../../../src/run-folder/history.ts';
import {
  EVENTS,
  METRICS,
  RESULTS,
  REWARDS,
  SCORES,
  SUBSETS,
} from '../../../src/run-folder/names.ts';
import { parseRunFile } from '../../../src/run-folder/run-file.ts';
import { Checkpoints } from '../../../src/scheduler/checkpoint.ts';
import { SeedCompletions } from '../../../src/scheduler/completion-log.ts';
import { readResumeState } from '../../../src/scheduler/resume.ts';
import { RunArchive } from '../../../src/scheduler/run-archive.ts';
import { MemoryStore } from '../../../src/scheduler/run-store.ts';
import { compareAnswers } from '../../../src/tasks/math-answer.ts';
import { lastBoxed, mathFormat } from '../../../src/tasks/math-format.ts';
import { openTask, taskShapeOf } from '../../../src/tasks/registry.ts';
import { judgeText } from '../../../src/tasks/rule-verifiers.ts';
import { textVerifier, verifierNames } from '../../../src/tasks/verifiers.ts';
import { RunView } from '../../../src/view/run-view.ts';

/** A reader of foreign input. */
export interface Target {
  readonly name: string;
  /** Relative share of the inputs. A reader that needs a worker for each input gets few of them. */
  readonly weight: number;
  /** Good inputs, from which the bad ones are made. */
  readonly seeds: readonly Uint8Array[];
  readonly read: (bytes: Uint8Array) => unknown;
}

const utf8 = new TextEncoder();
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (value: unknown): Uint8Array =>
  utf8.encode(typeof value === 'string' ? value : JSON.stringify(value));
const lines = (rows: readonly unknown[]): Uint8Array =>
  bytesOf(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);

async function drain(rows: AsyncIterable<unknown>): Promise<void> {
  let count = 0;
  for await (const row of rows)
    if (++count > 100_000) throw new Error(`too many rows: ${String(row)}`);
}

const rollouts = [
  { prompt: 'What is 1+1?', response: 'The answer is \\boxed{2}', reward: 1, step: 0, answer: '2' },
  { prompt: 'What is 1+2?', response: '\\boxed{4}', reward: -0.5, step: 1, epoch: 0, id: 'a' },
  { input: '<|im_start|>user\nWhat is 1+1?<|im_end|>', output: '2', score: 0.5, gts: '2', step: 3 },
  {
    prompt: [{ role: 'user', content: 'What is 1+2?' }],
    completion: 'x',
    reward: 0,
    solution: '3',
  },
];
const scores = [
  { prompt: 'a', id: 0, score: 0.5, rewards: [0, 1, null] },
  { prompt: 'b', id: 1, score: null, rewards: [0.25, 0.5, 1] },
];

const { quick } = presets;
const model = modelConfigOf(quick, taskShapeOf(quick.task)!);
const tensors = writeSafetensors(
  [float32Entry('a.weight', [2, 3], new Float32Array(6)), int32Entry('b', [4], new Uint32Array(4))],
  { format: 'pt', note: 'x' },
);
/** A small adapter's files. */
const adapter = adapterFiles(
  model,
  new Map([['layers.0.q', { rank: 1, scale: 2 }]]),
  new Map([
    [peftName(model.architecture, 'layers.0.q', 'A'), new Float32Array(model.hiddenSize)],
    [
      peftName(model.architecture, 'layers.0.q', 'B'),
      new Float32Array(model.heads * model.headDim),
    ],
  ]),
  { baseName: null },
);
const tokenizer = bytesOf(characterTokenizerJson('0123456789+-*=()# \n'));

const answers = [
  ['\\frac{1}{2}', '0.5'],
  ['\\sqrt{2}', '2^{1/2}'],
  ['[1, 2)', '\\left[1,2\\right)'],
  ['\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}', '\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}'],
  ['x^2+2x+1', '(x+1)^2'],
  ['12,345', '12345 \\text{ apples}'],
  ['30^\\circ', '\\frac{\\pi}{6}'],
  ['\\{1,2,3\\}', '1, 2, 3'],
];

/** A folder of files, one of which is damaged. */
const folder =
  (files: Readonly<Record<string, Uint8Array>>, name: string) => (bytes: Uint8Array) => {
    const spoilt: Readonly<Record<string, Uint8Array>> = { ...files, [name]: bytes };
    return (file: string): Uint8Array | undefined =>
      Object.hasOwn(spoilt, file) ? spoilt[file] : undefined;
  };

/** @param run The folder of a finished run, for the files that only a run writes. */
export async function targetsOf(run: string): Promise<readonly Target[]> {
  const file = (path: string): Uint8Array => new Uint8Array(readFileSync(join(run, path)));
  const runFiles = Object.fromEntries(
    [RESULTS, METRICS, EVENTS, SCORES, REWARDS, `${SUBSETS}/lim.json`].map((name) => [
      name,
      file(name),
    ]),
  );
  const pointer = file('checkpoints/latest.json');
  const { file: checkpoint = '' } = JSON.parse(textOf(pointer)) as { file?: string };
  const written = parseJson(textOf(file('config.json')), 'config.json');
  const { config, configHash, seeds } = await parseRunFile(written, 'config.json');
  const task = await openTask(config.task);
  const hfConfig = bytesOf(toHfConfig(model));
  const parquet = await writeParquet([
    { prompt: 'a', answer: '1', score: 0.5, list: [1, 2] },
    { prompt: 'b', answer: '2', score: 1, list: [] },
  ]);
  const tokenizerOf = async (text: string, chatTemplate?: string): Promise<TokenizerClient> =>
    TokenizerClient.open(
      {
        tokenizer: { name: 'tokenizer.json', text },
        ...(chatTemplate === undefined ? {} : { chatTemplate }),
      },
      { open: 3, call: 3 },
    );
  const folderWith = (name: string, bytes: Uint8Array): RunFolder => {
    const files = folder(runFiles, name)(bytes);
    return {
      name: 'run',
      read: (path) => {
        const found = files(path);
        return Promise.resolve(found && textOf(found));
      },
    };
  };
  const readRunWith = (name: string) => (bytes: Uint8Array) => readRun(folderWith(name, bytes));
  const reopenWith = (name: string) => async (bytes: Uint8Array) => {
    const opened = folderWith(name, bytes);
    const run = await readRun(opened);
    const { config: own, seeds } = run.results;
    const view = new RunView(
      own,
      seeds.map(({ seed }) => seed),
    );
    for await (const event of historyOf(run, opened)) view.apply(event);
  };
  const checkpointWith = (name: string) => (bytes: Uint8Array) => {
    const store = new MemoryStore();
    store.files.set('checkpoints/latest.json', pointer);
    store.files.set(checkpoint, file(checkpoint));
    store.files.set(name, bytes);
    return new Checkpoints(store).find(
      { configHash, seeds },
      (found) => Promise.resolve(found),
      () => undefined,
    );
  };
  /** A log that its checkpoint takes for what was written. */
  const resumeWith = async (bytes: Uint8Array) => {
    const store = new MemoryStore();
    store.files.set('checkpoints/latest.json', pointer).set(checkpoint, file(checkpoint));
    for (const [name, own] of Object.entries(runFiles)) store.files.set(name, own);
    store.files.set(EVENTS, bytes);
    const mark = { bytes: bytes.length, sha256: digestOf(bytes) };
    const archive = new RunArchive(store, new SeedCompletions(config, 1));
    return archive.checkpoints.find(
      { configHash, seeds },
      (found) =>
        readResumeState(
          archive,
          { config, seeds, task, rows: {} },
          { ...found, files: new Map([...found.files, [EVENTS, mark]]) },
          false,
        ),
      () => undefined,
    );
  };
  return [
    {
      name: 'json',
      weight: 8,
      seeds: [bytesOf(scores), hfConfig],
      read: (bytes) => parseJson(textOf(bytes), 'input'),
    },
    {
      name: 'jsonl',
      weight: 8,
      seeds: [lines(rollouts), lines(scores)],
      read: (bytes) => drain(readJsonLines(bytesSource('input', bytes))),
    },
    {
      name: 'safetensors',
      weight: 12,
      seeds: [tensors],
      read: (bytes) => {
        const { tensors: found } = readSafetensors(bytes, 'input');
        for (const entry of found.values()) if (entry.dtype !== 'U32') toFloat32(entry, 'input');
      },
    },
    {
      name: 'parquet',
      weight: 0.3,
      seeds: [parquet],
      read: (bytes) => drain(readParquet(bytesSource('input', bytes), 5)),
    },
    {
      name: 'tokenizer',
      weight: 0.3,
      seeds: [tokenizer],
      read: async (bytes) => {
        const client = await tokenizerOf(textOf(bytes));
        try {
          const [ids = []] = await client.encode(['1+2=']);
          await client.decode([ids]);
        } finally {
          await client.close();
        }
      },
    },
    {
      name: 'chat-template',
      weight: 0.3,
      seeds: [
        bytesOf(
          "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] | trim }}<|im_end|>{% endfor %}{% if add_generation_prompt %}a{% endif %}",
        ),
        bytesOf(
          '{%- set ns = namespace(x=1) -%}{%- macro f(a) -%}{{ a * 2 }}{%- endmacro -%}{{ f("x") }}{{ bos_token }}{{ raise_exception("no") }}',
        ),
      ],
      read: async (bytes) => {
        const client = await tokenizerOf(textOf(tokenizer), textOf(bytes));
        try {
          await client.renderChats([[{ role: 'user', content: '1+2' }]], {
            addGenerationPrompt: true,
          });
        } finally {
          await client.close();
        }
      },
    },
    {
      name: 'config',
      weight: 10,
      seeds: [bytesOf(quick), bytesOf({ lim: { count: 5 }, ppo: quick.ppo, task: quick.task })],
      read: (bytes) => configFrom('quick', parseJson(textOf(bytes), 'input'), 'input'),
    },
    {
      name: 'model-config',
      weight: 6,
      seeds: [hfConfig],
      read: (bytes) => parseHfConfig(parseJson(textOf(bytes), 'input'), 'input'),
    },
    ...(
      [
        ['config.json', hfConfig],
        ['model.safetensors', tensors],
        [
          'model.safetensors.index.json',
          bytesOf({
            metadata: {},
            weight_map: { 'a.weight': 'model-1.safetensors', b: 'model-1.safetensors' },
          }),
        ],
      ] as const
    ).map(([name, seed]): Target => ({
      name: `model-folder-${name.replace('model.safetensors.', '').replace(/\.\w+$/, '')}`,
      weight: 4,
      seeds: [seed],
      read: (bytes) => {
        const others = name.endsWith('index.json')
          ? { 'config.json': hfConfig, 'model-1.safetensors': tensors }
          : { 'config.json': hfConfig, 'model.safetensors': tensors };
        const files = folder(others, name)(bytes);
        return openModelDirectory((path) => {
          const found = files(path);
          return Promise.resolve(found && bytesSource(path, found));
        }, 'model');
      },
    })),
    ...[...adapter.keys()].map((name): Target => ({
      name: `adapter-${name.replace(/\.\w+$/, '')}`,
      weight: 4,
      seeds: [adapter.get(name) ?? new Uint8Array()],
      read: (bytes) => {
        const files = folder(Object.fromEntries(adapter), name)(bytes);
        return readAdapter(
          (path) => {
            const found = files(path);
            return Promise.resolve(found && bytesSource(path, found));
          },
          model,
          'adapter',
        );
      },
    })),
    {
      name: 'results',
      weight: 5,
      seeds: [runFiles[RESULTS]],
      read: readRunWith(RESULTS),
    },
    {
      name: 'metrics',
      weight: 4,
      seeds: [runFiles[METRICS]],
      read: readRunWith(METRICS),
    },
    {
      name: 'events',
      weight: 4,
      seeds: [runFiles[EVENTS]],
      read: reopenWith(EVENTS),
    },
    {
      name: 'events-resumed',
      weight: 2,
      seeds: [runFiles[EVENTS]],
      read: resumeWith,
    },
    {
      name: 'run-scores',
      weight: 4,
      seeds: [runFiles[SCORES]],
      read: readRunWith(SCORES),
    },
    {
      name: 'scores',
      weight: 6,
      seeds: [bytesOf(scores), lines(scores)],
      read: (bytes) => readScores(bytesSource('input', bytes)),
    },
    {
      name: 'pointer',
      weight: 6,
      seeds: [pointer],
      read: checkpointWith('checkpoints/latest.json'),
    },
    { name: 'checkpoint', weight: 3, seeds: [file(checkpoint)], read: checkpointWith(checkpoint) },
    {
      name: 'prompts',
      weight: 6,
      seeds: [bytesOf(scores), lines(rollouts)],
      read: (bytes) => readPrompts(bytesSource('input', bytes)),
    },
    {
      name: 'rollouts',
      weight: 10,
      seeds: [lines(rollouts), bytesOf(rollouts), lines(scores)],
      read: async (bytes) => {
        const source = bytesSource('input', bytes);
        const found = await detectRollouts(source);
        if (found === 'safetensors' || found === 'empty') return;
        if (found === 'curves') await drain(readCurves(source));
        else await drain(flat(readRollouts(source, found)));
      },
    },
    {
      name: 'rollouts-as',
      weight: 5,
      seeds: [lines(rollouts)],
      read: (bytes) =>
        drain(
          flat(
            readRollouts(
              bytesSource('input', bytes),
              rolloutFormats[bytes.length % rolloutFormats.length],
            ),
          ),
        ),
    },
    {
      name: 'prompt-matcher',
      weight: 4,
      seeds: [
        bytesOf(
          '<|im_start|>system\nYou are.<|im_end|>\n<|im_start|>user\nWhat is the sum of one and one?<|im_end|>\n',
        ),
        bytesOf('[INST] <<SYS>>\nx\n<</SYS>>\n\nWhat is the sum of one and two? [/INST]'),
      ],
      read: (bytes) => {
        const matcher = new PromptMatcher();
        matcher.add(0, { prompt: 'What is the sum of one and one?' });
        matcher.add(1, { prompt: 'What is the sum of one and two?' });
        return matcher.find(textOf(bytes), { where: 'input' });
      },
    },
    {
      name: 'answers',
      weight: 15,
      seeds: answers.map(([gold, answer]) => bytesOf(`${gold}\u0001${answer}`)),
      read: (bytes) => {
        const [gold = '', answer = ''] = textOf(bytes).split('\u0001');
        compareAnswers(gold, answer);
      },
    },
    {
      name: 'responses',
      weight: 8,
      seeds: [
        bytesOf('<think> so </think>\n<answer>\\boxed{\\frac{1}{2}}</answer><|im_end|>'),
        bytesOf('The answer is \\boxed{2}.<|endoftext|>'),
      ],
      read: async (bytes) => {
        const text = textOf(bytes);
        mathFormat(text);
        lastBoxed(text);
        const row = { prompt: '1+1=', answer: '2', response: text };
        for (const name of verifierNames) {
          await judgeText(await textVerifier(name, quick.task), row, {});
        }
      },
    },
  ];
}
