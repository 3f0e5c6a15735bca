// A process with little memory that reads the inputs it is sent. Anything that ends it is a
// finding.
import { badInput } from '../../../src/cli/arguments.ts';
import { chances } from '../moments.ts';
import { mutate } from './mutate.ts';
import { targetsOf } from './targets.ts';

export interface Batch {
  readonly target: string;
  readonly from: number;
  readonly to: number;
  readonly seed: number;
}

export type Message =
  | { readonly targets: readonly { readonly name: string; readonly weight: number }[] }
  | { readonly at: number }
  | { readonly fault: string; readonly at: number; readonly input: string }
  | { readonly done: true; readonly refused: number; readonly megabytes: number };

/** Most CPU time for one input. */
const MOST_MS = 5000;
/** Most characters of an error message. */
const MOST_MESSAGE = 4000;
/** Errors with a readable message; `WorkerError` comes from the readers' own threads. */
const typed = new Set([...badInput, 'WorkerError']);

const send = (message: Message): void => void process.send?.(message);

const untouched = JSON.stringify(prototypes());

function prototypes(): string[][] {
  return [Object, Array, String, Number, Function, Map, Promise, Uint8Array].map((one) =>
    Object.getOwnPropertyNames(one.prototype),
  );
}

const targets = await targetsOf(process.argv[2] ?? '');
send({ targets: targets.map(({ name, weight }) => ({ name, weight })) });

async function readBatch({ target: name, from, to, seed }: Batch): Promise<void> {
  const target = targets.find((one) => one.name === name);
  if (!target) throw new Error(`no target ${name}`);
  let refused = 0;
  for (let at = from; at < to; at++) {
    send({ at });
    const chance = chances(seed, `${name}/${at}`);
    const start = target.seeds[Math.floor(chance() * target.seeds.length)];
    const input = mutate(start, target.seeds, chance);
    const fault = (text: string): void => {
      send({ fault: text, at, input: Buffer.from(input.subarray(0, 200)).toString('base64') });
    };
    const begun = process.cpuUsage();
    try {
      await target.read(input);
    } catch (error) {
      refused++;
      const known = error instanceof Error && typed.has(error.name);
      if (!known) fault(error instanceof Error ? (error.stack ?? error.message) : String(error));
      else if (error.message.length > MOST_MESSAGE)
        fault(`a message of ${error.message.length} characters`);
    }
    const { user, system } = process.cpuUsage(begun);
    if ((user + system) / 1000 > MOST_MS) fault(`${Math.round((user + system) / 1e6)} s of CPU`);
    if (JSON.stringify(prototypes()) !== untouched || 'polluted' in {})
      fault('a prototype has changed');
  }
  send({ done: true, refused, megabytes: Math.round(process.memoryUsage().rss / 2 ** 20) });
}

process.on('message', (batch: Batch) => void readBatch(batch));
