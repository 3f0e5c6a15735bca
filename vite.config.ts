import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromiumArguments, findChromium } from './scripts/chromium.mjs';

const gpuTests = ['test/kernels/**/*.test.ts', 'test/integration/**/*.test.ts'];
// A software driver compiles each pipeline at its first dispatch, seconds where it is slow.
const gpuTimeouts = { testTimeout: 120_000, hookTimeout: 120_000 };
const executablePath = findChromium();
// The same files and settings under Deno: vitest runs there as it is.
const host = 'deno' in process.versions ? 'deno' : 'gpu';

export default defineConfig({
  server: { fs: { allow: ['.', '../shared'] } },
  test: {
    reporters: ['default', './test/run/tally-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          environment: 'node',
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: host,
          include: gpuTests,
          environment: 'node',
          // Forks, not threads: the Vulkan loader reads getenv, which a thread's env never reaches.
          pool: 'forks',
          fileParallelism: false,
          ...gpuTimeouts,
        },
      },
      {
        extends: true,
        // The Node host's driver: imported there by name, never in a page.
        optimizeDeps: { exclude: ['webgpu'], include: ['comlink'] },
        test: {
          name: 'chromium',
          include: gpuTests,
          fileParallelism: false,
          ...gpuTimeouts,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                ...(executablePath === undefined ? {} : { executablePath }),
                args: chromiumArguments,
              },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
