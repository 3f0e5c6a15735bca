// A dataset's files and model in memory.
import { existsSync, readFileSync } from 'node:fs';
import { bytesSource } from '../../src/formats/byte-source.ts';
import type { InputFiles } from '../../src/formats/input-files.ts';
import type { DatasetConfig } from '../../src/tasks/dataset-config.ts';
import type { TaskModel, TaskResources } from '../../src/tasks/task.ts';

/** Files by path: bytes, texts, or values that become JSON lines. */
export const filesOf = (
  files: Readonly<Record<string, string | Uint8Array | readonly unknown[]>>,
): InputFiles => ({
  open(path) {
    const held = Object.hasOwn(files, path) ? files[path] : undefined;
    if (held === undefined) return Promise.resolve(undefined);
    if (held instanceof Uint8Array) return Promise.resolve(bytesSource(path, held));
    const text =
      typeof held === 'string' ? held : held.map((row) => `${JSON.stringify(row)}\n`).join('');
    return Promise.resolve(bytesSource(path, new TextEncoder().encode(text)));
  },
});

/** A model that has the tokenizer of a folder. */
export function modelOf(folder: string, change: Partial<TaskModel> = {}): TaskModel {
  const text = (name: string) => {
    const path = `${folder}/${name}`;
    return existsSync(path) ? { name: path, text: readFileSync(path, 'utf8') } : undefined;
  };
  const tokenizer = text('tokenizer.json');
  return {
    where: folder,
    vocabularySize: 512,
    stopIds: [],
    maxPositions: 4096,
    tokenizerTexts: () =>
      Promise.resolve(
        tokenizer && {
          tokenizer,
          config: text('tokenizer_config.json'),
          chatTemplate: text('chat_template.jinja')?.text,
        },
      ),
    ...change,
  };
}

export const datasetConfig = (change: Partial<DatasetConfig> = {}): DatasetConfig => ({
  name: 'dataset',
  prompts: 'pool.jsonl',
  maxPromptTokens: 1024,
  maxResponseTokens: 16,
  ...change,
});

export const resourcesOf = (
  files: Parameters<typeof filesOf>[0],
  model: TaskModel = modelOf('test/fixtures/chat/qwen25'),
): TaskResources => ({ files: filesOf(files), model });
