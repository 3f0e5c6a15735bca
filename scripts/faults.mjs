// npm run faults: injects faults into real runs; each run must end cleanly, with equal results.
import { bringUpToDate } from './fresh.mjs';
import { readArguments } from './process.mjs';
import { register } from 'node:module';

const help = `npm run faults [-- options]

  --only KIND,KIND  these kinds alone
  --seed N          of places, moments and inputs; default 1
  --runs N          at most so many injections of each kind; default all
  --cases N         inputs of the fuzzer; default 10000
  --case ID         those alone whose names begin so; NOT lines tell them
  --list            the kinds
  --verbose         a line for every injection

Runs a small experiment over and over on this machine's adapter, while something is done to it. Exit
code 1 where an injection ended otherwise than clean and equal to the run that nothing befell.
`;

/** @typedef {{ name: string, summary: string }} Kind */
/**
 * @typedef {{
 *   kinds: readonly Kind[],
 *   main: (wanted: object, print: (line: string) => void) => Promise<number>,
 * }} Faults
 */

const { values } = readArguments('npm run faults', {
  options: {
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1000000' },
    cases: { type: 'string', default: '10000' },
    case: { type: 'string' },
    list: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** @param {string} line */
const print = (line) => {
  process.stdout.write(`${line}\n`);
};

async function main() {
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  register('./ts-loader.mjs', import.meta.url);
  /** @type {Faults} */
  const faults = await import(new URL('../test/faults/main.ts', import.meta.url).href);
  if (values.list) {
    for (const { name, summary } of faults.kinds) print(`${name.padEnd(14)}${summary}`);
    return 0;
  }
  const only = values.only?.split(',');
  const unknown = only?.find((name) => !faults.kinds.some((kind) => kind.name === name));
  const numbers = /** @type {const} */ (['seed', 'runs', 'cases']);
  const odd = numbers.find((name) => !/^\d{1,9}$/.test(values[name]));
  if (unknown !== undefined || odd !== undefined) {
    const why = odd === undefined ? `no kind '${unknown ?? ''}'` : `--${odd} is no whole number`;
    process.stderr.write(`npm run faults: ${why}\n`);
    return 2;
  }
  await bringUpToDate();
  const failed = await faults.main(
    {
      seed: Number(values.seed),
      runs: Number(values.runs),
      cases: Number(values.cases),
      verbose: values.verbose,
      ...(only ? { only } : {}),
      // The name of a case contains its kind.
      ...(values.case === undefined
        ? {}
        : { case: values.case, only: only ?? [values.case.split('/')[0]] }),
    },
    print,
  );
  return failed === 0 ? 0 : 1;
}

process.exit(await main());
