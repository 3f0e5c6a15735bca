import type { BooleanArgDef, EnumArgDef, StringArgDef } from 'citty';
import type { WeightDType } from '../model/model-directory.ts';
import { type BaseStorage, baseStorages } from '../vocabulary/storages.ts';

/**
 * Unusable arguments; the message is one line that names the option. The command exits with code 2.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Names of the errors that blame the input or the arguments: exit code 2. All other errors mean
 * that the run failed. Names instead of classes, because an error loses its class at a worker
 * boundary.
 */
export const badInput: ReadonlySet<string> = new Set([
  'UsageError',
  'ImportError',
  'FormatError',
  'ConfigError',
  'CheckpointError',
  'SafetensorsError',
  'SelectionError',
  'InspectionError',
  'MemoryError',
  'PathError',
  'ModelIdError',
]);

/** Options that every computing command shares; each command spreads them into its `args`. */
export const commonArgs = {
  adapter: {
    type: 'enum',
    options: ['auto', 'gpu', 'software'],
    default: 'auto',
    description: 'WebGPU adapter to use',
  } satisfies EnumArgDef,
  host: {
    type: 'enum',
    options: ['node', 'chromium'],
    default: 'node',
    description: 'where to compute: this process, or headless Chromium through Playwright',
  } satisfies EnumArgDef,
  json: {
    type: 'boolean',
    description: 'print the result as JSON on stdout',
  } satisfies BooleanArgDef,
} as const;

/** How a command that trains nothing stores the model's weights. */
export const weightsArg = {
  type: 'enum',
  options: [...baseStorages],
  default: 'f32',
  description:
    'storage of matrices on the device: f16 rounds, and takes half the memory; int8 takes 9 bits of ' +
    '32 and int4 takes 5 (the vocabulary then 9)',
} satisfies EnumArgDef & { options: BaseStorage[] };

/** Storage types of weights in files, by the words of `--dtype`. */
export const dtypes = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const satisfies Record<
  string,
  WeightDType
>;

/** `--dtype` of a command that writes a model. */
export const dtypeArg = {
  type: 'enum',
  options: Object.keys(dtypes) as (keyof typeof dtypes)[],
  default: 'f32' as const,
  description: 'storage of the weights that are written',
} satisfies EnumArgDef;

/** `--out` with its own description. */
export const outArg = (description: string) =>
  ({ type: 'string', valueHint: 'path', description }) satisfies StringArgDef;

interface NumberRange {
  readonly min?: number;
  readonly max?: number;
  readonly integer?: boolean;
}

/**
 * An option's text as a number.
 *
 * @throws UsageError naming the option unless it is a finite decimal number in range.
 */
export function numberOption(name: string, text: string, range: NumberRange = {}): number {
  const { min = -Infinity, max = Infinity, integer = false } = range;
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  if (Number.isFinite(value) && value >= min && value <= max) {
    if (!integer || Number.isSafeInteger(value)) return value;
  }
  const kind = integer ? 'a whole number' : 'a number';
  const bounds = [
    ...(min > -Infinity ? [`at least ${min}`] : []),
    ...(max < Infinity ? [`at most ${max}`] : []),
  ].join(' and ');
  throw new UsageError(`--${name} must be ${kind}${bounds && ` ${bounds}`}, got '${text}'`);
}

/** As `numberOption`; undefined when the option was not given. */
export const optionalNumber = (
  name: string,
  text: string | undefined,
  range: NumberRange = {},
): number | undefined => (text === undefined ? undefined : numberOption(name, text, range));

/** Every value of a repeatable option, in the order given. */
export function repeatedOption(name: string, argv: readonly string[]): string[] {
  const flag = `--${name}`;
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  return argv.slice(0, end).flatMap((word, i) => {
    if (word === flag) return argv[i + 1] ?? [];
    return word.startsWith(`${flag}=`) ? word.slice(flag.length + 1) : [];
  });
}

const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/**
 * An option's text as a number of bytes: plain, or with a unit as in `4GiB` and `512MiB`.
 *
 * @throws UsageError naming the option.
 */
export function bytesOption(name: string, text: string): number {
  const [, number = '', unit = ''] = /^(\d+\.?\d*|\.\d+)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = Object.hasOwn(byteUnits, unit.toLowerCase())
    ? (byteUnits[unit.toLowerCase()] ?? NaN)
    : NaN;
  const bytes = number === '' ? NaN : Math.floor(Number(number) * factor);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new UsageError(
    `--${name} must be bytes, such as 4000000000, 4GiB or 512MiB, got '${text.slice(0, 40)}'`,
  );
}
