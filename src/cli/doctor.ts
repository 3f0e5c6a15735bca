import { defineCommand } from 'citty';
import { type AdapterChoice, type Gpu, openGpu } from '../gpu/device.ts';
import { commonArgs } from './arguments.ts';
import { type HostReport, otherHosts } from './hosts.ts';
import { selfTest } from './self-test.ts';
import { system } from './system.ts';

/** Features that some kernels have a variant for, or that measure. */
const shownFeatures: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query'];

/** Limits that decide what fits. */
const shownLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupStorageSize',
] as const;

export const command = defineCommand({
  meta: { name: 'doctor', description: 'adapters, features, limits and a self-test of each host' },
  args: {
    adapter: commonArgs.adapter,
    json: commonArgs.json,
    only: {
      type: 'boolean',
      description: 'look at this process only, not at Deno and Chromium',
    },
  },
  async run({ args }) {
    const host = await system();
    const here = await thisHost(args.adapter as AdapterChoice);
    const hosts = [here, ...(args.only ? [] : await otherHosts())];
    if (args.json) await host.stdout(`${JSON.stringify({ hosts }, null, 2)}\n`);
    else await host.stdout(hosts.map(describeHost).join('\n'));
    if (here.adapters.length === 0) {
      await host.stderr(
        'no WebGPU adapter on this host: run npm run setup to see what is missing\n',
      );
    }
    return here.adapters.some(({ selfTest: { passed } }) => passed) ? 0 : 1;
  },
});

/** The adapters that this process can open: the usual one, and the other kind where there is one. */
async function thisHost(choice: AdapterChoice): Promise<HostReport> {
  const adapters: HostReport['adapters'][number][] = [];
  const problems: string[] = [];
  const choices: readonly AdapterChoice[] =
    choice === 'auto' ? ['auto', 'gpu', 'software'] : [choice];
  for (const adapter of choices) {
    let gpu: Gpu;
    try {
      gpu = await openGpu({ adapter, limits: 'max', features: shownFeatures });
    } catch (error) {
      // With `auto`, the other kinds are looked for only in case there are two.
      if (adapter === choice) problems.push(error instanceof Error ? error.message : String(error));
      continue;
    }
    try {
      if (adapters.some(({ name }) => name === gpu.name)) continue;
      adapters.push({
        name: gpu.name,
        kind: gpu.kind,
        goodFor: goodFor(gpu),
        features: [...gpu.features].sort(),
        limits: Object.fromEntries(shownLimits.map((name) => [name, gpu.limits[name]])),
        selfTest: await selfTest(gpu),
      });
    } finally {
      await gpu.close();
    }
  }
  return { host: hostName(), adapters, problems };
}

function hostName(): string {
  const { Deno: deno } = globalThis as { readonly Deno?: { version: { deno: string } } };
  if (deno) return `Deno ${deno.version.deno}`;
  return typeof process === 'undefined' ? navigator.userAgent : `Node ${process.version.slice(1)}`;
}

function goodFor(gpu: Gpu): string {
  return gpu.kind === 'cpu'
    ? 'tests, the quick preset and scoring: a software adapter'
    : 'all presets: a GPU';
}

function describeHost({ host, adapters, problems }: HostReport): string {
  const lines = [host];
  for (const { name, kind, goodFor: use, features, limits, selfTest: test } of adapters) {
    lines.push(
      `  ${name}`,
      `    kind       ${kind === 'cpu' ? 'software' : 'GPU'}; good for ${use}`,
      `    features   ${features.join(', ') || 'none beyond the defaults'}`,
      `    limits     ${Object.entries(limits)
        .map(([limit, value]) => `${limit} ${value}`)
        .join(', ')}`,
      `    self-test  ${test.passed ? 'passed' : 'FAILED'}: matmul error ${test.matmulError.toExponential(1)}, ` +
        `reduction error ${test.reductionError.toExponential(1)}, ${test.milliseconds.toFixed(0)} ms`,
    );
  }
  for (const problem of problems) lines.push(`  ${problem}`);
  return `${lines.join('\n')}\n`;
}
