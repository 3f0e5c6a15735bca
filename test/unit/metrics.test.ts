import { expect, test } from 'vitest';
import { metric, metrics, type MetricKey } from '../../src/metrics.ts';

test('every metric has its own key and says what it means', () => {
  expect(new Set(metrics.map(({ key }) => key)).size).toBe(metrics.length);
  expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
  for (const { key, meaning } of metrics) {
    expect(key).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(meaning.length).toBeGreaterThan(10);
  }
});

test('a metric is found by its key and an unknown one refused', () => {
  expect(metric('kl_mean').unit).toBe('nats per token');
  expect(() => metric('loss' as MetricKey)).toThrow("'loss' is not logged");
});
