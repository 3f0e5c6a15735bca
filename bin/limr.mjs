#!/usr/bin/env node
// The `limr` command. In a checkout it first brings dist/ up to date with the sources.
import { existsSync } from 'node:fs';

/** @param {string} path Relative to this file. */
const beside = (path) => new URL(path, import.meta.url);

if (existsSync(beside('../src/cli/main.ts'))) {
  const { bringUpToDate } = await import('../scripts/fresh.mjs');
  try {
    await bringUpToDate();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`limr: the sources do not build: ${message}\n`);
    process.exit(1);
  }
}

/** @type {{ main: (argv: readonly string[]) => Promise<number> }} */
const { main } = await import(beside('../dist/src/cli/main.js').href);
const code = await main(process.argv.slice(2));
// Explicit: a live WebGPU object would keep Node from ending.
process.exit(code);
