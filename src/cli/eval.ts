import { defineCommand } from 'citty';
import { answerFields, textAnswerOf } from '../formats/answer-fields.ts';
import { FormatError } from '../formats/format-error.ts';
import type { Prompt } from '../formats/conversation.ts';
import { fieldOf, jsonText } from '../formats/json.ts';
import { baseName } from '../formats/paths.ts';
import { readPrompts } from '../formats/prompts.ts';
import { counted, percent } from '../look/wording.ts';
import { pastTrainedLength } from '../model/rope.ts';
import { isModule } from '../tasks/dataset-config.ts';
import { judgeText } from '../tasks/rule-verifiers.ts';
import type { RowValues } from '../tasks/task.ts';
import { adapterDirArg, givenAdapter } from './adapter-files.ts';
import {
  commonArgs,
  numberOption,
  optionalNumber,
  outArg,
  UsageError,
  weightsArg,
} from './arguments.ts';
import { chosenConfig } from './chosen-config.ts';
import { budgetOf } from './memory-budget.ts';
import {
  type DiskDescription,
  isWhole,
  openDiskDescription,
  openDiskModel,
} from './model-files.ts';
import { expectFileOut } from './output.ts';
import { chatArgs, promptIds } from './prompt-ids.ts';
import { estimateResponses, responseArgs, withResponder } from './responses.ts';
import { withSource } from './sources.ts';
import { system } from './system.ts';
import { openVerifierOption, unjudgedText, verifierArg } from './verifier-option.ts';
import { visibleLine } from './visible-text.ts';

/** Fields that name a row's data set; without them the whole file is one data set. */
const dataSetFields = ['dataset', 'data_source', 'tier'];

/** Longest answer to a mathematics question, in tokens, as in the paper. */
const mathTokens = 3072;

interface Question extends Prompt {
  readonly where: string;
  readonly answer: string;
  /** As the row has them, for a verifier that is a module. */
  readonly row: RowValues;
  readonly dataSet: string;
}

/** Mean correctness with a 95 % interval over prompts. */
interface DataSetScore {
  readonly dataset: string;
  readonly prompts: number;
  readonly samples: number;
  readonly mean: number;
  /** Normal interval, from the spread of the means of the prompts; null for a single prompt. */
  readonly interval: readonly [number, number] | null;
  /** Number of well-formed responses. */
  readonly formatted: number;
}

export const command = defineCommand({
  meta: { name: 'eval', description: 'pass@1 of a model, the mean of n, with a 95 % interval' },
  args: {
    model: { type: 'positional', required: true, description: 'model directory' },
    data: {
      type: 'string',
      valueHint: 'D.jsonl',
      required: true,
      description: 'rows of prompt and answer; a field dataset divides them',
    },
    verifier: { ...verifierArg, required: true },
    config: {
      type: 'string',
      valueHint: 'C.json',
      description: 'experiment whose task the arithmetic verifier follows (default: quick)',
    },
    temperature: { type: 'string', default: '0', description: 'divides logits; 0 is greedy' },
    'top-p': { type: 'string', default: '1', description: 'probability mass kept' },
    n: { type: 'string', default: '1', valueHint: 'N', description: 'responses per prompt' },
    'max-new-tokens': {
      type: 'string',
      valueHint: 'N',
      description: `longest response (default: what the model has room for, of maths ${mathTokens} at most)`,
    },
    ...chatArgs,
    seed: { type: 'string', default: '0', description: 'of the random draws' },
    out: outArg('JSON file to write'),
    weights: weightsArg,
    'adapter-dir': adapterDirArg,
    ...responseArgs,
    ...commonArgs,
  },
  async run({ args }) {
    const host = await system();
    const inputs = args.config === undefined ? [args.data] : [args.data, args.config];
    if (args.out !== undefined) await expectFileOut(args.out, inputs);
    const temperature = numberOption('temperature', args.temperature, { min: 0, max: 1000 });
    const topP = numberOption('top-p', args['top-p'], { min: 1e-6, max: 1 });
    budgetOf(args); // reports a bad option before anything is opened
    const samples = numberOption('n', args.n, { min: 1, max: 10_000, integer: true });
    const seed = numberOption('seed', args.seed, { min: 0, max: 0xffff_ffff, integer: true });
    const { task } = await chosenConfig('limr eval', args.config);
    const questions = await readQuestions(args.data, isModule(args.verifier));
    const verifier = await openVerifierOption(args.verifier, task);
    let opened: DiskDescription | undefined;
    try {
      const model = await (args.estimate ? openDiskDescription : openDiskModel)(args.model);
      opened = model;
      const { config } = model;
      const options = { ...args, lora: await givenAdapter(args, config) };
      const tokenizer = await model.tokenizer();
      if (!tokenizer) throw new UsageError(`${args.model}: has no tokenizer.json`);
      const prompts = await promptIds(
        tokenizer,
        questions,
        args,
        (i) => questions[i]?.where ?? args.data,
      );
      const longest = prompts.reduce((most, { length }) => Math.max(most, length), 0);
      const room = config.maxPositions - longest;
      const asked = optionalNumber('max-new-tokens', args['max-new-tokens'], {
        min: 1,
        max: Math.max(1, room),
        integer: true,
      });
      if (room < 1 || prompts.some(({ length }) => length === 0)) {
        throw new FormatError(
          `${args.data}: a prompt is empty, or leaves no room in the model's ${config.maxPositions}${pastTrainedLength(config)}`,
        );
      }
      const usual = args.verifier.startsWith('math') ? mathTokens : Infinity;
      const newTokens = asked ?? Math.min(room, usual);
      const job = { prompts, samples, newTokens, stopIds: config.eosTokenIds };
      if (!isWhole(model)) {
        await estimateResponses(config, job, options);
        return;
      }
      const right = questions.map(() => 0);
      const formatted = questions.map(() => 0);
      let ended = 0;
      const adapter = await withResponder(model, job, options, async (responder, gpu) => {
        for await (const response of responder.respond({ temperature, topP, seed })) {
          const question = questions[response.prompt];
          if (!question) continue;
          // The end token is not part of the answer. The decoder knows whether the response ended
          // with it.
          const { ids, stopped: finished } = response;
          const spoken = finished ? ids.slice(0, -1) : ids;
          const [decoded = ''] = await tokenizer.decode([spoken], decoding);
          const judged = { ...question, response: decoded };
          const verdict = await judgeText(verifier, judged, { finished });
          ended += Number(finished);
          right[response.prompt] = (right[response.prompt] ?? 0) + Number(verdict.correct);
          formatted[response.prompt] =
            (formatted[response.prompt] ?? 0) + Number(verdict.formatted);
        }
        return gpu.name;
      });
      const scores = scoresOf(questions, right, formatted, samples);
      const result = {
        model: args.model,
        ...(args['adapter-dir'] === undefined ? {} : { adapterDir: args['adapter-dir'] }),
        data: args.data,
        verifier: args.verifier,
        temperature,
        topP,
        seed,
        adapter,
        newTokens,
        sets: scores,
        finished: ended / (questions.length * samples),
        mean: scores.reduce((sum, { mean }) => sum + mean, 0) / scores.length,
      };
      for (const { dataset, prompts: count, mean, interval } of scores) {
        const bounds = interval
          ? ` [${interval.map((bound) => percent(bound, 1)).join(', ')}]`
          : '';
        await host.stderr(
          `${visibleLine(dataset)}: ${percent(mean, 1)}${bounds} over ${counted(count, 'prompt')}\n`,
        );
      }
      await host.stderr(unjudgedText(verifier));
      const cut = questions.length * samples - ended;
      if (cut > 0) await host.stderr(`${counted(cut, 'response')} cut before the end\n`);
      if (args.out !== undefined) await host.write(args.out, jsonText(result));
      if (args.json || args.out === undefined) await host.stdout(`${JSON.stringify(result)}\n`);
    } finally {
      verifier.close();
      await opened?.close();
    }
  },
});

const decoding = { skipSpecialTokens: true, unknown: 'replace' } as const;

/** @param anyAnswer Whether rows may have any answer, or none, as a module takes them. */
const readQuestions = (path: string, anyAnswer: boolean): Promise<Question[]> =>
  withSource(path, async (source) => {
    const { rows } = await readPrompts(source);
    if (rows.length === 0) throw new FormatError(`${path}: no rows`);
    return rows.map(({ where, prompt, messages, record, answer: own = null }) => {
      const answer = textAnswerOf(record) ?? (anyAnswer ? '' : undefined);
      if (answer === undefined) {
        throw new FormatError(`${where}: no text in ${answerFields.join(' or ')}`);
      }
      const named = dataSetFields
        .map((name) => fieldOf(record, name))
        .find((value) => typeof value === 'string');
      const row = { prompt: messages ?? prompt, answer: own };
      return { where, prompt, messages, answer, row, dataSet: named ?? baseName(path) };
    });
  });

function scoresOf(
  questions: readonly Question[],
  right: readonly number[],
  formatted: readonly number[],
  samples: number,
): DataSetScore[] {
  const names = [...new Set(questions.map(({ dataSet }) => dataSet))];
  return names.map((dataset) => {
    const own = questions.flatMap((question, i) => (question.dataSet === dataset ? [i] : []));
    const means = own.map((i) => (right[i] ?? 0) / samples);
    const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
    const squares = means.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const half = 1.96 * Math.sqrt(squares / Math.max(1, means.length - 1) / means.length);
    const wellFormed = own.reduce((sum, i) => sum + (formatted[i] ?? 0), 0);
    return {
      dataset,
      prompts: own.length,
      samples,
      mean,
      interval: own.length > 1 ? [Math.max(0, mean - half), Math.min(1, mean + half)] : null,
      formatted: wellFormed / (own.length * samples),
    };
  });
}
