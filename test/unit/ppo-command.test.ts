import { afterAll, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { useSystem } from '../../src/cli/system.ts';
import { MemorySystem } from '../support/memory-system.ts';

afterAll(() => useSystem(undefined));

const config = {
  ...{ model_type: 'llama', hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1 },
  ...{ num_attention_heads: 1, num_key_value_heads: 1, vocab_size: 16, rms_norm_eps: 1e-5 },
  ...{
    max_position_embeddings: 64,
    rope_theta: 1e4,
    tie_word_embeddings: true,
    hidden_act: 'silu',
  },
};
const files = {
  'm/config.json': JSON.stringify(config),
  'p.jsonl': '{"prompt": "a", "answer": "b"}\n',
  'bad.json': '{"task": {"maxPromptTokens": 0}}',
  'list.json': '[]',
  'arms.json': '{"rollout": {"prompts": 0}}',
};

test.each([
  [
    ['m', '--prompts', 'p.jsonl', '--train', 'full', '--base', 'int8'],
    "weightStorage: 'int8' is of a frozen base: it needs an adapter",
  ],
  [['m', '--base', 'bf16'], 'base'],
  [
    ['hf:org/name', '--prompts', 'p.jsonl'],
    'hf:org/name: models are not downloaded here; give a folder',
  ],
  [['m', '--prompts', 'p.jsonl', '--rank', '0'], '--rank must be a whole number at least 1'],
  [
    ['m', '--prompts', 'p.jsonl', '--train', 'full', '--rank', '4'],
    '--rank is of adapters: --train full has none',
  ],
  [['m', '--prompts', 'p.jsonl', '--train', 'head'], 'train'],
  [['m', '--prompts', 'p.jsonl', '--verifier', 'guess'], 'task.verifier must be math, math-eval'],
  [['m', '--prompts', 'p.jsonl', '--seed', '-1'], '--seed'],
  [['m'], '--prompts is needed, unless a --config has task.prompts'],
  [['nowhere', '--prompts', 'p.jsonl'], 'nowhere: does not exist; a model is a folder'],
  [['m', '--prompts', 'p.jsonl', '--config', 'bad.json'], 'bad.json: task.maxPromptTokens'],
  [['m', '--prompts', 'p.jsonl', '--config', 'list.json'], 'list.json: must hold an object'],
  [['m', '--prompts', 'p.jsonl', '--config', 'arms.json'], 'arms.json: rollout.prompts'],
])('limr ppo %j ends with one line and code 2', async (argv, said) => {
  const system = new MemorySystem(
    new Map(Object.entries(files).map(([name, text]) => [name, new TextEncoder().encode(text)])),
  );
  useSystem(system);
  expect(await main(['ppo', ...argv, '--out', 'run'])).toBe(2);
  expect(system.err).toContain(said);
  expect(system.err.trimEnd().split('\n')).toHaveLength(1);
  expect([...system.files.keys()].filter((name) => name.startsWith('run/'))).toEqual([]);
});
