import { defineCommand } from 'citty';
import { jsonText } from '../formats/json.ts';
import type { TokenizerClient } from '../formats/tokenizer-client.ts';
import { counted } from '../look/wording.ts';
import { pastTrainedLength } from '../model/rope.ts';
import { adapterDirArg, givenAdapter } from './adapter-files.ts';
import {
  commonArgs,
  numberOption,
  optionalNumber,
  outArg,
  UsageError,
  weightsArg,
} from './arguments.ts';
import { readIds } from './ids-file.ts';
import { budgetOf } from './memory-budget.ts';
import { isWhole, openDiskDescription, openDiskModel } from './model-files.ts';
import { expectFileOut, nextFree } from './output.ts';
import { chatArgs, promptIds } from './prompt-ids.ts';
import { estimateResponses, responseArgs, withResponder } from './responses.ts';
import { system } from './system.ts';

const defaultNewTokens = 128;

export const command = defineCommand({
  meta: { name: 'generate', description: 'completions of a Hugging Face model directory' },
  args: {
    model: { type: 'positional', required: true, description: 'model directory' },
    prompt: { type: 'string', valueHint: 'text', description: 'the prompt, as text' },
    ids: { type: 'string', valueHint: 'ids.json', description: 'the prompts, as token ids' },
    ...chatArgs,
    'max-new-tokens': {
      type: 'string',
      valueHint: 'N',
      description: `longest completion (default ${defaultNewTokens}, or what the model has room for)`,
    },
    temperature: { type: 'string', default: '1', description: 'divides logits; 0 is greedy' },
    'top-k': { type: 'string', default: '0', description: 'most tokens kept; 0 keeps all' },
    'top-p': { type: 'string', default: '1', description: 'probability mass kept' },
    'min-p': { type: 'string', default: '0', description: 'least share of the top probability' },
    seed: { type: 'string', default: '0', description: 'of the random draws' },
    n: { type: 'string', default: '1', valueHint: 'COUNT', description: 'completions per prompt' },
    'ignore-eos': { type: 'boolean', description: 'go on past end tokens' },
    out: outArg(
      'JSON file: [{prompt_ids, ids, text, logprobs, finished}] (default: runs/completions.json)',
    ),
    weights: weightsArg,
    'adapter-dir': adapterDirArg,
    ...responseArgs,
    ...commonArgs,
  },
  async run({ args }) {
    const host = await system();
    const isAsked = args.json === true || args.estimate === true;
    const out = args.out ?? (isAsked ? undefined : await nextFree('runs/completions', '.json'));
    if (out !== undefined) await expectFileOut(out, args.ids === undefined ? [] : [args.ids]);
    const sampling = {
      temperature: numberOption('temperature', args.temperature, { min: 0, max: 1000 }),
      topK: numberOption('top-k', args['top-k'], { min: 0, max: 2 ** 24, integer: true }),
      topP: numberOption('top-p', args['top-p'], { min: 1e-6, max: 1 }),
      minP: numberOption('min-p', args['min-p'], { min: 0, max: 1 }),
      seed: numberOption('seed', args.seed, { min: 0, max: 0xffff_ffff, integer: true }),
    };
    budgetOf(args); // reports a bad option before anything is opened
    const samples = numberOption('n', args.n, { min: 1, max: 100_000, integer: true });
    const asked = optionalNumber('max-new-tokens', args['max-new-tokens'], {
      min: 1,
      max: 1_000_000,
      integer: true,
    });
    const model = await (args.estimate ? openDiskDescription : openDiskModel)(args.model);
    try {
      const { config } = model;
      const options = { ...args, lora: await givenAdapter(args, config) };
      const tokenizer = await model.tokenizer();
      const prompts = await promptsOf(args, tokenizer, async (path) =>
        (await readIds(path, config)).sequences.map((row) => [...row]),
      );
      const longest = prompts.reduce((most, { length }) => Math.max(most, length), 0);
      const room = config.maxPositions - longest;
      const newTokens = asked ?? Math.min(defaultNewTokens, room);
      if (newTokens > room || room < 1) {
        throw new UsageError(
          `--max-new-tokens: a prompt of ${longest} tokens leaves ${room} of the model's ${config.maxPositions}${pastTrainedLength(config)}`,
        );
      }
      const stopIds = args['ignore-eos'] ? [] : config.eosTokenIds;
      const job = { prompts, samples, newTokens, stopIds };
      if (!isWhole(model)) {
        await estimateResponses(config, job, options);
        return;
      }
      const results = await withResponder(model, job, options, async (responder) => {
        const found: unknown[] = [];
        for await (const { prompt, ids, logprobs, stopped } of responder.respond(sampling)) {
          const given = prompts[prompt] ?? [];
          const text = tokenizer ? await completionText(tokenizer, given, ids) : null;
          found.push({ prompt_ids: given, ids, text, logprobs, finished: stopped });
        }
        return found;
      });
      if (out !== undefined) await host.write(out, jsonText(results));
      if (args.json) await host.stdout(`${JSON.stringify(results)}\n`);
      await host.stderr(
        `${counted(results.length, 'completion')}${out === undefined ? '' : ` in ${out}`}\n`,
      );
    } finally {
      await model.close();
    }
  },
});

async function promptsOf(
  args: {
    readonly prompt?: string | undefined;
    readonly ids?: string | undefined;
    readonly chat?: boolean | undefined;
    readonly system?: string | undefined;
    readonly model: string;
  },
  tokenizer: TokenizerClient | undefined,
  read: (path: string) => Promise<number[][]>,
): Promise<number[][]> {
  if ((args.prompt === undefined) === (args.ids === undefined)) {
    throw new UsageError('one of --prompt and --ids is needed');
  }
  if (args.ids !== undefined) {
    if (args.system !== undefined) throw new UsageError('--system needs --prompt and --chat');
    return read(args.ids);
  }
  if (!tokenizer) throw new UsageError(`--prompt: ${args.model} has no tokenizer.json; use --ids`);
  const prompts = await promptIds(tokenizer, [{ prompt: args.prompt ?? '' }], args);
  if (prompts.some(({ length }) => length === 0)) throw new UsageError('--prompt is empty');
  return prompts;
}

/**
 * The text that the completion adds. Some decoders strip a space at the start of a text, so the
 * completion is not decoded alone.
 */
async function completionText(
  tokenizer: TokenizerClient,
  prompt: readonly number[],
  ids: readonly number[],
): Promise<string> {
  const [before = '', whole = '', alone = ''] = await tokenizer.decode(
    [prompt, [...prompt, ...ids], ids],
    { skipSpecialTokens: true, unknown: 'replace' },
  );
  return whole.startsWith(before) ? whole.slice(before.length) : alone;
}
