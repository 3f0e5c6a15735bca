import { defineCommand } from 'citty';
import type { FamilyChoice, VariantChoices } from '../../kernels/lib/variants.ts';
import { jsonText } from '../formats/json.ts';
import { type AdapterChoice, type Gpu, openGpu } from '../gpu/device.ts';
import { hostName } from '../host-name.ts';
import { choicesOf, useTuned } from '../variants/choices.ts';
import { describeFault, isWithinRounding } from '../variants/self-check.ts';
import { percent } from '../look/wording.ts';
import { commonArgs, outArg } from './arguments.ts';
import { type HostReport, otherHosts } from './hosts.ts';
import { expectFileOut } from './output.ts';
import { type SelfTest, selfTest } from './self-test.ts';
import { system } from './system.ts';
import { readTuned } from './tuned.ts';
import { adapterAdvice, findVulkan } from './vulkan.ts';

/** The optional features that the report lists, and the engine's use of each. */
const featureUses = {
  'shader-f16': 'not needed: weights in f16 are unpacked from words, which every adapter can',
  subgroups: 'kernels have variants for it',
  'timestamp-query': 'limr bench times passes by it',
} as const satisfies Partial<Record<GPUFeatureName, string>>;

const shownFeatures = Object.keys(featureUses) as (keyof typeof featureUses)[];

/** The limits that decide which models fit. */
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
    out: outArg('JSON file to write, what --json prints'),
    only: {
      type: 'boolean',
      description: 'look at this process only, not at Deno and Chromium',
    },
  },
  async run({ args }) {
    const host = await system();
    if (args.out !== undefined) await expectFileOut(args.out);
    const tell = (text: string): Promise<void> => host.stderr(`${text}\n`);
    const here = await thisHost(args.adapter as AdapterChoice, tell);
    const hosts = [here, ...(args.only ? [] : await otherHosts(tell))];
    if (args.out !== undefined) await host.write(args.out, jsonText({ hosts }));
    if (args.json) await host.stdout(jsonText({ hosts }));
    else await host.stdout(hosts.map(describeHost).join('\n'));
    if (here.adapters.length === 0) await host.stderr('no WebGPU adapter on this host\n');
    return here.adapters.some(({ selfTest: { passed } }) => passed) ? 0 : 1;
  },
});

/**
 * The adapters that this process can open: the default one, and one of the other kind if present.
 */
async function thisHost(
  choice: AdapterChoice,
  tell: (text: string) => Promise<void>,
): Promise<HostReport> {
  const adapters: HostReport['adapters'][number][] = [];
  const problems: string[] = [];
  const choices: readonly AdapterChoice[] =
    choice === 'auto' ? ['auto', 'gpu', 'software'] : [choice];
  for (const adapter of choices) {
    let gpu: Gpu;
    try {
      gpu = await openGpu({ adapter, limits: 'max', features: shownFeatures });
    } catch (error) {
      // With `auto`, the other kinds are optional: their absence is no problem.
      if (adapter === choice) problems.push(error instanceof Error ? error.message : String(error));
      continue;
    }
    try {
      if (adapters.some(({ name }) => name === gpu.name)) continue;
      useTuned(gpu, hostName(), await readTuned());
      await tell(`${shownHost()}: compiling kernels and testing them on ${gpu.name} …`);
      adapters.push({
        name: gpu.name,
        kind: gpu.kind,
        goodFor: goodFor(gpu),
        features: [...gpu.features].sort(),
        limits: Object.fromEntries(shownLimits.map((name) => [name, gpu.limits[name]])),
        variants: choicesOf(gpu),
        selfTest: await selfTest(gpu),
      });
    } finally {
      await gpu.close();
    }
  }
  if (adapters.length === 0) problems.push(...adapterAdvice(await findVulkan()));
  return { host: shownHost(), adapters, problems };
}

/** The host's name with a capital letter: `Node 20.20.2`. */
const shownHost = (): string => hostName().replace(/^./, (letter) => letter.toUpperCase());

function goodFor(gpu: Gpu): string {
  return gpu.kind === 'cpu'
    ? 'tests, the quick preset and scoring: a software adapter'
    : 'all presets: a GPU';
}

const featureText = (name: string): string =>
  Object.hasOwn(featureUses, name)
    ? `${name} (${featureUses[name as keyof typeof featureUses]})`
    : name;

/**
 * The variants that plans use from one family, and how often each variant was the fastest if
 * measured.
 */
function choiceText({ preferred, measured, wrong = [] }: FamilyChoice): string {
  const counts = new Map<string, number>();
  for (const variant of Object.values(measured)) {
    counts.set(variant, (counts.get(variant) ?? 0) + 1);
  }
  const [first = '', ...others] = preferred;
  const few = others.length > 0 ? ` (${others.join(', ')} where that does not suit)` : '';
  const shapes = [...counts].map(([variant, count]) => `${variant} at ${count}`).join(', ');
  const without = wrong.length > 0 ? `, without ${wrong.join(', ')}: computes wrong here` : '';
  return counts.size === 0
    ? `${first}${few}${without}`
    : `measured here: ${shapes} shapes; ${first}${few} elsewhere${without}`;
}

/** The choices of all families; families with equal choices share one line. */
function variantLines(choices: VariantChoices): string[] {
  const families = new Map<string, string[]>();
  for (const [family, choice] of Object.entries(choices)) {
    const text = choiceText(choice);
    families.set(text, [...(families.get(text) ?? []), family]);
  }
  const measured = Object.values(choices).some((one) => Object.keys(one.measured).length > 0);
  return [
    ...Array.from(families, ([text, names]) => `${names.join(', ')}: ${text}`),
    ...(measured ? [] : ['not measured (limr bench --tune does)']),
  ];
}

/** The adapter's largest difference from float64. Plans do not use variants that compute wrong. */
function testText({ passed, variants, reductionError }: SelfTest): string {
  const worst = Math.max(...variants.map(({ error }) => error));
  const found = variants.filter((one) => !isWithinRounding(one)).map(describeFault);
  const errors = `matmuls and attention ${worst.toExponential(1)}, reduction ${reductionError.toExponential(1)}`;
  return [`${passed ? 'passed' : 'FAILED'}: errors of ${errors}`, ...found].join('; ');
}

const errorsText = ({ logitErrors }: SelfTest): string =>
  Object.entries(logitErrors)
    .map(([storage, error]) => `${percent(error, 2)} in ${storage}`)
    .join(', ');

function describeHost({ host, adapters, problems }: HostReport): string {
  const lines = [host];
  for (const { name, kind, goodFor: use, features, limits, variants, selfTest: test } of adapters) {
    lines.push(
      `  ${name}`,
      `    kind       ${kind === 'cpu' ? 'software' : 'GPU'}; good for ${use}`,
      `    features   ${features.map(featureText).join(', ') || 'none beyond the defaults'}`,
      `    limits     ${Object.entries(limits)
        .map(([limit, value]) => `${limit} ${value}`)
        .join(', ')}`,
      ...variantLines(variants).map(
        (line, i) => `    ${i === 0 ? 'variants ' : '         '}  ${line}`,
      ),
      `    self-test  ${testText(test)}, ${test.milliseconds.toFixed(0)} ms`,
      `    bases      logits off from f32 by ${errorsText(test)} (a drawn head; limr fit MODEL --error for a model)`,
    );
  }
  for (const problem of problems) lines.push(`  ${problem}`);
  return `${lines.join('\n')}\n`;
}
