import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf } from '../compare.ts';
import { experimentOf } from '../experiment.ts';
import type { Laboratory } from '../laboratory.ts';
import { eventStates } from '../states.ts';
import {
  clean,
  type Injection,
  type Kind,
  lastWords,
  malformed,
  unclean,
  unfired,
  type Verdict,
} from '../verdict.ts';

interface Product {
  readonly name: 'sft' | 'base';
  /** The path of the product, below the watched folder. */
  readonly out: (folder: string) => string;
  readonly command: (out: string) => string[];
  /** A command that must accept the whole product and refuse a part of it. */
  readonly reader?: (out: string) => string[];
}

async function products(laboratory: Laboratory): Promise<Product[]> {
  const { config } = await experimentOf(laboratory, 'smallest');
  const data = join(laboratory.folder, 'rows.jsonl');
  const row = (i: number) =>
    JSON.stringify({ prompt: `${i % 3}+${i % 2}=`, response: String(i % 3) });
  writeFileSync(data, `${Array.from({ length: 24 }, (_, i) => row(i)).join('\n')}\n`);
  const ids = join(laboratory.folder, 'ids.json');
  writeFileSync(ids, '{"input_ids": [[1, 2, 3]]}');
  const logits = join(laboratory.folder, 'logits.safetensors');
  return [
    {
      name: 'sft',
      out: (folder) => join(folder, 'model'),
      command: (out) => ['sft', config, '--data', data, '--out', out],
      reader: (out) => ['logits', out, '--ids', ids, '--out', logits],
    },
    {
      name: 'base',
      out: (folder) => join(folder, 'base.safetensors'),
      command: (out) => ['base', config, '--out', out],
    },
  ];
}

const sameFiles = (folder: string, reference: string): string | undefined => {
  const [own, want] = [filesOf(folder), filesOf(reference)];
  const odd = own.find((path) => !want.includes(path));
  if (odd !== undefined) return `${odd} is left over`;
  return want.find(
    (path) =>
      !own.includes(path) ||
      !readFileSync(join(folder, path)).equals(readFileSync(join(reference, path))),
  );
};

/**
 * After a kill, the product is whole or missing, no command accepts a part of it, and it can be
 * made again.
 */
async function again(
  laboratory: Laboratory,
  { out, command, reader }: Product,
  folder: string,
  reference: string,
): Promise<Verdict> {
  for (const path of filesOf(folder)) {
    if (/\.part(?:ial)?$/.test(path)) continue;
    const want = join(reference, path);
    if (existsSync(want) && !readFileSync(join(folder, path)).equals(readFileSync(want))) {
      return unclean('half a file under its own name', path);
    }
  }
  if (sameFiles(folder, reference) === undefined) return clean('whole');
  if (reader && existsSync(out(folder))) {
    const read = await laboratory.call(reader(out(folder)));
    const whole = filesOf(reference).every((path) => existsSync(join(folder, path)));
    const fault = whole ? undefined : malformed(read, [2]);
    if (fault !== undefined) return unclean('half a model is taken for one', fault);
  }
  const made = await laboratory.call(command(out(folder)));
  if (made.code === 0) {
    const odd = sameFiles(folder, reference);
    return odd === undefined ? clean('made again, equal') : unclean('made again, different', odd);
  }
  const fault = malformed(made, [2]);
  return fault === undefined
    ? clean('a part of it is said to be there')
    : unclean('cannot be made again', lastWords(made));
}

/** A product, and its reference from a command without faults. */
async function madeBy(
  laboratory: Laboratory,
  name: Product['name'],
): Promise<Product & { readonly reference: string }> {
  const product = (await products(laboratory)).find((one) => one.name === name);
  if (!product) throw new Error(`no product ${name}`);
  const reference = laboratory.make('product');
  const whole = await laboratory.call(product.command(product.out(reference)));
  if (whole.code !== 0) throw new Error(`limr ${name} fails: ${whole.stderr}`);
  return { ...product, reference };
}

const kindOf = (name: Product['name']): Kind => ({
  name: `kill-${name}`,
  summary: `kills at each file event of limr ${name}, real ones at some`,
  plan: async (laboratory) => {
    const product = await madeBy(laboratory, name);
    const { out, command, reference } = product;
    const watched = laboratory.path('watched');
    const { states, events } = await eventStates(laboratory, watched, command(out(watched)), () => {
      mkdirSync(watched, { recursive: true });
    });
    const injections = states.map((state): Injection => ({
      id: `kill-${name}/${state.label}`,
      inject: async () => {
        const folder = laboratory.make('state');
        state.write(folder);
        const verdict = await again(laboratory, product, folder, reference);
        laboratory.discard(folder);
        return verdict;
      },
    }));
    const real = Math.min(5, events);
    for (let i = 0; i < real; i++) {
      const at = 1 + Math.floor(((i + 0.5) * events) / real);
      injections.push({
        id: `kill-${name}/real/${at}`,
        inject: async () => {
          const folder = laboratory.make('killed');
          const killed = await laboratory.run(command(out(folder)), {
            orders: { files: { folder, mode: 'kill', at } },
          });
          if (killed.signal !== 'SIGKILL') return unfired(killed);
          const before = readdirSync(folder).length;
          const verdict = await again(laboratory, product, folder, reference);
          laboratory.discard(folder);
          return {
            ...verdict,
            how: `a real kill: ${before === 0 ? 'nothing begun, ' : ''}${verdict.how}`,
          };
        },
      });
    }
    return injections;
  },
});

export const killSft = kindOf('sft');
export const killBase = kindOf('base');

/** Number of submits between two moments of a device loss. */
const LOSS_EVERY = 10;

const lossesOf = (name: Product['name']): Kind => ({
  name: `device-${name}`,
  summary: `limr ${name} whose device is lost before every tenth submit`,
  plan: async (laboratory) => {
    const { out, command, reference } = await madeBy(laboratory, name);
    const counted = laboratory.make('counted');
    const { submits } = await laboratory.call(command(out(counted)), { device: { mode: 'count' } });
    laboratory.discard(counted);
    const places = Array.from(
      { length: Math.ceil(submits / LOSS_EVERY) },
      (_, i) => 1 + i * LOSS_EVERY,
    );
    return places.map((at): Injection => ({
      id: `device-${name}/${at}`,
      inject: async () => {
        const folder = laboratory.make('lost');
        const reply = await laboratory.call(command(out(folder)), { device: { mode: 'lose', at } });
        if (reply.fired === 0) return unfired(reply);
        if (reply.code !== 0) return unclean('does not heal', lastWords(reply));
        const odd = sameFiles(folder, reference);
        laboratory.discard(folder);
        return odd === undefined ? clean('healed, equal') : unclean('silently different', odd);
      },
    }));
  },
});

export const deviceSft = lossesOf('sft');
export const deviceBase = lossesOf('base');
