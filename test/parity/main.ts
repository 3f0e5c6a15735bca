import { type AdapterChoice, openGpu } from '../../src/gpu/device.ts';
import type { Folder } from './folder.ts';
import { runSuite } from './suite.ts';

/** How a host is told of progress and results. */
export type Print = (line: string) => void;

/**
 * The suite on this host's adapter, at WebGPU's default limits.
 *
 * @returns How many comparisons failed.
 */
export async function main(
  folder: Folder,
  print: Print,
  options: { readonly adapter?: AdapterChoice; readonly verbose?: boolean } = {},
): Promise<number> {
  const gpu = await openGpu({ limits: 'default', adapter: options.adapter ?? 'auto' });
  print(`adapter: ${gpu.name}`);
  const started = performance.now();
  let part = '';
  const report = await runSuite(gpu, folder, {
    onPart: (name) => {
      part = name;
      print(`${part} ...`);
    },
  });
  const byFile = new Map<string, { passed: number; failed: number; share: number }>();
  for (const { file, ok, share = 0 } of report.checks) {
    const counts = byFile.get(file) ?? { passed: 0, failed: 0, share: 0 };
    if (ok) counts.passed++;
    else counts.failed++;
    byFile.set(file, { ...counts, share: Math.max(counts.share, share) });
  }
  for (const [file, { passed, failed, share }] of byFile) {
    const worst = share > 0 ? `, at worst ${share.toPrecision(2)} of the tolerance` : '';
    print(`${file}: ${passed} passed, ${failed} failed${worst}`);
  }
  for (const note of report.notes) print(note);
  for (const { file, what, ok, share, why } of report.checks) {
    if (!ok) print(`FAILED ${file}: ${what}: ${why ?? ''}`);
    else if (options.verbose)
      print(`ok ${file}: ${what}${share ? ` (${share.toPrecision(2)})` : ''}`);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const { checks, failed } = report;
  print(`parity: ${checks.length - failed} passed, ${failed} failed in ${seconds} s`);
  await gpu.close();
  return failed;
}
