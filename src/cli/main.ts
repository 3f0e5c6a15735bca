import { type ArgsDef, type CommandDef, parseArgs, renderUsage, runCommand } from 'citty';
import packageJson from '../../package.json' with { type: 'json' };
import type { AdapterChoice } from '../gpu/device.ts';
import { badInput, UsageError } from './arguments.ts';
import { system, type System } from './system.ts';
import { visibleLine } from './visible-text.ts';

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: unknown }>;
  /** The last positional may be repeated; `args._` holds all of its values. */
  readonly many?: true;
  /** Options that may be repeated; `rawArgs` holds all of their values. */
  readonly repeatable?: readonly string[];
}

/** Every command; a command is loaded when it is called. */
const entries: Readonly<Record<string, Entry>> = {
  base: {
    summary: 'pre-train the base model of an experiment',
    load: () => import('./base.ts'),
  },
  bench: {
    summary: "throughput of the engine's parts, against what the adapter can do",
    load: () => import('./bench.ts'),
  },
  bundle: {
    summary: 'a finished run as one file, for the page and other commands',
    load: () => import('./bundle.ts'),
  },
  check: {
    summary: 'the results of a run against those of a baseline: fails where they differ',
    load: () => import('./check.ts'),
  },
  doctor: {
    summary: 'adapters, features, limits and a self-test of each host',
    load: () => import('./doctor.ts'),
  },
  eval: {
    summary: 'pass@1 of a model on data sets, with intervals',
    load: () => import('./eval.ts'),
  },
  export: {
    summary: 'runs as CSV, for trackio, for TensorBoard or for UNIPO',
    load: () => import('./export.ts'),
    many: true,
  },
  fit: {
    summary: 'whether and how RL of a model fits a card, before anything is loaded',
    load: () => import('./fit.ts'),
  },
  generate: {
    summary: 'completions of a model directory',
    load: () => import('./generate.ts'),
  },
  grads: {
    summary: 'next-token loss of a model directory and its gradient',
    load: () => import('./grads.ts'),
  },
  inspect: {
    summary: 'what the models of a run answer, and say of each token',
    load: () => import('./inspect.ts'),
    repeatable: ['response'],
  },
  logits: {
    summary: 'logits of a model directory',
    load: () => import('./logits.ts'),
  },
  merge: {
    summary: 'a model directory with a LoRA adapter in it',
    load: () => import('./merge.ts'),
  },
  ppo: {
    summary: "reinforcement learning of a pretrained model on somebody's prompts",
    load: () => import('./ppo.ts'),
  },
  pull: {
    summary: 'a model of the hub in the cache: resumable, checked by hash',
    load: () => import('./pull.ts'),
  },
  recipes: {
    summary: "the recipes of the paper's table 1 as presets, each setting with its source",
    load: () => import('./recipes.ts'),
  },
  report: {
    summary: 'one self-contained page on a run, or several runs compared',
    load: () => import('./report.ts'),
    many: true,
  },
  reward: {
    summary: 'rule rewards of responses: of a file, or as an HTTP service',
    load: () => import('./reward.ts'),
    repeatable: ['end-token'],
  },
  run: {
    summary: 'one LIMR experiment: base, FULL, scores, selections, evaluation',
    load: () => import('./run.ts'),
  },
  sft: {
    summary: 'supervised fine-tuning of a model, or pre-training of a base',
    load: () => import('./sft.ts'),
  },
  score: {
    summary: "LIM scores of somebody's rollouts, or of a reward matrix",
    load: () => import('./score.ts'),
    many: true,
  },
  select: {
    summary: 'the subset of scored prompts that a method keeps',
    load: () => import('./select.ts'),
  },
  sweep: {
    summary: 'a grid of experiments that share FULL passes, killed anywhere and resumed',
    load: () => import('./sweep.ts'),
  },
};

/**
 * The `limr` command. Results go to stdout or to `--out`, everything for human eyes to stderr.
 *
 * @param argv The arguments after the program's name.
 * @returns The exit code: 0 done, 1 the run failed, 2 bad arguments or bad input.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const host = await system();
  const [name, ...rest] = argv;
  try {
    if (name === undefined) {
      await host.stderr(overview());
      return 2;
    }
    if (name === '--help' || name === '-h' || name === 'help') {
      await host.stdout(overview());
      return 0;
    }
    if (name === '--version') {
      await host.stdout(`${packageJson.version}\n`);
      return 0;
    }
    const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
    if (!entry) throw new UsageError(`unknown command '${name}'; see limr --help`);
    return await runEntry(host, name, entry, rest);
  } catch (error) {
    await host.stderr(`limr${name === undefined ? '' : ` ${name}`}: ${oneLine(error)}\n`);
    if (host.environment('LIMR_DEBUG') !== undefined && error instanceof Error) {
      await host.stderr(`${error.stack ?? ''}\n`);
    }
    return isBadInput(error) ? 2 : 1;
  }
}

async function runEntry(
  host: System,
  name: string,
  entry: Entry,
  rest: readonly string[],
): Promise<number> {
  const { command } = await entry.load();
  const definition = command as CommandDef;
  const declared = typeof definition.args === 'function' ? definition.args() : definition.args;
  const args = (await declared) ?? {};
  const options = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : rest.length);
  if (options.includes('--help') || options.includes('-h')) {
    const usage = await renderUsage(
      { ...definition, meta: { name, description: entry.summary } },
      { meta: { name: 'limr' } },
    );
    await host.stdout(`${plain(usage)}\n`);
    return 0;
  }
  checkArguments(args, rest, entry.many ?? false, entry.repeatable);
  const given = parseArgs([...rest], args) as { readonly host?: string; readonly adapter?: string };
  // Inside the page, `--host chromium` only names the host that already runs the command.
  if (given.host === 'chromium' && typeof document === 'undefined') {
    const { runInChromium } = await import('./chromium-host.ts');
    return runInChromium(host, [name, ...rest], given.adapter as AdapterChoice);
  }
  const { result } = await runCommand(definition, { rawArgs: [...rest] });
  return typeof result === 'number' ? result : 0;
}

/**
 * Refuses unknown options: citty's parser accepts any option and drops those that it does not know.
 *
 * @throws UsageError for an unknown or repeated option, a missing or empty value, or too many
 *   words.
 */
export function checkArguments(
  args: ArgsDef,
  argv: readonly string[],
  many: boolean,
  repeatable: readonly string[] = [],
): void {
  const byFlag = new Map<string, string>();
  for (const [name, { type, alias }] of Object.entries(args as Record<string, ArgShape>)) {
    if (type === 'positional') continue;
    const aliases = typeof alias === 'string' ? [alias] : (alias ?? []);
    for (const word of [name, ...aliases]) {
      byFlag.set(word.length === 1 ? `-${word}` : `--${word}`, name);
    }
  }
  const seen = new Set<string>();
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') {
      words.push(...argv.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      words.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const flag = equals < 0 ? word : word.slice(0, equals);
    const name = byFlag.get(flag);
    if (name === undefined) throw new UsageError(`unknown option '${flag}'`);
    if (seen.has(name) && !repeatable.includes(name))
      throw new UsageError(`${flag} is given twice`);
    seen.add(name);
    const option = args[name] as ArgShape | undefined;
    if (option?.type === 'boolean') {
      if (equals >= 0) throw new UsageError(`${flag} takes no value`);
      continue;
    }
    const value = equals < 0 ? argv[++i] : word.slice(equals + 1);
    if (value === undefined || (equals < 0 && value.startsWith('--'))) {
      throw new UsageError(`${flag} needs a value`);
    }
    // An unset shell variable gives an empty value. Only an option for free text may be empty.
    if (value.trim() === '' && option?.valueHint?.toLowerCase() !== 'text') {
      throw new UsageError(`${flag} needs a value, got an empty one`);
    }
  }
  if (words.some((word) => word.trim() === '')) throw new UsageError('an argument is empty');
  const places = Object.values(args).filter(({ type }) => type === 'positional').length;
  const extra = words[places];
  if (extra !== undefined && !many) throw new UsageError(`unexpected argument '${extra}'`);
}

interface ArgShape {
  readonly type?: string;
  readonly valueHint?: string;
  readonly alias?: string | readonly string[];
}

function overview(): string {
  const width = Math.max(0, ...Object.keys(entries).map((name) => name.length));
  const lines = Object.entries(entries).map(
    ([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`,
  );
  return [
    'limr: LIMR experiments and LIM scores on WebGPU',
    '',
    'usage: limr COMMAND [options]',
    '',
    ...lines,
    '',
    'limr COMMAND --help shows the options of one command. Commands that compute take',
    '--adapter auto|gpu|software and --host node|chromium.',
    '',
  ].join('\n');
}

function isBadInput(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // All of citty's own errors concern arguments.
  return badInput.has(error.name) || error.name === 'CLIError';
}

/** An error as one line without colours or control characters. */
function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  return visibleLine(plain(message));
}

const plain = (text: string): string => text.replace(/\u001b\[\d+m/g, '');
