import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { differences } from './compare.ts';

/** All differences between two folders of sweeps, apart from durations. */
export function sweepDifferences(folder: string, reference: string): string[] {
  const whole = ['sweep.json', 'runs.csv', 'sweep.html', 'preregistration.json'].filter((name) =>
    existsSync(join(reference, name)),
  );
  const changed = whole.filter(
    (name) =>
      !existsSync(join(folder, name)) ||
      !readFileSync(join(folder, name)).equals(readFileSync(join(reference, name))),
  );
  const runs = ['cells', 'passes'].flatMap((kind) =>
    [...new Set([folder, reference].flatMap((of) => readdirSync(join(of, kind))))].map(
      (name) => `${kind}/${name}`,
    ),
  );
  return [
    ...changed.map((name) => `${name} differs`),
    ...runs.flatMap((run) =>
      differences(join(folder, run), join(reference, run)).map((one) => `${run}/${one}`),
    ),
  ];
}
