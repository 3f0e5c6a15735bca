import { defineConfig } from 'playwright/test';
import { chromiumArguments, findChromium } from './scripts/chromium.mjs';

// `npm test` says a port that nothing else listens to.
const port = Number(process.env['LIMR_PREVIEW_PORT'] ?? 4317);
const executablePath = findChromium();

// The built demo, as any static host would serve it; `npm test` builds it first.
export default defineConfig({
  outputDir: 'test-results',
  // A software adapter trains for minutes where a GPU takes seconds.
  timeout: 600_000,
  expect: { timeout: 60_000 },
  workers: 1,
  reporter: 'list',
  forbidOnly: true,
  projects: [
    { name: 'e2e', testDir: 'test/e2e', testMatch: '**/*.spec.ts' },
    // Every state in every language, colour and width, which takes as long as all other tests.
    { name: 'page', testDir: 'test/page', testMatch: '**/*.page.ts', timeout: 120_000 },
  ],
  use: {
    baseURL: `http://127.0.0.1:${port}/`,
    headless: true,
    // Every test loads the page from its server; offline.spec.ts alone has it kept.
    serviceWorkers: 'block',
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: chromiumArguments,
    },
  },
  webServer: {
    command: `node node_modules/vite/bin/vite.js preview --host 127.0.0.1 --port ${port} --strictPort`,
    url: `http://127.0.0.1:${port}/`,
    reuseExistingServer: false,
    stdout: 'ignore',
  },
});
