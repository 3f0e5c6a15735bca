// The scalars that every iteration logs: names, meanings and units.
import { metrics, type Metric, type MetricKey } from '../../src/index.ts';
import { translated } from './translated.ts';

/** What a reader is told of a scalar. */
export type MetricText = Pick<Metric, 'name' | 'meaning'>;
type Unit = Exclude<(typeof metrics)[number]['unit'], ''>;

const units = [...new Set(metrics.map(({ unit }) => unit))].filter((unit) => unit !== '');

const english = {
  metrics: Object.fromEntries(
    metrics.map(({ key, name, meaning }) => [
      key,
      { name, meaning: meaning.replaceAll(/(?<=^|\s)-(?=[\d\s])/g, '−') },
    ]),
  ) as Record<MetricKey, MetricText>,
  units: Object.fromEntries(units.map((unit) => [unit, unit])) as Record<Unit, string>,
};

export type MetricsText = typeof english;

export const metricsText = translated(english, {
  de: () => import('./de/metrics.ts'),
  zh: () => import('./zh/metrics.ts'),
});
