// Where less is more, and where it is less: for each method its accuracy minus FULL's, over subsets and
// budgets.
import { methodLabel, type MethodName } from '../selection/methods.ts';
import {
  conditionText,
  differencesAtSamples,
  differencesOf,
  factorValue,
  poolOf,
  type Condition,
  type ReadSweep,
} from '../sweep/readings.ts';
import { markup, type Markup } from './markup.ts';
import { phaseMap, type MapCorner, type MapLook, type MapRow } from './sweep-figures.ts';

/** The factor that gives shares of the pool. */
const SHARE = 'lim.count';

/** Conditions that agree in all factors but some. */
export function groupsBut(
  conditions: readonly Condition[],
  factors: readonly string[],
): { readonly name: string; readonly conditions: readonly Condition[] }[] {
  const groups = new Map<string, Condition[]>();
  for (const condition of conditions) {
    const key = JSON.stringify(
      Object.entries(condition.factors).filter(([factor]) => !factors.includes(factor)),
    );
    groups.set(key, [...(groups.get(key) ?? []), condition]);
  }
  return [...groups.values()].map((members) => ({
    name: members[0] ? conditionText(members[0], factors) : '',
    conditions: members,
  }));
}

/** One phase diagram. */
export interface PhaseMap {
  readonly name: string;
  readonly corner: MapCorner;
  readonly rows: readonly MapRow[];
}

/**
 * With shares: a map of share × budget for each method; else one of method × budget.
 *
 * @param at Equal budgets, or equal total samples with those of the selections charged.
 */
export function phaseMaps(
  read: {
    readonly sweep: Pick<ReadSweep, 'grid'>;
    readonly conditions: readonly Condition[];
    readonly methods: readonly MethodName[];
  },
  at: 'budget' | 'samples',
): PhaseMap[] {
  const { sweep, conditions, methods } = read;
  const differences = (condition: Condition, method: MethodName) =>
    at === 'budget'
      ? differencesOf(condition, method, 'full')
      : differencesAtSamples(condition, method, 'full');
  const arms = methods.filter((method) => method !== 'full');
  const maps: PhaseMap[] =
    (sweep.grid.factors[SHARE]?.length ?? 0) > 1
      ? groupsBut(conditions, [SHARE]).flatMap((group) =>
          arms.map((method) => ({
            name: `${methodLabel(method)}, ${group.name}`,
            corner: 'subset' as const,
            rows: group.conditions.map((condition) => ({
              name: factorValue(SHARE, condition.factors[SHARE], poolOf(condition)),
              points: differences(condition, method),
            })),
          })),
        )
      : conditions.map((condition) => ({
          name: conditionText(condition),
          corner: 'method' as const,
          rows: arms.map((method) => ({
            name: methodLabel(method),
            points: differences(condition, method),
          })),
        }));
  return maps.filter(({ rows }) => rows.some(({ points }) => points.length > 0));
}

/** Phase diagrams side by side. @param how What is added to each name. */
export const drawnMaps = (maps: readonly PhaseMap[], how: string, look: MapLook): Markup =>
  markup`<div class="maps">
${maps.map(({ name, corner, rows }) => phaseMap(`${name}${how}`, corner, rows, look))}</div>
`;
