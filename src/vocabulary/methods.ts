/** Facts about a selection method that do not concern how it selects. `src/lim` has that. */
interface Method {
  /**
   * Code in the keys of random numbers. It never changes and is never reused for another method.
   */
  readonly code: number;
  readonly label: string;
  /** Place in tables and legends. */
  readonly place: number;
  /**
   * Whether the selection uses the rewards of a FULL pass. The cost of that pass is then part of
   * its cost.
   */
  readonly readsRewards: boolean;
}

/** Methods of choosing training prompts, in the order of commands and messages. */
const methods = {
  full: { code: 0, label: 'FULL', place: 0, readsRewards: false },
  lim: { code: 1, label: 'LIM', place: 1, readsRewards: true },
  linear: { code: 2, label: 'LINEAR', place: 3, readsRewards: true },
  rand: { code: 3, label: 'RAND', place: 2, readsRewards: false },
} as const satisfies Readonly<Record<string, Method>>;

export type MethodName = keyof typeof methods;

export const methodNames = Object.keys(methods) as MethodName[];

/** Method names in the order of tables and legends. */
export const methodsAsShown: readonly MethodName[] = [...methodNames].sort(
  (a, b) => methods[a].place - methods[b].place,
);

export const isMethodName = (name: string): name is MethodName => Object.hasOwn(methods, name);

export const methodCode = (name: MethodName): number => methods[name].code;

export const methodLabel = (name: MethodName): string => methods[name].label;

/** A record with the same value for every method. */
export const forEachMethod = <Value>(value: Value): Record<MethodName, Value> =>
  Object.fromEntries(methodNames.map((name) => [name, value])) as Record<MethodName, Value>;

/** Whether a method selects by the rewards of a FULL pass. */
export const readsRewards = (name: MethodName): boolean => methods[name].readsRewards;
