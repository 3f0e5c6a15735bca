import { defineCommand } from 'citty';
import * as v from 'valibot';
import { compareBench, type EarlierBench, earlierSchema } from '../bench/compare.ts';
import { benchedUse, tuneKernels } from '../bench/kernels.ts';
import { type BenchRecord, suiteNames } from '../bench/record.ts';
import { type BenchResult, runBench } from '../bench/run.ts';
import { cardNames } from '../bench/cards.ts';
import { type CardPrediction, predictedCases, predictOn } from '../bench/predicted.ts';
import { isSized, type Sized, sizeNames } from '../bench/sized.ts';
import { percent } from '../look/wording.ts';
import { issueText } from '../config-issue.ts';
import { jsonText } from '../formats/json.ts';
import { hostName } from '../host-name.ts';
import { openCommandGpu } from './adapter.ts';
import { commonArgs, numberOption, optionalNumber, outArg, UsageError } from './arguments.ts';
import { readJson } from './json-file.ts';
import { expectFileOut } from './output.ts';
import { system } from './system.ts';
import { writeTuned } from './tuned.ts';

export const command = defineCommand({
  args: {
    suite: {
      type: 'enum',
      options: [...suiteNames, 'all'],
      default: 'all',
      description: 'the part of the engine to measure',
    },
    repeats: {
      type: 'string',
      valueHint: 'N',
      default: '5',
      description: 'measured runs of each benchmark; the median counts',
    },
    tiny: { type: 'boolean', description: 'toy shapes: shows that it works, measures nothing' },
    tune: {
      type: 'boolean',
      description: "first choose the fastest matmul variants, kept for this adapter's later runs",
    },
    compare: {
      type: 'string',
      valueHint: 'old.json',
      description: 'records of an earlier bench: tells what got slower or faster beyond the spread',
    },
    size: {
      type: 'enum',
      options: [...sizeNames],
      description: 'train, rollout and ppo at a model of so many parameters instead',
    },
    batch: {
      type: 'string',
      valueHint: 'N',
      description: 'sequences of a batch with --size (default: 64, 32 or 16, by the size)',
    },
    predict: {
      type: 'enum',
      options: [...cardNames, 'all'],
      description:
        'instead predict the times of training, iterations and generation on a card, from what kernels compute and move and what makers publish; measures nothing',
    },
    out: outArg('file for the records'),
    ...commonArgs,
  },
  async run({ args }) {
    const host = await system();
    const repeats = numberOption('repeats', args.repeats, { min: 1, max: 1000, integer: true });
    if (args.out !== undefined) await expectFileOut(args.out);
    if (args.predict !== undefined) return tellPredictions(args.predict, args);
    const sized = sizedOption(args);
    const tiny = args.tiny ?? false;
    const earlier = args.compare === undefined ? undefined : await readEarlier(args.compare);
    const gpu = await openCommandGpu(args, benchedUse(), { features: ['timestamp-query'] });
    try {
      if (args.tune) {
        await host.stderr('choosing the variants of kernels …\n');
        await host.stderr(
          `kept: ${await writeTuned(gpu, await tuneKernels(gpu, { tiny, repeats }))}\n`,
        );
      }
      await host.stderr('measuring what one matmul and one copy reach …\n');
      const result = await runBench(gpu, args.suite === 'all' ? suiteNames : [args.suite], {
        repeats,
        tiny,
        sized,
        host: hostName(),
        report: (record) => host.stderr(line(record)),
      });
      const { matmulGigaflops, copyGigabytes } = result.roofs;
      await host.stderr(
        `shares are of ${matmulGigaflops.toPrecision(3)} GFLOP/s in a matmul and ` +
          `${copyGigabytes.toPrecision(3)} GB/s in a copy, measured first\n`,
      );
      if (earlier) await host.stderr(changes(result, earlier));
      if (args.out !== undefined) await host.write(args.out, jsonText(result));
      if (args.json) await host.stdout(jsonText(result));
      return 0;
    } finally {
      await gpu.close();
    }
  },
});

/** Writes predictions, and says of each that it is one. */
async function tellPredictions(
  card: string,
  { json, out }: { readonly json?: boolean | undefined; readonly out?: string | undefined },
): Promise<number> {
  const host = await system();
  const chosen = cardNames.filter((name) => card === 'all' || name === card);
  await host.stderr('counting what kernels compute and move …\n');
  const cases = await predictedCases();
  const predictions = chosen.flatMap((name) => cases.map((one) => predictOn(one, name)));
  if (out !== undefined) await host.write(out, jsonText({ predictions }));
  if (json) await host.stdout(jsonText({ predictions }));
  else await host.stdout(predictionLines(predictions));
  return 0;
}

function predictionLines(predictions: readonly CardPrediction[]): string {
  const lines: string[] = [];
  for (const [i, one] of predictions.entries()) {
    if (one.card !== predictions[i - 1]?.card) {
      lines.push(`${lines.length > 0 ? '\n' : ''}predicted, not measured: ${one.card}`);
    }
    const { compute, memory, launch } = one.bounds;
    const bounds = `bound by compute ${percent(compute, 0)}, memory ${percent(memory, 0)}, launches ${percent(launch, 0)}`;
    const most = one.kernels.slice(0, 3).map(({ kernel, ms }) => {
      return `${kernel} ${percent(ms / one.ms, 0)}`;
    });
    lines.push(
      `  ${one.name}: ${one.ms.toPrecision(3)} ms, ${one.tokensPerSecond.toPrecision(3)} tokens/s; ${bounds}; ` +
        `${one.dispatches} dispatches; longest: ${most.join(', ')}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** @throws UsageError when `--size`, `--batch`, `--suite` and `--tiny` contradict one another. */
function sizedOption(args: {
  readonly size?: string | undefined;
  readonly batch?: string | undefined;
  readonly suite: string;
  readonly tiny?: boolean | undefined;
}): Sized | undefined {
  const batch = optionalNumber('batch', args.batch, { min: 1, max: 65_536, integer: true });
  const size = sizeNames.find((name) => name === args.size);
  if (!size) {
    if (batch !== undefined) throw new UsageError('--batch needs --size');
    return undefined;
  }
  if (args.tiny) throw new UsageError('--tiny and --size are two sizes: give one');
  const suite = suiteNames.find((name) => name === args.suite);
  if (suite && !isSized(suite)) throw new UsageError(`--suite ${suite} has no sizes`);
  return { size, ...(batch !== undefined && { batch }) };
}

/** @throws UsageError unless `limr bench --out` wrote the file. */
async function readEarlier(path: string): Promise<EarlierBench> {
  const found = v.safeParse(earlierSchema, await readJson(path));
  if (found.success) return found.output;
  const [issue] = found.issues;
  throw new UsageError(`${path}: ${issueText(issue)}`);
}

/** The comparison as text lines. */
function changes(result: BenchResult, earlier: EarlierBench): string {
  const { compared, slower, faster } = compareBench(result, earlier);
  const rows = [...slower, ...faster].map(({ record, earlierMs, ratio }) => {
    const shapes = Object.entries(record.shapes).map(([name, size]) => `${name} ${size}`);
    const name = [`${record.suite}: ${record.name}`, ...shapes].join(' ');
    const word = ratio > 1 ? 'slower' : 'faster';
    const times = `${earlierMs.toPrecision(3)} to ${record.medianMs.toPrecision(3)} ms`;
    return `  ${name}: ${times}, ${(ratio > 1 ? ratio : 1 / ratio).toFixed(2)} times ${word}\n`;
  });
  return (
    `of ${compared} benchmarks that both have on this adapter and host, ${slower.length} slower and ` +
    `${faster.length} faster by more than the spread\n${rows.join('')}`
  );
}

/** One row of the table: name, median and spread, throughput, share of the roof. */
function line(record: BenchRecord): string {
  const { name, medianMs, spreadMs, tokensPerSecond, flops, bytes, roof, parts } = record;
  const milliseconds = (value: number): string => value.toPrecision(value < 1000 ? 3 : 4);
  const rate =
    tokensPerSecond !== null
      ? `${Math.round(tokensPerSecond)} tokens/s`
      : flops === null && bytes === null
        ? ''
        : roof?.kind === 'copy'
          ? `${((bytes ?? 0) / medianMs / 1e6).toPrecision(3)} GB/s`
          : `${((flops ?? 0) / medianMs / 1e6).toPrecision(3)} GFLOP/s`;
  const share = roof ? `${(roof.share * 100).toFixed(0)} % of the ${roof.kind} roof` : '';
  const spread = `${milliseconds(spreadMs[0])}-${milliseconds(spreadMs[1])}`;
  const text =
    `  ${name.padEnd(48)}${milliseconds(medianMs).padStart(8)} ms (${spread})`.padEnd(82) +
    `${rate.padStart(16)}  ${share}\n`;
  const inner = Object.entries(parts ?? {})
    .map(([part, value]) => `${part} ${milliseconds(value)} ms`)
    .join(', ');
  return inner === '' ? text : `${text}    of which ${inner}\n`;
}
