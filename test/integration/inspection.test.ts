import { describe, expect, test } from 'vitest';
import { type ExperimentConfig, parseConfig } from '../../src/config.ts';
import { Bundle, bundleOf } from '../../src/bundle/bundle.ts';
import { bundleParts } from '../../src/bundle/run-bundle.ts';
import { bytesSource } from '../../src/formats/byte-source.ts';
import { piecesOf, wholeOf } from '../../src/formats/file-content.ts';
import { float32Entry, readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type {
  Attention,
  AttentionCall,
  GenerateCall,
  Generated,
  InspectCall,
  Inspected,
  LastRollout,
} from '../../src/inspection/calls.ts';
import { initialParameters } from '../../src/model/parameters.ts';
import type { ExperimentEvent } from '../../src/results.ts';
import { Asking } from '../../src/scheduler/asking.ts';
import { modelConfigOf } from '../../src/scheduler/base.ts';
import { Experiment } from '../../src/scheduler/experiment.ts';
import { readKeptWeights } from '../../src/scheduler/kept-weights.ts';
import { RunControl, RunEndedError } from '../../src/scheduler/run-control.ts';
import { MemoryStore, type RunStore } from '../../src/scheduler/run-store.ts';
import { openTask } from '../../src/tasks/registry.ts';
import { heldStore } from '../../src/workers/held-store.ts';
import { type DecoderShape, hiddenStates, logitsOf, Tape, valueOf } from '../reference/decoder.ts';
import { gaeReference } from '../reference/gae.ts';
import { klReference } from '../reference/kl.ts';
import { policyLossReference } from '../reference/policy-loss.ts';
import { noFilter, samplingDistributionReference } from '../reference/sampling-distribution.ts';
import { tokenLogprobReference } from '../reference/token-logprob.ts';
import { tokenRewardsReference } from '../reference/token-rewards.ts';
import { openTestGpu } from '../support/gpu.ts';
import { byFirstToken, smallConfig } from '../support/ppo-rig.ts';

/** Four updates on the full pool, two on each of two selections; every prompt scores. */
const config = smallConfig({ lim: { signal: 'reward', theta: -1e6 } });
const SEED = 3;

interface Visit {
  /** The update after which the run is asked. */
  readonly after: number;
  readonly ask: (experiment: Experiment) => Promise<void>;
}

/** A whole run that is asked between its iterations. */
async function runOf(
  gpu: Gpu,
  visits: readonly Visit[] = [],
  chosen: ExperimentConfig = config,
  keepWeights = true,
) {
  const store = new MemoryStore();
  const control = new RunControl();
  const events: ExperimentEvent[] = [];
  const asked: Promise<void>[] = [];
  let updates = 0;
  const model = modelConfigOf(chosen, await openTask(chosen.task));
  const experiment = await Experiment.open(
    {
      gpu,
      hostName: 'test',
      store,
      verify: byFirstToken,
      keepWeights,
      shippedBase: () => Promise.resolve(initialParameters(model, 5, 0.3)),
      emit: (event) => {
        events.push(event);
        if (event.type !== 'update') return;
        updates++;
        for (const { after, ask } of visits) {
          if (after === updates) asked.push(control.visit(() => ask(experiment)));
        }
      },
    },
    chosen,
    [SEED],
  );
  const results = await experiment.run(control);
  if (results) control.finish();
  await Promise.all(asked);
  return { store, events, control, results };
}

/** What is asked in these tests, of a run that is over. */
async function idle(gpu: Gpu, store: RunStore, chosen: ExperimentConfig = config) {
  const task = await openTask(chosen.task);
  const model = modelConfigOf(chosen, task);
  const seeds = [SEED];
  const place = { config: chosen, model, seed: SEED, seeds };
  const base = await readKeptWeights(store, { ...place, of: 'base' });
  if (!base) throw new Error('the run kept no base');
  const asking = new Asking({
    ...{ gpu, config: chosen, model, task, seeds, store, base: base.actor, verify: byFirstToken },
  });
  const weights = async (of: 'base' | 'full' | 'lim') =>
    (await readKeptWeights(store, { ...place, of }))!;
  return {
    task,
    model,
    weights,
    generate: (call: GenerateCall) => asking.generate(call, { seed: SEED }),
    inspect: (call: InspectCall) => asking.inspect(call, { seed: SEED }),
    attend: (call: AttentionCall) => asking.attend(call, { seed: SEED }),
    close: () => asking.destroy(),
  };
}

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const timed = /("(?:tokens_per_second|\w+_ms|seconds)": ?)[-+.e\d]+/g;

/** Tensors and metadata as text: what a checkpoint's metadata says of time is left out. */
function takenApart(name: string, bytes: Uint8Array): string {
  const { tensors, metadata } = readSafetensors(bytes, name);
  return [
    ...[...tensors].map(([tensor, { bytes: own }]) => `${tensor}: ${Array.from(own).join()}`),
    ...[...metadata].map(([key, value]) => `${key}: ${value.replace(timed, '$10')}`),
  ].join('\n');
}

/** All files but the pointers, whose digests are over times, as text without times. */
const filesOf = (store: MemoryStore): [string, string][] =>
  [...store.files]
    .filter(([name]) => !name.endsWith('latest.json') && !name.endsWith('previous.json'))
    .map(([name, bytes]): [string, string] => [
      name,
      name.endsWith('.safetensors') ? takenApart(name, bytes) : text(bytes).replace(timed, '$10'),
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));

let whole: ReturnType<typeof runOf> | undefined;
/** A run that nobody asks while it goes. */
const wholeRun = async () => (whole ??= runOf(await openTestGpu()));

const prompt = { place: 2 } as const;

describe('a run that is asked between its iterations', () => {
  test('goes on with the same bits, and leaves the same files', async () => {
    const gpu = await openTestGpu();
    const { store } = await wholeRun();
    const answers: (Generated | Inspected | Attention)[] = [];
    const generate =
      (weights: GenerateCall['weights']): Visit['ask'] =>
      async (experiment) => {
        answers.push(await experiment.generate({ prompt, weights, samples: 3, seed: 9 }));
      };
    const asked = await runOf(gpu, [
      { after: 1, ask: generate('now') },
      { after: 1, ask: generate('base') },
      {
        after: 2,
        ask: async (experiment) => {
          const [{ ids }] = (await experiment.generate({ prompt, weights: 'now', samples: 1 }))
            .responses;
          answers.push(await experiment.inspect({ prompt, weights: 'now', responses: [ids] }));
          answers.push(await experiment.attend({ prompt, weights: 'now', response: ids }));
        },
      },
      { after: 5, ask: generate('full') },
      { after: 6, ask: generate('now') },
    ]);
    expect(answers).toHaveLength(6);
    expect(filesOf(asked.store)).toEqual(filesOf(store));
    // Behind the last update of LIM the next iteration is RAND's first.
    const training = { method: 'rand', update: 0 };
    expect(answers[5].by).toEqual({ weights: 'now', runSeed: SEED, training });
  });

  test('refuses what it cannot answer, and goes on', async () => {
    const gpu = await openTestGpu();
    const refused: string[] = [];
    const refuse =
      (call: Partial<GenerateCall & InspectCall>): Visit['ask'] =>
      async (experiment) => {
        const whole = { prompt, weights: 'now', samples: 1, ...call } as const;
        const asked = call.responses
          ? experiment.inspect({ ...whole, responses: call.responses })
          : experiment.generate(whole);
        const error = await asked.then(
          () => new Error('was answered'),
          (why: unknown) => why as Error,
        );
        refused.push(`${error.name}: ${error.message}`);
      };
    const { results } = await runOf(gpu, [
      { after: 2, ask: refuse({ weights: 'full' }) },
      { after: 2, ask: refuse({ weights: 'rand' }) },
      { after: 2, ask: refuse({ weights: 'linear' }) },
      { after: 2, ask: refuse({ runSeed: 4 }) },
      { after: 2, ask: refuse({ samples: 65 }) },
      { after: 2, ask: refuse({ temperature: NaN }) },
      { after: 2, ask: refuse({ prompt: { place: 8 } }) },
      { after: 2, ask: refuse({ prompt: { text: '1+\u202e1' } }) },
      { after: 2, ask: refuse({ prompt: { text: '1+9=' } }) },
      { after: 2, ask: refuse({ responses: [[0, 99]] }) },
      { after: 2, ask: refuse({ responses: ['x'] }) },
      { after: 2, ask: refuse({ responses: [] }) },
      { after: 2, ask: refuse({ responses: [new Array<number>(99).fill(1)] }) },
      { after: 2, ask: refuse({ weights: 'base', responses: 'last-rollout' }) },
    ]);
    expect(results).toBeDefined();
    expect(refused.map((line) => line.replace(/^InspectionError: /, ''))).toEqual([
      'weights: full of seed 3 is being trained: ask for now',
      'weights: rand of seed 3 has none in the folder of the run',
      'weights: linear is none of full, lim, rand, whose weights this run has',
      'runSeed: 4 is none of 3',
      'samples: must be a whole number in [0, 64], is 65',
      'temperature: must be a number in [0, 100], is NaN',
      'prompt.place: must be a whole number in [0, 7], is 8',
      expect.stringContaining('is not 2 to 3 digits'),
      'prompt.text: the digit 9 is not below 3',
      'responses[0]: token 1 must be an id below 19',
      expect.stringContaining("responses[0]: tokenizer: 'x' is not one of"),
      'responses: must be a whole number in [1, 64], is 0',
      expect.stringMatching(/^responses\[0\]: must be 1 to \d+ tokens, is 99$/),
      'weights: the last rollout is of the policy as it stands: now',
    ]);
  });

  test('gives the numbers of the last rollout, and what the update made of them', async () => {
    const gpu = await openTestGpu();
    const found: { used: Inspected; now: Inspected }[] = [];
    let base: Inspected | undefined;
    let told: LastRollout | undefined;
    const places: number[] = [];
    const { events } = await runOf(gpu, [
      {
        after: 1,
        ask: async (experiment) => {
          for (let place = 0; place < 8; place++) {
            const asked = { prompt: { place }, weights: 'now' } as const;
            const used = await experiment
              .inspect({ ...asked, responses: 'last-rollout' })
              .catch((error: unknown) => error as Error);
            if (used instanceof Error) {
              expect(used.message).toContain('had no response to prompt');
              continue;
            }
            const responses = used.responses.map(({ tokens }) => tokens.map(({ id }) => id));
            const now = await experiment.inspect({ ...asked, responses });
            base ??= await experiment.inspect({ ...asked, weights: 'base', responses });
            found.push({ used, now });
            places.push(place);
          }
          await expect(experiment.rollout({ prompts: 65 })).rejects.toThrow(
            'prompts: must be a whole number in [1, 64], is 65',
          );
          told = await experiment.rollout({ prompts: 3 });
        },
      },
    ]);
    // Of several prompts at once it tells the same.
    const { prompts, ...rest } = told!;
    expect(rest).toEqual({ by: found[0].used.by, of: 4 });
    expect(prompts).toHaveLength(3);
    for (const { place, prompt: asked, responses } of prompts) {
      const one = found.find(({ used }) => used.prompt.text === asked.text)!;
      expect(place).toBe(places[found.indexOf(one)]);
      expect(responses).toEqual(
        one.used.responses.map(({ tokens, ...response }) => ({
          ...response,
          tokens: tokens.map((token) => ({ ...token, alternatives: [] })),
        })),
      );
    }
    // Four prompts of four responses.
    expect(found.map(({ used }) => used.responses.length)).toEqual([4, 4, 4, 4]);
    const [{ metrics }] = events.flatMap((event) => (event.type === 'update' ? [event] : []));
    const responses = found.flatMap(({ used }) => used.responses);
    const mean = (values: readonly number[]) =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const kls = responses.map(({ tokens }) => mean(tokens.map(({ kl }) => kl)));
    expect(mean(kls)).toBeCloseTo(metrics.kl_mean, 6);
    expect(mean(responses.map(({ verdict }) => verdict!.reward))).toBeCloseTo(
      metrics.reward_mean,
      6,
    );
    expect(mean(responses.map(({ tokens }) => tokens.length))).toBe(metrics.response_length_mean);
    // Whitened over the rollout.
    const tokens = responses.flatMap((response) => response.tokens);
    const advantages = tokens.map(({ advantage }) => advantage!);
    expect(mean(advantages)).toBeCloseTo(0, 5);
    expect(mean(advantages.map((value) => value ** 2))).toBeCloseTo(1, 1);
    // Before the first update the policy is the base.
    const before = base!.responses.flatMap((response) => response.tokens);
    for (const [i, { logprob, entropy }] of before.entries()) {
      expect(tokens[i].logprob).toBeCloseTo(logprob, 5);
      expect(tokens[i].entropy).toBeCloseTo(entropy, 5);
    }
    // The ratio is of the policy behind the update, and the clip decides as the loss defines it.
    const after = found.flatMap(({ now }) => now.responses.flatMap((response) => response.tokens));
    let moved = 0;
    for (const [i, token] of tokens.entries()) {
      const want = policyLossReference(
        after[i].logprob,
        token.logprob,
        0,
        token.advantage!,
        config.ppo,
      );
      expect(token.ratio).toBeCloseTo(want.ratio, 4);
      if (Math.abs(want.ratio - 1) > config.ppo.clipHigh + 1e-3)
        expect(token.clipped).toBe(want.decided);
      moved = Math.max(moved, Math.abs(want.ratio - 1));
    }
    expect(moved).toBeGreaterThan(1e-3);
  });

  test('answers while it is paused, and no more once it has ended', async () => {
    const control = new RunControl();
    control.pause();
    const loop = control.untilMayContinue();
    expect(await control.visit(() => Promise.resolve(7))).toBe(7);
    await expect(control.visit(() => Promise.reject(new Error('its own')))).rejects.toThrow(
      'its own',
    );
    expect(control.state).toBe('paused');
    control.stop();
    expect(await loop).toBe(false);
    const late = control.visit(() => Promise.resolve(8));
    control.stopped();
    await expect(late).rejects.toBeInstanceOf(RunEndedError);
    await expect(control.visit(() => Promise.resolve(9))).rejects.toBeInstanceOf(RunEndedError);
  });
});

describe('a run that is over', () => {
  const shape = ({ model }: { model: ReturnType<typeof modelConfigOf> }): DecoderShape => ({
    width: model.hiddenSize,
    layers: model.layers,
    heads: model.heads,
    kvHeads: model.kvHeads,
    headDim: model.headDim,
    epsilon: model.rmsNormEps,
    theta: model.ropeTheta,
  });

  async function parameters(asked: Awaited<ReturnType<typeof idle>>, of: 'base' | 'full' | 'lim') {
    const { actor, critic } = await asked.weights(of);
    const named = initialParameters(asked.model, 1, 1);
    const read = async (from: typeof actor, extra: readonly string[] = []) => {
      const values = new Map<string, ReturnType<typeof valueOf>>();
      for (const name of [...named.keys(), ...extra]) {
        const data = await from.read(name).catch(() => undefined);
        if (!data) continue;
        const columns = name.endsWith('norm.weight') || name.endsWith('layernorm.weight') ? 1 : 0;
        const width = columns === 1 ? data.length : widthOf(asked, name);
        values.set(name, valueOf(data.length / width, width, data));
      }
      return values;
    };
    return { actor: await read(actor), critic: critic && (await read(critic, ['score.weight'])) };
  }

  const widthOf = ({ model }: Awaited<ReturnType<typeof idle>>, name: string): number => {
    if (name.includes('down_proj')) return model.intermediateSize;
    if (name.includes('o_proj')) return model.heads * model.headDim;
    return model.hiddenSize;
  };

  test('has the numbers of every token as float64 computes them from its files', async () => {
    const gpu = await openTestGpu();
    const { store } = await wholeRun();
    const asked = await idle(gpu, store);
    const { task } = asked;
    const { responses: drawn } = await asked.generate({ prompt, weights: 'full', samples: 4 });
    const inspected = await asked.inspect({
      prompt,
      weights: 'full',
      responses: drawn.map(({ ids }) => ids),
    });
    const [full, base] = [await parameters(asked, 'full'), await parameters(asked, 'base')];
    const [encoded] = await task.text.encode([task.pool(SEED)[prompt.place].text]);
    const ids = [...encoded];
    const { ppo, rollout } = config;
    expect(inspected.responses).toHaveLength(4);
    for (const [i, response] of inspected.responses.entries()) {
      const own = response.tokens.map(({ id }) => id);
      const all = [...ids, ...own.slice(0, -1)];
      const of = (network: typeof full.actor, temperature = rollout.logprobTemperature) => {
        const logits = logitsOf(new Tape(), network, shape(asked), all);
        const from = (ids.length - 1) * logits.columns;
        return tokenLogprobReference(logits.data.slice(from), own, temperature);
      };
      const [policy, reference] = [of(full.actor), of(base.actor)];
      const hidden = hiddenStates(new Tape(), full.critic!, shape(asked), all);
      const score = full.critic!.get('score.weight')!;
      const values = new Tape().linear(hidden, score).data.slice(ids.length - 1);
      const { rewards } = tokenRewardsReference(
        [
          {
            old: [...policy.logprobs],
            ref: [...reference.logprobs],
            reward: response.verdict!.reward,
          },
        ],
        { estimator: ppo.klEstimator, coef: ppo.klCoef },
      );
      const { advantages, returns } = gaeReference(rewards, [...values], ppo.gamma, ppo.gaeLambda);
      for (const [t, token] of response.tokens.entries()) {
        const close = (name: string, got: number | null, want: number) =>
          expect(
            Math.abs(got! - want),
            `${name} of token ${t} of ${i}: ${got} for ${want}`,
          ).toBeLessThan(2e-5);
        close('logprob', token.logprob, policy.logprobs[t]);
        close('baseLogprob', token.baseLogprob, reference.logprobs[t]);
        close('entropy', token.entropy, policy.entropy[t]);
        const d = policy.logprobs[t] - reference.logprobs[t];
        close('kl', token.kl, klReference(ppo.klEstimator, d));
        close('value', token.value, values[t]);
        close('reward', token.reward, rewards[t]);
        close('advantage', token.advantage, advantages[t]);
        close('return', token.return, returns[t]);
        expect(token.ratio).toBeNull();
        const [first, second] = token.alternatives;
        expect(token.alternatives).toHaveLength(5);
        expect(first.probability).toBeGreaterThanOrEqual(second.probability);
        const same = token.alternatives.find(({ id }) => id === token.id);
        if (same) close('alternative', same.probability, Math.exp(policy.logprobs[t]));
      }
      const plain = of(full.actor, 1).logprobs;
      expect(drawn[i].probabilities).toHaveLength(own.length);
      drawn[i].probabilities.forEach((probability, t) => {
        expect(Math.abs(Math.log(probability) - plain[t])).toBeLessThan(2e-5);
      });
      expect(drawn[i].tokens.join('')).toBe(drawn[i].text);
    }
    asked.close();
  });

  test('attends as float64 computes it from its files, layer by layer', async () => {
    const gpu = await openTestGpu();
    const { store } = await wholeRun();
    const asked = await idle(gpu, store);
    const { task, model } = asked;
    const [{ ids }] = (await asked.generate({ prompt, weights: 'full', samples: 1 })).responses;
    const [encoded] = await task.text.encode([task.pool(SEED)[prompt.place].text]);
    const all = [...encoded, ...ids.slice(0, -1)];
    const { actor } = await parameters(asked, 'full');
    const tape = new Tape();
    const shares: (readonly Float64Array[])[] = [];
    tape.attended = (layer) => shares.push(layer);
    hiddenStates(tape, actor, shape(asked), all);
    expect(shares).toHaveLength(model.layers);
    for (const [layer, heads] of shares.entries()) {
      const got = await asked.attend({ prompt, weights: 'full', response: ids, layer });
      expect(got).toMatchObject({ layer, layers: model.layers, heads: model.heads });
      expect(got.promptTokens).toBe(encoded.length);
      expect(got.seen).toHaveLength(all.length);
      expect(got.tokens).toHaveLength(ids.length);
      expect(got.weights).toHaveLength(heads.length * ids.length * all.length);
      for (const [head, rows] of heads.entries()) {
        for (const [t] of ids.entries()) {
          for (const [j] of all.entries()) {
            const want = rows[(encoded.length - 1 + t) * all.length + j];
            const found = got.weights[(head * ids.length + t) * all.length + j];
            expect(Math.abs(found - want), `${layer} ${head} ${t} ${j}`).toBeLessThan(1e-5);
          }
        }
      }
    }
    const last = await asked.attend({ prompt, weights: 'full', response: ids });
    expect(last.layer).toBe(model.layers - 1);
    const refused = (call: Partial<AttentionCall>) =>
      expect(asked.attend({ prompt, weights: 'full', response: ids, ...call })).rejects;
    await refused({ layer: model.layers }).toThrow(
      `layer: must be a whole number in [0, ${model.layers - 1}]`,
    );
    await refused({ response: [] }).toThrow(/^response: must be 1 to \d+ tokens, is 0/);
    await refused({ response: [1e6] }).toThrow('response: token 0 must be an id below');
    await refused({ prompt: { place: 1e6 } }).toThrow('prompt.place');
    asked.close();
  });

  test('gives the distribution of the next token as float64 filters it', async () => {
    const gpu = await openTestGpu();
    const { store } = await wholeRun();
    const asked = await idle(gpu, store);
    const { actor } = await parameters(asked, 'full');
    const { task } = asked;
    const [encoded] = await task.text.encode([task.pool(SEED)[prompt.place].text]);
    const ids = [...encoded];
    const logits = logitsOf(new Tape(), actor, shape(asked), ids);
    const last = logits.data.slice((ids.length - 1) * logits.columns);
    for (const [temperature, topP] of [
      [1, 1],
      [0.5, 0.8],
      [0, 1],
    ]) {
      const call = { prompt, weights: 'full', samples: 0, temperature, topP } as const;
      const { next, responses } = await asked.generate(call);
      expect(responses).toEqual([]);
      const want = samplingDistributionReference(last, { ...noFilter, temperature, topP });
      const plain = samplingDistributionReference(last, noFilter);
      // A small vocabulary is named whole.
      expect(next.tokens).toHaveLength(last.length);
      expect(next.rest).toEqual({ plain: 0, probability: 0 });
      for (const token of next.tokens) {
        expect(token.plain).toBeCloseTo(plain[token.id], 5);
        expect(token.probability).toBeCloseTo(want[token.id], 5);
      }
      const order = next.tokens.map((token) => token.plain);
      expect(order).toEqual([...order].sort((a, b) => b - a));
    }
    asked.close();
  });

  test('draws by the seed alone, in streams of its own, and greedily what is most probable', async () => {
    const gpu = await openTestGpu();
    const { store } = await wholeRun();
    const asked = await idle(gpu, store);
    const call = { prompt, weights: 'lim', samples: 8, seed: 5 } as const;
    const first = await asked.generate(call);
    const base = await asked.generate({ ...call, weights: 'base' });
    expect(await asked.generate(call)).toEqual(first);
    expect(base.next).not.toEqual(first.next);
    expect(await asked.generate({ ...call, seed: 6 })).not.toEqual(first);
    expect(first.responses.every(({ verdict }) => verdict !== undefined)).toBe(true);
    const greedy = await asked.generate({ ...call, samples: 2, temperature: 0, maxTokens: 1 });
    for (const { ids } of greedy.responses) expect(ids).toEqual([greedy.next.tokens[0].id]);
    asked.close();
  });

  test('takes a typed prompt as the task means it, with its key or one of its own', async () => {
    const gpu = await openTestGpu();
    const { store } = await wholeRun();
    const asked = await idle(gpu, store);
    const ask = async (text: string, key?: string) => {
      const typed = key === undefined ? { text } : { text, key };
      return (await asked.generate({ prompt: typed, weights: 'base', samples: 0 })).prompt;
    };
    expect(await ask(' 1 + 2 * 2 ')).toEqual({ text: '1+2*2=', key: '0' });
    expect(await ask('1+1=')).toEqual({ text: '1+1__=', key: '2' });
    expect(await ask('1+1', '0')).toEqual({ text: '1+1__=', key: '0' });
    asked.close();
  });

  test('keeps no weights where its config says so, and its files do not change otherwise', async () => {
    const gpu = await openTestGpu();
    const { store } = await wholeRun();
    const without = await runOf(gpu, [], config, false);
    const isWeight = (name: string): boolean => name.startsWith('model');
    const names = [...store.files.keys()];
    const folders = new Set(names.filter(isWeight).map((name) => name.split('/')[0]));
    expect([...folders].sort()).toEqual(['model', 'model-base', 'model-lim', 'model-rand']);
    expect(filesOf(without.store)).toEqual(filesOf(store).filter(([name]) => !isWeight(name)));
    const told = smallConfig({
      lim: config.lim,
      experiment: { ...config.experiment, keepWeights: false },
    });
    const { store: none } = await runOf(gpu, [], told);
    expect([...none.files.keys()].filter(isWeight)).toEqual([]);
  });

  test('refuses weights of another shape, naming the file', async () => {
    const gpu = await openTestGpu();
    const { store } = await wholeRun();
    const other = new MemoryStore();
    for (const [name, bytes] of store.files) other.files.set(name, bytes);
    const asked = await idle(gpu, other);
    const [small, large] = ['model-lim/model.safetensors', 'model-lim/critic.safetensors'];
    other.files.set(small, store.files.get('rewards.safetensors')!);
    await expect(asked.generate({ prompt, weights: 'lim', samples: 0 })).rejects.toThrow(
      "model-lim: no tensor 'model.layers.0.input_layernorm.weight'",
    );
    other.files.set(small, store.files.get(small)!);
    const critic = readSafetensors(store.files.get(large)!, large).tensors;
    const [head] = [...critic.values()].filter(({ name }) => name === 'score.weight');
    const without = [...critic.values()].filter((entry) => entry !== head);
    for (const [bytes, message] of [
      [new Uint8Array(10_000_000), `${large}: header does not start with '{'`],
      [writeSafetensors(without), `${large}: no tensor 'score.weight'`],
      [
        writeSafetensors([...without, float32Entry('score.weight', [1, 1], new Float32Array(1))]),
        `${large}: tensor 'score.weight' must be (1, ${head.shape[1]}), is (1, 1)`,
      ],
      [
        writeSafetensors([...critic.values(), float32Entry('x', [1], new Float32Array(1))]),
        `${large}: tensor 'x' is no part of the value function`,
      ],
      [
        writeSafetensors([
          ...without,
          float32Entry('score.weight', head.shape, new Float32Array(head.shape[1]).fill(NaN)),
        ]),
        `${large}: tensor 'score.weight' holds NaN`,
      ],
    ] as const) {
      other.files.set(large, bytes);
      await expect(asked.generate({ prompt, weights: 'lim', samples: 0 })).rejects.toThrow(message);
    }
    // Nothing of it stays: the same model answers from its own file, and others did all along.
    other.files.set(large, store.files.get(large)!);
    expect((await asked.generate({ prompt, weights: 'lim', samples: 0 })).next.rest.plain).toBe(0);
    asked.close();
  });

  test('answers from its bundle as from its folder, token by token', async () => {
    const gpu = await openTestGpu();
    const { store, results } = await wholeRun();
    const files = { list: (folder: string) => store.list(folder), pieces: piecesIn(store) };
    const parts = await bundleParts({ results: results! }, files, { weights: true });
    const whole = await wholeOf(bundleOf(parts));
    const bundle = await Bundle.open(bytesSource('run.limr', whole));
    const held = new Map(bundle.paths.map((path) => [path, blobOf(bundle.read(path)!)]));
    const [folder, opened] = [await idle(gpu, store), await idle(gpu, heldStore(held))];
    for (const weights of ['base', 'lim', 'full'] as const) {
      const call = { prompt, weights, samples: 4, seed: 8 } as const;
      const drawn = await opened.generate(call);
      expect(drawn).toEqual(await folder.generate(call));
      const responses = drawn.responses.map(({ ids }) => ids);
      const inspected = await opened.inspect({ prompt, weights, responses });
      expect(inspected).toEqual(await folder.inspect({ prompt, weights, responses }));
      const [{ tokens }] = inspected.responses;
      expect(tokens.every(({ value }) => (value !== null) === (weights !== 'base'))).toBe(true);
    }

    // A file that is not what its header says, and numbers that nothing computes with.
    const [model, cut] = ['model-lim/model.safetensors', store.files.get('model/config.json')!];
    const { tensors } = readSafetensors(store.files.get(model)!, model);
    const poisoned = [...tensors.values()].map(({ name, shape, bytes }) =>
      name === 'model.norm.weight'
        ? float32Entry(name, shape, new Float32Array(bytes.length / 4).fill(Infinity))
        : { name, dtype: 'F32' as const, shape, bytes },
    );
    for (const [bytes, message] of [
      [cut, `${model}: header length`],
      [store.files.get(model)!.slice(0, -4), model],
      [writeSafetensors(poisoned), "model-lim: tensor 'model.norm.weight' holds Infinity"],
    ] as const) {
      held.set(model, blobOf(bytes));
      const asks = opened.generate({ prompt, weights: 'lim', samples: 0 });
      await expect(asks).rejects.toMatchObject({
        name: 'SafetensorsError',
        message: expect.stringContaining(message) as string,
      });
    }
    expect(await opened.generate({ prompt, weights: 'full', samples: 1 })).toEqual(
      await folder.generate({ prompt, weights: 'full', samples: 1 }),
    );
    await expect(heldStore(held).write(model, cut)).rejects.toThrow('can only be read');
    for (const one of [folder, opened]) one.close();
  });

  test('keeps the adapters of a drawn model, with their value function', async () => {
    const gpu = await openTestGpu();
    const adapter = { rank: 4, alpha: 8, targets: ['q', 'v'] as const };
    const adapted = parseConfig({ ...config, adapter }, 'adapted');
    const { store } = await runOf(gpu, [], adapted);
    const asked = await idle(gpu, store, adapted);
    const call = { prompt, weights: 'full', samples: 2, seed: 1 } as const;
    const { responses } = await asked.generate(call);
    const ids = responses.map((one) => one.ids);
    const tokens = (await asked.inspect({ ...call, responses: ids })).responses[0].tokens;
    expect(tokens.some(({ logprob, baseLogprob }) => logprob !== baseLogprob)).toBe(true);
    expect(tokens.every(({ value }) => Number.isFinite(value))).toBe(true);
    asked.close();
  });
});

const blobOf = (bytes: Uint8Array): Blob => new Blob([bytes as Uint8Array<ArrayBuffer>]);

const piecesIn = (store: MemoryStore) => (path: string) => piecesOf(store.files.get(path)!);
