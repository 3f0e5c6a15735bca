// npm run record-lessons -- OUT: makes what the lessons of the page show and its recording does not hold.
// The run of `quick` is trained again and asked: for the tokens of two updates, and for the next token of
// some prompts. FULL is then trained three times more, with other coefficients of the KL penalty.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { shippedBases } from '../src/bases/shipped.ts';
import { configFrom, type ExperimentConfig } from '../src/config.ts';
import type { InspectedResponse } from '../src/inspection/calls.ts';
import { type CreditKind, creditKind } from '../src/lessons/recorded.ts';
import type { EventOf, ExperimentEvent } from '../src/results.ts';
import { connectTrainer, eventsOf } from '../src/workers/trainer.ts';
import type { StartedRun } from '../src/workers/protocol.ts';
import type { MethodName } from '../src/selection/methods.ts';
import { root } from './process.mjs';

const [out] = process.argv.slice(2);
if (out === undefined) {
  console.error('npm run record-lessons -- OUT');
  process.exit(2);
}

const SEED = 1;
/** The update whose tokens show the clip: about the middle of FULL, where the clip holds some back. */
const CLIP_UPDATE = 10;
/** The update whose responses show the credit: the critic has learned by then. */
const CREDIT_UPDATE = 20;
/** Responses of each kind that are kept for the credit. */
const EACH = 2;
/** Prompts whose next token is kept. */
const NEXT = 8;
/** Coefficients of the KL penalty, as multiples of the preset's. */
const multiples = [0, 1, 10];
/** In place of 0, where a run would not measure how far the policy moves. */
const NO_KL = 1e-12;
/** Updates of FULL in each of these runs, past the scoring pass. */
const KL_UPDATES = 100;
/** Updates between two evaluations of these runs. */
const KL_EVERY = 5;
const DIGITS = 5;

const short = (value: number | null): number | null =>
  value !== null && Number.isFinite(value) ? Number(value.toPrecision(DIGITS)) : null;

type Trainer = Awaited<ReturnType<typeof connectTrainer>>;

/** A run that is read while it goes. */
interface Running {
  readonly trainer: Trainer;
  readonly started: StartedRun;
  readonly events: ExperimentEvent[];
  /** Settles at the next event that is wanted. @throws Error if the run ends before. */
  readonly until: (wanted: (event: ExperimentEvent) => boolean) => Promise<void>;
  readonly ended: Promise<void>;
}

async function begin(config: ExperimentConfig, paused: boolean): Promise<Running> {
  const trainer = await connectTrainer();
  const bases = await shippedBases(config);
  const started = await trainer.api.start({
    config,
    seeds: [SEED],
    store: { kind: 'memory' },
    bases,
    paused,
  });
  const events: ExperimentEvent[] = [];
  let waiting: { wanted: (event: ExperimentEvent) => boolean; go: () => void }[] = [];
  const follow = async (): Promise<void> => {
    for await (const batch of eventsOf(trainer)) {
      for (const event of batch) {
        events.push(event);
        const due = waiting.filter(({ wanted }) => wanted(event));
        waiting = waiting.filter((one) => !due.includes(one));
        for (const { go } of due) go();
      }
    }
  };
  const ended = follow();
  const until: Running['until'] = (wanted) =>
    Promise.race([
      new Promise<void>((go) => waiting.push({ wanted, go })),
      ended.then(() => Promise.reject(new Error('the run ended before what was waited for'))),
    ]);
  return { trainer, started, events, until, ended };
}

const isUpdate = (event: ExperimentEvent, update: number, method: MethodName): boolean =>
  event.type === 'update' && event.method === method && event.update === update;

/** Steps a paused run to an update of FULL. */
async function stepTo(run: Running, update: number): Promise<void> {
  for (;;) {
    const last = run.events.findLast((event) => event.type === 'update')?.update ?? 0;
    if (last >= update) return;
    const next = run.until((event) => isUpdate(event, last + 1, 'full'));
    await run.trainer.api.step();
    await next;
  }
}

const poolOf = ({ events }: Running): EventOf<'pool'>['prompts'] => {
  const found = events.find((event) => event.type === 'pool');
  if (!found) throw new Error('the run told no pool');
  return found.prompts;
};

/** The responses of the last rollout, with the place of their prompt. */
async function lastRollout(
  run: Running,
): Promise<{ place: number; response: InspectedResponse }[]> {
  const { prompts } = await run.trainer.api.rollout({ prompts: 64 });
  return prompts.flatMap(({ place, responses }) =>
    responses.map((response) => ({ place, response })),
  );
}

const config = configFrom('quick', undefined, 'quick');
const run = await begin(config, true);
await stepTo(run, CLIP_UPDATE);
const clipTokens = (await lastRollout(run)).flatMap(({ response }) =>
  response.tokens.map(({ text, ratio, advantage, clipped }) => [
    text,
    short(ratio),
    short(advantage),
    Number(clipped),
  ]),
);
await stepTo(run, CREDIT_UPDATE);
const pool = poolOf(run);
const kinds = new Map<CreditKind, { place: number; response: InspectedResponse }[]>();
for (const one of await lastRollout(run)) {
  const { verdict } = one.response;
  if (!verdict) continue;
  const kind = creditKind(verdict, pool[one.place]?.wrongKey === true);
  const kept = kinds.get(kind) ?? [];
  // The longest tell most, and one prompt is enough of each kind.
  if (kept.every(({ place }) => place !== one.place)) kept.push(one);
  kinds.set(kind, kept);
}
const credit = (['right', 'slip', 'malformed', 'wrong-key'] as const).flatMap((kind) =>
  (kinds.get(kind) ?? [])
    .sort((a, b) => b.response.tokens.length - a.response.tokens.length || a.place - b.place)
    .slice(0, EACH)
    .map(({ place, response }) => ({
      kind,
      place,
      reward: response.verdict?.reward,
      tokens: response.tokens.map(({ text, value, reward, advantage }) => [
        text,
        short(value),
        short(reward),
        short(advantage),
      ]),
    })),
);
const done = run.until((event) => event.type === 'done');
await run.trainer.api.resume();
await done;

/** The next token of each prompt of the pool, by the base; those whose choice is most open. */
const asked: { readonly place: number; readonly entropy: number }[] = [];
for (const [place, { wrongKey }] of pool.entries()) {
  if (wrongKey) continue;
  const { next } = await run.trainer.api.generate({
    prompt: { place },
    weights: 'base',
    samples: 0,
    temperature: 1,
    topP: 1,
  });
  const entropy = next.tokens.reduce(
    (sum, { plain }) => (plain > 0 ? sum - plain * Math.log(plain) : sum),
    0,
  );
  asked.push({ place, entropy });
}
asked.sort((a, b) => b.entropy - a.entropy || a.place - b.place);
// From the most open to the most certain, evenly.
const chosen = Array.from(
  { length: NEXT },
  (_, i) => asked[Math.round((i * (asked.length - 1)) / (NEXT - 1))]?.place ?? 0,
);
const next = [];
for (const place of chosen) {
  for (const weights of ['base', 'full'] as const) {
    const { next: found } = await run.trainer.api.generate({
      prompt: { place },
      weights,
      samples: 0,
      temperature: 1,
      topP: 1,
    });
    next.push({
      place,
      weights,
      tokens: found.tokens.map(({ text, plain }) => [text, short(plain)]),
      rest: short(found.rest.plain),
    });
  }
}
const { adapter, host } = run.started;
await run.ended;
await run.trainer.close();

const kl = [];
for (const multiple of multiples) {
  const klCoef = multiple === 0 ? NO_KL : multiple * config.ppo.klCoef;
  const changed = configFrom(
    'quick',
    {
      ppo: { klCoef },
      experiment: {
        methods: ['full'],
        fullLength: KL_UPDATES,
        readouts: Array.from({ length: KL_UPDATES / KL_EVERY }, (_, i) => (i + 1) * KL_EVERY),
        tableReadout: KL_UPDATES,
      },
    },
    'lesson',
  );
  const one = await begin(changed, false);
  await one.ended;
  const state = one.events.findLast((event) => event.type === 'state');
  if (state?.state !== 'done') throw new Error(`KL × ${multiple}: ended as ${state?.state}`);
  kl.push({
    multiple,
    klCoef,
    updates: one.events.flatMap((event) =>
      event.type === 'update'
        ? [
            [
              short(event.metrics['kl_mean'] ?? NaN),
              short(event.metrics['reward_mean'] ?? NaN),
              short(event.metrics['entropy'] ?? NaN),
            ],
          ]
        : [],
    ),
    accuracy: one.events.flatMap((event) =>
      event.type === 'evaluation' && event.method === 'full'
        ? [[event.update, short(event.mean)]]
        : [],
    ),
    base: short(one.events.find((event) => event.type === 'evaluation')?.mean ?? NaN),
  });
  await one.trainer.close();
  console.error(`KL × ${multiple}: done`);
}

const text = `${JSON.stringify({
  schema: 1,
  adapter,
  host,
  date: new Date().toISOString().slice(0, 10),
  commit: execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], {
    cwd: root,
    encoding: 'utf8',
  }).trim(),
  preset: 'quick',
  seed: SEED,
  prompts: Object.fromEntries(
    [...new Set([...credit, ...next].map(({ place }) => place))].map((place) => [
      place,
      { text: pool[place]?.text, key: pool[place]?.key, truth: pool[place]?.truth },
    ]),
  ),
  clip: { update: CLIP_UPDATE, clip: config.ppo.clipLow, tokens: clipTokens },
  credit: {
    update: CREDIT_UPDATE,
    gamma: config.ppo.gamma,
    gaeLambda: config.ppo.gaeLambda,
    responses: credit,
  },
  next,
  kl,
})}\n`;
writeFileSync(out, text);
console.error(`${out}: ${text.length} bytes, ${gzipSync(text, { level: 9 }).length} gzipped`);
