import { defineCommand } from 'citty';
import { tuneKernels } from '../bench/kernels.ts';
import { type BenchRecord, suiteNames } from '../bench/record.ts';
import { runBench } from '../bench/run.ts';
import { hostName } from '../workers/host-name.ts';
import { openCommandGpu } from './adapter.ts';
import { commonArgs, numberOption, outArg } from './arguments.ts';
import { expectFileOut, jsonText } from './output.ts';
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
    out: outArg('file for the records'),
    ...commonArgs,
  },
  async run({ args }) {
    const host = await system();
    const repeats = numberOption('repeats', args.repeats, { min: 1, max: 1000, integer: true });
    if (args.out !== undefined) await expectFileOut(args.out);
    const tiny = args.tiny ?? false;
    const gpu = await openCommandGpu(args);
    try {
      if (args.tune) {
        await host.stderr('choosing matmul variants …\n');
        await host.stderr(
          `kept: ${await writeTuned(gpu, await tuneKernels(gpu, { tiny, repeats }))}\n`,
        );
      }
      await host.stderr('measuring what one matmul and one copy reach …\n');
      const result = await runBench(gpu, args.suite === 'all' ? suiteNames : [args.suite], {
        repeats,
        tiny,
        host: hostName(),
        report: (record) => host.stderr(line(record)),
      });
      const { matmulGigaflops, copyGigabytes } = result.roofs;
      await host.stderr(
        `shares are of ${matmulGigaflops.toPrecision(3)} GFLOP/s in a matmul and ` +
          `${copyGigabytes.toPrecision(3)} GB/s in a copy, measured first\n`,
      );
      if (args.out !== undefined) await host.write(args.out, jsonText(result));
      if (args.json) await host.stdout(jsonText(result));
      return 0;
    } finally {
      await gpu.close();
    }
  },
});

/** One row of the table: name, median and spread, throughput, share of the roof. */
function line(record: BenchRecord): string {
  const { name, medianMs, spreadMs, tokensPerSecond, flops, bytes, roof, parts } = record;
  const milliseconds = (value: number): string => value.toPrecision(value < 1000 ? 3 : 4);
  const rate =
    tokensPerSecond !== null
      ? `${Math.round(tokensPerSecond)} tokens/s`
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
