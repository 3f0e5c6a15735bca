import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ChatMessage, Tokenizer } from '../../src/formats/tokenizer.ts';

interface ChatRow {
  readonly family: string;
  readonly name: string;
  readonly messages: ChatMessage[];
  readonly add_generation_prompt: boolean;
  readonly variables: Record<string, unknown>;
  readonly text?: string;
  readonly ids?: number[];
  readonly decoded_without_special?: string;
  readonly error?: string;
}

const folder = 'test/fixtures/chat';
const read = (path: string) => readFileSync(`${folder}/${path}`, 'utf8');
const golden = JSON.parse(read('chat.json')) as {
  now: string;
  families: string[];
  rows: ChatRow[];
};

describe.each(golden.families)('the template of %s', (family) => {
  const tokenizer = new Tokenizer(
    {
      tokenizer: JSON.parse(read(`${family}/tokenizer.json`)),
      config: JSON.parse(read(`${family}/tokenizer_config.json`)),
      chatTemplate: read(`${family}/chat_template.jinja`),
    },
    family,
  );
  const rows = golden.rows.filter((row) => row.family === family);
  test.each(rows)('renders $name as transformers does', (row) => {
    const render = () =>
      tokenizer.renderChat(row.messages, {
        addGenerationPrompt: row.add_generation_prompt,
        variables: row.variables,
        now: new Date(golden.now),
      });
    if (row.error !== undefined) {
      expect(render).toThrow(`${family}: chat template: ${row.error}`);
      return;
    }
    expect(render()).toBe(row.text);
    const ids = tokenizer.encode(render(), { addSpecialTokens: false });
    expect(ids).toEqual(row.ids);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(row.decoded_without_special);
  });
});
