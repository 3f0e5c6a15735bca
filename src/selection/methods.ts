import { full } from './full.ts';
import { lim } from './lim.ts';
import { linear } from './linear.ts';
import type { LimSettings, SelectionMethod } from './method.ts';
import { rand } from './rand.ts';

/** Every selection method, in the order of tables, legends and messages. */
const methods = [full, lim, rand, linear] as const satisfies readonly SelectionMethod[];

export type MethodName = (typeof methods)[number]['name'];

export const methodNames: readonly MethodName[] = methods.map(({ name }) => name);

/** A record with one value for every method. */
const byMethod = <Value>(of: (method: SelectionMethod) => Value): Record<MethodName, Value> =>
  Object.fromEntries(methods.map((method) => [method.name, of(method)])) as Record<
    MethodName,
    Value
  >;

/** Selection methods by name. */
export const selectionMethods: Readonly<Record<MethodName, SelectionMethod>> = byMethod(
  (method) => method,
);

export const isMethodName = (name: string): name is MethodName =>
  Object.hasOwn(selectionMethods, name);

export const methodCode = (name: MethodName): number => selectionMethods[name].code;

export const methodLabel = (name: MethodName): string => selectionMethods[name].label;

/** The prompts that a method takes, in words. */
export const methodTakes = (name: MethodName, settings: LimSettings): string =>
  selectionMethods[name].takes(settings);

/** A record with the same value for every method. */
export const forEachMethod = <Value>(value: Value): Record<MethodName, Value> =>
  byMethod(() => value);

/**
 * Whether a method selects by the rewards of a FULL pass. The cost of that pass is then part of its
 * cost.
 */
export const readsRewards = (name: MethodName): boolean =>
  selectionMethods[name].needs.some((need) => need !== 'keys');
