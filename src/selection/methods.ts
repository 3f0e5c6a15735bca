import { dapo } from './dapo.ts';
import { isSubsetFile, subsetFile, type SubsetFile } from './file.ts';
import { anti } from './anti.ts';
import { clean } from './clean.ts';
import { full } from './full.ts';
import { greso } from './greso.ts';
import { gvar } from './gvar.ts';
import { hvar } from './hvar.ts';
import { limDebiased } from './lim-debiased.ts';
import { limEarly1, limEarly2, limEarly3 } from './lim-early.ts';
import { lilo } from './lilo.ts';
import { lim } from './lim.ts';
import { linear } from './linear.ts';
import {
  isStatic,
  type LimSettings,
  type Need,
  type OnlineMethod,
  type SelectionMethod,
  type StaticMethod,
} from './method.ts';
import { near } from './near.ts';
import { onlineLim } from './online-lim.ts';
import { oracle } from './oracle.ts';
import { pass } from './pass.ts';
import { rand } from './rand.ts';
import { retire } from './retire.ts';
import { isTaughtFile, sft, taughtFile, type TaughtFile } from './sft.ts';
import { speed } from './speed.ts';
import { strat } from './strat.ts';

/** Every method that has a name of its own, in the order of tables, legends and messages. */
const methods = [
  full,
  lim,
  limDebiased,
  limEarly1,
  limEarly2,
  limEarly3,
  rand,
  clean,
  strat,
  oracle,
  anti,
  linear,
  hvar,
  gvar,
  near,
  pass,
  onlineLim,
  dapo,
  lilo,
  greso,
  retire,
  speed,
  sft,
] as const satisfies readonly SelectionMethod[];

type OwnName = (typeof methods)[number]['name'];

/**
 * The name of a method, or a prefix and the path of a file: `file:` for one that lists prompts, `sft:`
 * for one of rows to learn.
 */
export type MethodName = OwnName | SubsetFile | TaughtFile;

/** The methods that have a name of their own. */
export const methodNames: readonly OwnName[] = methods.map(({ name }) => name);

/** The names that a method may have, in words. */
export const methodForms = `${methodNames.join(', ')}, file:PATH or sft:PATH`;

const byName: ReadonlyMap<string, SelectionMethod> = new Map(
  methods.map((method) => [method.name, method]),
);

export const isMethodName = (name: unknown): name is MethodName =>
  typeof name === 'string' && (byName.has(name) || isSubsetFile(name) || isTaughtFile(name));

function ofFile(name: MethodName): SelectionMethod | undefined {
  if (isSubsetFile(name)) return subsetFile(name);
  return isTaughtFile(name) ? taughtFile(name) : undefined;
}

/** @throws RangeError if there is no such method. */
export function methodOf(name: MethodName): SelectionMethod {
  const found = byName.get(name) ?? ofFile(name);
  if (!found) throw new RangeError(`there is no method '${name}'`);
  return found;
}

/** The method of a name, if it chooses once, from the pool; undefined for FULL, which has all. */
export function selectionOf(name: MethodName): StaticMethod | undefined {
  const method = methodOf(name);
  return name !== 'full' && isStatic(method) ? method : undefined;
}

/** The method of a name, if it chooses its prompts while it trains; undefined for others. */
export function onlineOf(name: MethodName): OnlineMethod | undefined {
  const method = methodOf(name);
  return 'policy' in method ? method : undefined;
}

/** Whether a method learns rows that have responses, in place of sampling its own. */
export const isSupervised = (name: MethodName): boolean => 'learns' in methodOf(name);

export const methodCode = (name: MethodName): number => methodOf(name).code;

export const methodLabel = (name: MethodName): string => methodOf(name).label;

/** The prompts that a method takes, in words. */
export const methodTakes = (name: MethodName, settings: LimSettings): string =>
  methodOf(name).takes(settings);

/** A value for some methods. */
export type ByMethod<Value> = Readonly<Partial<Record<MethodName, Value>>>;

/** Methods with their values, in the record's order. */
export const methodEntries = <Value>(record: ByMethod<Value>): [MethodName, Value][] =>
  Object.entries(record) as [MethodName, Value][];

/** Names in the order of tables and legends: methods with files come last, as they are given. */
export function inTableOrder(names: Iterable<MethodName>): MethodName[] {
  const given = [...new Set(names)];
  const own = methodNames.filter((name) => given.includes(name));
  return [...own, ...given.filter(isSubsetFile), ...given.filter(isTaughtFile)];
}

/**
 * Whether a method is charged for the rewards of a FULL pass, from which it selects. Controls that
 * only imitate another selection are not.
 */
export function readsRewards(name: MethodName): boolean {
  const method = selectionOf(name);
  return (
    method !== undefined &&
    passShare(name, 1) > 0 &&
    method.needs.some((need) => passNeeds.has(need))
  );
}

/** What only a FULL pass can tell. */
const passNeeds: ReadonlySet<Need> = new Set(['scores', 'rewards', 'shares', 'counts']);

/**
 * The responses that a method's selection costs, as a share of those of the FULL pass; 0 for a
 * method that needs none.
 *
 * @param epochs Data epochs of the FULL pass.
 */
export function passShare(name: MethodName, epochs: number): number {
  const pass = { prompts: 1, epochs, samples: 1 };
  return methodOf(name).samples(pass) / epochs;
}
