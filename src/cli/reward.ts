import { defineCommand } from 'citty';
import { answerFields } from '../formats/answer-fields.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import { FormatError } from '../formats/format-error.ts';
import { shorten } from '../formats/json.ts';
import { readRewardRows, type RewardRow } from '../formats/reward-rows.ts';
import { counted } from '../look/wording.ts';
import { type ExplainedVerdict, judgeText } from '../tasks/rule-verifiers.ts';
import { AnswerBook } from './answer-book.ts';
import { commonArgs, numberOption, outArg, repeatedOption, UsageError } from './arguments.ts';
import { chosenConfig } from './chosen-config.ts';
import { rowJson } from '../formats/json-rows.ts';
import { expectFileOut } from './output.ts';
import { withSource } from './sources.ts';
import { system } from './system.ts';
import {
  openVerifierOption,
  type OpenedVerifier,
  unjudgedText,
  verifierArg,
} from './verifier-option.ts';

export const command = defineCommand({
  meta: { name: 'reward', description: 'rule rewards of responses: of a file, or over HTTP' },
  args: {
    pairs: {
      type: 'positional',
      required: false,
      description: 'rows of response and answer: JSONL, JSON or parquet',
    },
    verifier: { ...verifierArg, default: 'math' },
    explain: { type: 'boolean', description: 'add how key and answer were read, and the rule' },
    'end-token': {
      type: 'string',
      valueHint: 'T',
      description: 'one more text that ends a response; may be repeated',
    },
    prompts: {
      type: 'string',
      valueHint: 'file',
      description: 'prompts with answers, for rows and queries that bring none',
    },
    config: {
      type: 'string',
      valueHint: 'C.json',
      description: 'experiment whose task the arithmetic verifier follows (default: quick)',
    },
    serve: {
      type: 'string',
      valueHint: 'PORT',
      description: 'answer POST /get_reward as OpenRLHF and LIMR ask; 0 takes a free port',
    },
    bind: {
      type: 'string',
      valueHint: 'ADDRESS',
      description: 'address to serve on (default 127.0.0.1: this machine alone)',
    },
    'time-limit': {
      type: 'string',
      valueHint: 'SECONDS',
      description: 'longest that a request may take (default 60)',
    },
    out: outArg('JSONL file to write (default runs/rewards.jsonl)'),
    json: commonArgs.json,
  },
  async run({ args, rawArgs }) {
    const { task } = await chosenConfig('limr reward', args.config);
    const endTokens = repeatedOption('end-token', rawArgs);
    if (args.serve !== undefined) {
      if (args.pairs !== undefined || args.out !== undefined || args.json || args.explain) {
        throw new UsageError('--serve takes neither a file, nor --out, --json or --explain');
      }
      const port = numberOption('serve', args.serve, { min: 0, max: 65_535, integer: true });
      const limit = args['time-limit'] ?? '60';
      const seconds = numberOption('time-limit', limit, { min: 0.001, max: 86_400 });
      const book = args.prompts === undefined ? undefined : await AnswerBook.open(args.prompts);
      const { serveRewards } = await import('./reward-server.ts');
      const served = await openVerifierOption(args.verifier, task);
      try {
        return await serveRewards({
          port,
          address: args.bind ?? '127.0.0.1',
          seconds,
          verifierName: args.verifier,
          verifier: served,
          endTokens,
          book,
        });
      } finally {
        served.close();
      }
    }
    for (const name of ['bind', 'time-limit'] as const) {
      if (args[name] !== undefined) throw new UsageError(`--${name} needs --serve`);
    }
    if (args.pairs === undefined) throw new UsageError('a file of responses or --serve is needed');
    const host = await system();
    const out = args.out ?? (args.json ? undefined : 'runs/rewards.jsonl');
    const { pairs, prompts } = args;
    if (out !== undefined) {
      await expectFileOut(out, prompts === undefined ? [pairs] : [pairs, prompts]);
    }
    const book = prompts === undefined ? undefined : await AnswerBook.open(prompts);
    const verifier = await openVerifierOption(args.verifier, task);
    const summary = new Summary();
    const explain = args.explain ?? false;
    const kept: unknown[] = [];
    const judgeRows = async (source: ByteSource): Promise<void> => {
      async function* lines(): AsyncGenerator<string> {
        for await (const row of readRewardRows(source, verifier.isModule)) {
          const verdict = await judge(verifier, row, endTokens, book);
          summary.add(verdict, row.finished);
          const result = resultOf(verdict, explain);
          if (args.json) kept.push(result);
          yield `${rowJson(result)}\n`;
        }
      }
      if (out !== undefined) await host.write(out, lines());
      else await exhaust(lines());
    };
    try {
      await withSource(pairs, judgeRows);
    } finally {
      verifier.close();
    }
    await host.stderr(summary.text(args.verifier) + unjudgedText(verifier));
    if (out !== undefined) await host.stderr(`rewards: ${out}\n`);
    if (args.json) {
      await host.stdout(`${rowJson({ summary: summary.counts, rewards: kept })}\n`);
    }
    return 0;
  },
});

async function exhaust(rows: AsyncIterator<unknown>): Promise<void> {
  while (!(await rows.next()).done);
}

async function judge(
  verifier: OpenedVerifier,
  row: RewardRow,
  endTokens: readonly string[],
  book: AnswerBook | undefined,
): Promise<ExplainedVerdict> {
  const found = row.answer ?? book?.find(row.prompt);
  // A module may judge without an answer.
  const answer = found ?? (verifier.isModule ? '' : undefined);
  if (answer === undefined) {
    throw new FormatError(
      book
        ? `${row.where}: has no answer, and its prompt is not in the prompt file`
        : `${row.where}: no text in ${answerFields.join(' or ')}`,
    );
  }
  const values = { prompt: row.row.prompt, answer: row.row.answer ?? found ?? null };
  const judged = { prompt: row.prompt, answer, response: row.response, row: values };
  return judgeText(verifier, judged, { finished: row.finished, endTokens });
}

/** The broken format rules in words. */
const brokenRules = {
  unfinished: 'it is unfinished: no end token, or cut as its row says',
  boxes: 'it must hold \\boxed once to four times',
  garbled: 'more than 30 % of its characters are unusual',
  repetition: 'it repeats five characters or more five times back to back',
  'no answer': 'it has no answer in the form asked for',
} as const;

/** A row of the result. */
function resultOf(verdict: ExplainedVerdict, explain: boolean): Record<string, unknown> {
  const { reward, correct, formatted, extracted, why } = verdict;
  const result = { reward, correct, formatted, extracted };
  if (!explain || !why) return result;
  const { broken, rule, key, answer } = why;
  const explanation =
    broken !== null
      ? `malformed: ${brokenRules[broken]}`
      : `${correct ? 'right' : 'wrong'}: key ${quoted(key)}, answer ${quoted(answer)}, by the rule: ${rule}`;
  return { ...result, key, answer, rule, explanation };
}

const quoted = (text: string | null): string => (text === null ? 'none' : `'${shorten(text)}'`);

/** Counts the responses of each kind. */
class Summary {
  readonly #malformed = new Map<string, number>();
  #rows = 0;
  #right = 0;
  #wrong = 0;
  /** Responses without an end token whose row does not say whether they finished. */
  #endless = 0;

  add({ correct, formatted, why }: ExplainedVerdict, finished: boolean | undefined): void {
    this.#rows++;
    if (why?.broken === 'unfinished' && finished === undefined) this.#endless++;
    if (correct) this.#right++;
    else if (formatted) this.#wrong++;
    else {
      const reason = why?.broken ?? 'malformed';
      this.#malformed.set(reason, (this.#malformed.get(reason) ?? 0) + 1);
    }
  }

  get counts() {
    const malformed = Object.fromEntries(this.#malformed);
    return { rows: this.#rows, right: this.#right, wrong: this.#wrong, malformed };
  }

  text(verifier: string): string {
    const reasons = [...this.#malformed].map(([reason, count]) => `${count} ${reason}`);
    const malformed = this.#rows - this.#right - this.#wrong;
    const named = reasons.length > 0 ? ` (${reasons.join(', ')})` : '';
    return (
      `${counted(this.#rows, 'response')} by ${verifier}: ${this.#right} right, ${this.#wrong} wrong, ` +
      `${malformed} malformed${named}\n` +
      (this.#endless === this.#rows
        ? 'no response ends with a known end token: where they were dropped, rows must say ' +
          '"finished"; where they are others, name them by --end-token\n'
        : '')
    );
  }
}
