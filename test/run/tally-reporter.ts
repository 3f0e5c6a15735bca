// Writes what vitest counted to the file in LIMR_TALLY, for scripts/test.mjs to add up. Unlike
// vitest's own JSON reporter it keeps the reason that a test gave for skipping itself.
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export interface Tally {
  passed: number;
  failed: number;
  skipped: { name: string; reason: string }[];
  /** `file > suite > test` of everything collected, however it ended. */
  names: string[];
  /** `file > suite > test: why` of each failed test. */
  failures: string[];
  /** Files that could not be collected and errors outside any test, each counted as one failure. */
  errors: string[];
}

export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tally: Tally = { passed: 0, failed: 0, skipped: [], names: [], failures: [], errors: [] };
    for (const module of modules) {
      for (const error of module.errors()) {
        tally.errors.push(`${module.relativeModuleId}: ${error.message}`);
      }
      for (const suite of module.children.allSuites()) {
        for (const error of suite.errors())
          tally.errors.push(`${suite.fullName}: ${error.message}`);
      }
      for (const test of module.children.allTests()) {
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        const result = test.result();
        tally.names.push(name);
        if (result.state === 'passed') tally.passed++;
        else if (result.state === 'skipped') {
          tally.skipped.push({ name, reason: result.note ?? '' });
        } else {
          tally.failed++;
          tally.failures.push(`${name}: ${result.errors?.[0]?.message ?? 'not run to its end'}`);
        }
      }
    }
    tally.errors.push(...unhandled.map((error) => error.message));
    tally.failed += tally.errors.length;
    const path = process.env['LIMR_TALLY'];
    if (path) writeFileSync(path, JSON.stringify(tally));
  }
}
