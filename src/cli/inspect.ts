import { defineCommand } from 'citty';
import { jsonText } from '../formats/json.ts';
import type { AdapterChoice } from '../gpu/device.ts';
import type {
  AskedPrompt,
  Generated,
  Inspected,
  InspectedToken,
  WeightsName,
} from '../inspection/calls.ts';
import { percent } from '../look/wording.ts';
import { CONFIG } from '../run-folder/names.ts';
import { isMethodName } from '../selection/methods.ts';
import { connectTrainer, type Trainer } from '../workers/trainer.ts';
import {
  commonArgs,
  numberOption,
  optionalNumber,
  outArg,
  repeatedOption,
  UsageError,
} from './arguments.ts';
import { expectFileOut } from './output.ts';
import { inFolder } from './run-store.ts';
import { system } from './system.ts';
import { readTuned } from './tuned.ts';
import { visibleLine } from './visible-text.ts';

/** What one of the models has answered. */
interface Answer extends Inspected {
  readonly next: Generated['next'];
}

export const command = defineCommand({
  meta: { name: 'inspect', description: 'what the models of a run answer, and say of each token' },
  args: {
    run: { type: 'positional', required: true, description: 'folder of a run' },
    weights: {
      type: 'string',
      valueHint: 'NAME,…',
      default: 'base,full',
      description: 'models to ask: base, full or another method of the run',
    },
    prompt: { type: 'string', valueHint: 'text', description: 'the prompt, as a person types it' },
    key: { type: 'string', valueHint: 'text', description: 'with --prompt: its answer key' },
    place: { type: 'string', valueHint: 'N', description: 'a prompt of the pool, from 0' },
    response: {
      type: 'string',
      valueHint: 'text',
      description: 'a response to look at, may be repeated (default: those that each model draws)',
    },
    n: { type: 'string', default: '1', valueHint: 'COUNT', description: 'responses to draw' },
    temperature: {
      type: 'string',
      description: "divides logits; 0 is greedy (default: the run's)",
    },
    'top-p': { type: 'string', description: "probability mass kept (default: the run's)" },
    seed: { type: 'string', default: '0', description: 'of the random draws' },
    'run-seed': { type: 'string', description: 'seed of the run (default: its first)' },
    alternatives: { type: 'string', default: '5', description: 'most probable tokens to name' },
    out: outArg('JSON file: [{by, prompt, next, responses}], one for each model'),
    ...commonArgs,
  },
  async run({ args, rawArgs }) {
    const host = await system();
    const { run: folder, out } = args;
    if (out !== undefined) await expectFileOut(out, []);
    if (!(await host.info(`${folder}/${CONFIG}`))) {
      throw new UsageError(`${folder}: no run there (${folder}/${CONFIG})`);
    }
    const asked = {
      prompt: promptOf(args),
      runSeed: optionalNumber('run-seed', args['run-seed'], seedRange),
      temperature: optionalNumber('temperature', args.temperature, { min: 0, max: 100 }),
      topP: optionalNumber('top-p', args['top-p'], { min: 1e-6, max: 1 }),
      seed: numberOption('seed', args.seed, seedRange),
      samples: numberOption('n', args.n, { min: 1, max: 64, integer: true }),
      alternatives: numberOption('alternatives', args.alternatives, {
        min: 0,
        max: 20,
        integer: true,
      }),
      responses: repeatedOption('response', rawArgs),
    };
    const names = weightsOf(args.weights);
    const trainer = await connectTrainer();
    try {
      const opened = await trainer.api.open(
        inFolder(host, folder, {
          adapter: args.adapter as AdapterChoice,
          tuned: await readTuned(),
          bases: [],
        }),
      );
      await host.stderr(`adapter: ${opened.adapter}\n`);
      const answers: Answer[] = [];
      for (const weights of names) answers.push(await answerOf(trainer, weights, asked));
      await host.stderr(answers.map(shown).join('\n'));
      if (out !== undefined) await host.write(out, jsonText(answers));
      if (args.json) await host.stdout(jsonText(answers));
    } finally {
      await trainer.close();
    }
  },
});

const seedRange = { min: 0, max: 0xffff_ffff, integer: true } as const;

/** The options of the command. */
interface Asked {
  readonly prompt: AskedPrompt;
  readonly runSeed: number | undefined;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly seed: number;
  readonly samples: number;
  readonly alternatives: number;
  /** Empty for those that the model draws. */
  readonly responses: readonly string[];
}

function promptOf(args: {
  readonly prompt?: string | undefined;
  readonly key?: string | undefined;
  readonly place?: string | undefined;
}): AskedPrompt {
  const { prompt: text, key, place } = args;
  if ((text === undefined) === (place === undefined)) {
    throw new UsageError('one of --prompt and --place is needed');
  }
  if (text === undefined) {
    if (key !== undefined) throw new UsageError('--key needs --prompt');
    return { place: numberOption('place', place ?? '', { min: 0, integer: true }) };
  }
  return { text, ...(key === undefined ? {} : { key }) };
}

function weightsOf(list: string): WeightsName[] {
  return list.split(',').map((name) => {
    if (name === 'base' || isMethodName(name)) return name;
    throw new UsageError(`--weights: '${name}' is neither base nor a method`);
  });
}

async function answerOf({ api }: Trainer, weights: WeightsName, asked: Asked): Promise<Answer> {
  const { prompt, runSeed, temperature, topP, seed, samples, alternatives } = asked;
  const model = { prompt, weights, ...(runSeed === undefined ? {} : { runSeed }) };
  const { next, responses } = await api.generate({
    ...model,
    samples: asked.responses.length > 0 ? 0 : samples,
    seed,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
  });
  const looked = asked.responses.length > 0 ? asked.responses : responses.map(({ ids }) => ids);
  return { ...(await api.inspect({ ...model, responses: looked, alternatives })), next };
}

/** The columns of the table of tokens. */
const columns = [
  ['logprob', 'logprob'],
  ['base', 'baseLogprob'],
  ['KL', 'kl'],
  ['entropy', 'entropy'],
  ['value', 'value'],
  ['reward', 'reward'],
  ['advantage', 'advantage'],
] as const satisfies readonly (readonly [title: string, key: keyof InspectedToken])[];

const WIDTH = 10;

function shown({ by, prompt, next, responses }: Answer): string {
  const likely = next.tokens
    .slice(0, 5)
    .map(({ text, probability }) => `${quoted(text)} ${percent(probability, 1)}`);
  const lines = [
    `${by.weights} (seed ${by.runSeed}): ${visibleLine(prompt.text)}`,
    `  next token: ${likely.join(', ')}`,
  ];
  for (const { text, verdict, tokens } of responses) {
    const judged = verdict ? `   reward ${verdict.reward}${verdict.correct ? ', right' : ''}` : '';
    lines.push(`  ${quoted(text)}${judged}`);
    lines.push(
      `    ${'token'.padEnd(WIDTH)}${columns.map(([title]) => title.padStart(WIDTH)).join('')}`,
    );
    for (const token of tokens) {
      const numbers = columns.map(([, key]) => token[key]?.toFixed(3) ?? '–');
      const cells = numbers.map((number) => number.padStart(WIDTH)).join('');
      lines.push(`    ${quoted(token.text).padEnd(WIDTH)}${cells}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const quoted = (text: string): string => visibleLine(JSON.stringify(text));
