import { defineConfig } from 'playwright/test';

export default defineConfig({
  testMatch: 'limr.spec.ts',
  // A software adapter trains for minutes where a GPU takes seconds.
  timeout: 20 * 60_000,
  // Two experiments at once would share the processor, and a second try would hide a difference.
  workers: 1,
  retries: 0,
  reporter: [['list'], ['html', { open: 'never' }]],
});
