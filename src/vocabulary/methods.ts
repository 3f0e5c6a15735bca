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
  /** The prompts that the method takes, in words that follow its label in a list of terms. */
  readonly takes: (settings: LimSettings) => string;
}

/** The settings of LIM that say how many prompts a method takes. */
export interface LimSettings {
  readonly count?: number | undefined;
  readonly linearShare: number;
}

/** Methods of choosing training prompts, in the order of commands and messages. */
const methods = {
  full: {
    ...{ code: 0, label: 'FULL', place: 0, readsRewards: false },
    takes: () => 'every prompt of the pool; its rewards are what LIM and LINEAR look at',
  },
  lim: {
    ...{ code: 1, label: 'LIM', place: 1, readsRewards: true },
    takes: ({ count }) =>
      count === undefined
        ? 'the prompts with a score from θ up'
        : `the ${count.toLocaleString('en-US')} prompts with the highest scores`,
  },
  linear: {
    ...{ code: 2, label: 'LINEAR', place: 3, readsRewards: true },
    takes: ({ linearShare }) =>
      `${Number((100 * linearShare).toFixed(1))} % as many, those whose rewards rise most steadily, or fewer where fewer rise. ` +
      'The paper names this baseline without a formula; taking R² of a straight line is our definition',
  },
  rand: {
    ...{ code: 3, label: 'RAND', place: 2, readsRewards: false },
    takes: () => 'as many prompts as LIM, drawn at random',
  },
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

/** The prompts that a method takes, in words. */
export const methodTakes = (name: MethodName, settings: LimSettings): string =>
  methods[name].takes(settings);

/** A record with the same value for every method. */
export const forEachMethod = <Value>(value: Value): Record<MethodName, Value> =>
  Object.fromEntries(methodNames.map((name) => [name, value])) as Record<MethodName, Value>;

/** Whether a method selects by the rewards of a FULL pass. */
export const readsRewards = (name: MethodName): boolean => methods[name].readsRewards;
