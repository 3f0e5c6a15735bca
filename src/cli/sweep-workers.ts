import { parseJsonLine } from '../formats/json.ts';
import type { MemberNews } from './sweep-member.ts';

/** Processes that work on one sweep. */
export interface SweepWorkers {
  /** Asks all of them to end behind a checkpoint. */
  stop(): void;
  /** Resolves when all have ended: with the reasons of those that failed as a whole. */
  readonly ended: Promise<string[]>;
}

/**
 * Starts this command again, `count` times, as members of a sweep. Each ends behind a checkpoint when
 * its standard input ends: on `stop`, and when this process is killed.
 *
 * @param argv The arguments of a member, behind the name of the command.
 * @param tell Receives the news of all members.
 */
export async function startWorkers(
  count: number,
  argv: readonly string[],
  tell: (news: MemberNews) => void,
): Promise<SweepWorkers> {
  const { spawn } = await import('node:child_process');
  const { createInterface } = await import('node:readline');
  const script = process.argv[1];
  if (script === undefined) throw new Error('--workers needs a script that can be run again');
  const options =
    'Deno' in globalThis
      ? ['run', '--allow-all', '--no-lock', '--node-modules-dir=manual', script]
      : [...process.execArgv, script];
  const children = Array.from({ length: count }, () =>
    spawn(process.execPath, [...options, 'sweep', ...argv, '--member'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  const ends = children.map(
    (child, i) =>
      new Promise<string | undefined>((resolve) => {
        child.stdin.on('error', () => undefined); // it has ended, which is told below
        createInterface({ input: child.stdout }).on('line', (line) => {
          tell(parseJsonLine(line, `worker ${i + 1}`) as MemberNews);
        });
        child.once('error', (error) => {
          resolve(`worker ${i + 1} cannot be started: ${error.message}`);
        });
        child.once('close', (code, signal) => {
          resolve(code === 0 ? undefined : `worker ${i + 1} ended by ${signal ?? `code ${code}`}`);
        });
      }),
  );
  return {
    stop() {
      for (const child of children) child.stdin.end();
    },
    ended: Promise.all(ends).then((reasons) => reasons.flatMap((reason) => reason ?? [])),
  };
}

/** Calls back when the parent of this member asks for its end, or has ended itself. */
export function onParentEnd(listener: () => void): void {
  process.stdin.on('end', listener).on('close', listener).resume();
}
