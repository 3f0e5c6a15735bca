// npm run gpu:static: compiles every pipeline for GPUs that are not there, and fails where one uses
// memory in place of registers, keeps too few threads resident, or multiplies too small a share of the
// time.
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildLab, labFolder, runInLab, targets, whyNoLab } from './gpu-lab.mjs';
import { faultsOf, pageTableOf, PrintReader, tableOf } from './gpu-prints.mjs';
import { readArguments } from './process.mjs';

const help = `npm run gpu:static -- [options] [CONFIG ...]

  --target NAME    only this GPU: turing, ampere, navi21, navi31 or gfx1201; may be repeated
  --only TEXT      shows only pipelines whose name contains the text
  --page           prints one table of all targets, for docs/performance.md
  --mirror URL     mirror of Debian for a lab that is yet to be built (default: debootstrap's)

Without CONFIG: quick, standard, a model with heads of 32, one with heads of 128, and 100m. The lab is
built once, in GPU_LAB or the user's cache (1 GB, minutes, root). Exit code 1 where a pipeline fails a
bound; 0 with a reason where the lab cannot be built here.
`;

const { values, positionals } = readArguments('npm run gpu:static', {
  allowPositionals: true,
  options: {
    target: { type: 'string', multiple: true },
    only: { type: 'string' },
    page: { type: 'boolean', default: false },
    mirror: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const gpus = Object.keys(targets).filter((target) => target !== 'lavapipe');

/** A config of heads of 128, which no preset has; the lab sees its own /tmp. */
function wideHeads(/** @type {string} */ lab) {
  const model = { hiddenSize: 256, intermediateSize: 688, heads: 4, kvHeads: 2, headDim: 128 };
  writeFileSync(join(lab, 'tmp/heads-128.json'), JSON.stringify({ preset: 'standard', model }));
  return '/tmp/heads-128.json';
}

/**
 * What a target's driver makes of the pipelines.
 *
 * @param {string} lab
 * @param {string} target
 * @param {readonly string[]} configs
 */
async function compileFor(lab, target, configs) {
  const folder = mkdtempSync(join(tmpdir(), 'limr-gpu-'));
  try {
    const prints = join(folder, 'prints');
    const script = ['--import', './scripts/ts-hooks.mjs', 'scripts/compile-kernels.ts', ...configs];
    const code = await runInLab(lab, target, script, prints);
    const reader = new PrintReader(target);
    const last = [];
    for await (const line of createInterface({ input: createReadStream(prints) })) {
      reader.read(line);
      last.push(line);
      if (last.length > 20) last.shift();
    }
    reader.end();
    if (code !== 0 && reader.failures.length === 0) {
      throw new Error(`${target}: the process ended with code ${code}\n${last.join('\n')}`);
    }
    return reader;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function main() {
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const wanted = values.target ?? gpus;
  const unknown = wanted.find((target) => !gpus.includes(target));
  if (unknown !== undefined) {
    console.error(`npm run gpu:static: no target '${unknown}'; there are ${gpus.join(', ')}`);
    return 2;
  }
  const lab = labFolder();
  const why = whyNoLab(lab);
  if (why !== undefined) {
    console.log(`skipped: no lab of GPUs here: ${why}`);
    return 0;
  }
  buildLab(lab, values.mirror);
  const configs =
    positionals.length > 0
      ? positionals
      : ['quick', 'standard', 'standard-0.4m', wideHeads(lab), '100m'];
  let faults = 0;
  const compiled = new Map();
  for (const target of wanted) {
    const { pipelines, failures } = await compileFor(lab, target, configs);
    const shown = pipelines.filter(({ name }) => name.includes(values.only ?? ''));
    compiled.set(target, shown);
    console.log(`\n${target}: ${pipelines.length} pipelines\n`);
    if (!values.page) console.log(tableOf(target, shown));
    const found = [...failures, ...faultsOf(target, pipelines)];
    for (const fault of found) console.log(`FAULT ${target}: ${fault}`);
    faults += found.length;
  }
  if (values.page) console.log(`\n${pageTableOf(compiled)}`);
  console.log(faults === 0 ? '\nno faults' : `\n${faults} faults`);
  return faults === 0 ? 0 : 1;
}

process.exit(await main());
