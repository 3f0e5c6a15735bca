// A process that runs one experiment after another until it is told to end, and reports the
// resources that it holds.
import { readdirSync } from 'node:fs';
import { counters, order, slot } from './control.ts';

export interface Held {
  readonly rss: number;
  readonly heap: number;
  readonly buffers: number;
  readonly bufferKibibytes: number;
  readonly handles: number;
}

export interface SoakMessage {
  readonly held?: Held;
  readonly ended?: { readonly out: string; readonly code: number };
}

const send = (message: SoakMessage): void => void process.send?.(message);

/**
 * The number of open files, pipes and sockets, if the system tells; otherwise of the resources that
 * keep Node alive.
 */
function handles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return process.getActiveResourcesInfo().length;
  }
}

interface Command {
  readonly main: (argv: readonly string[]) => Promise<number>;
}
const [, , command = '', config = '', folder = ''] = process.argv;
const { main } = (await import(command)) as Command;
let ending = false;
process.on('message', () => {
  ending = true;
  process.kill(process.pid, 'SIGINT');
});
order({ device: { mode: 'watch' } });
setInterval(() => {
  const { rss, heapUsed } = process.memoryUsage();
  send({
    held: {
      rss,
      heap: heapUsed,
      buffers: counters[slot.buffers] ?? 0,
      bufferKibibytes: counters[slot.kibibytes] ?? 0,
      handles: handles(),
    },
  });
}, 1000);
for (let run = 1; !ending; run++) {
  const out = `${folder}/run-${run}`;
  const code = await main(['run', config, '--seed', '1', '--out', out]);
  // A closed device takes its remaining buffers with it.
  Atomics.store(counters, slot.buffers, 0);
  Atomics.store(counters, slot.kibibytes, 0);
  send({ ended: { out, code } });
}
process.exit(0);
