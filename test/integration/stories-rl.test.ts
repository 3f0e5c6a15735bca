// `examples/stories-rl` as its README has it, but for the command around it.
import { expect, test } from 'vitest';
import settings from '../../examples/stories-rl/config.json' with { type: 'json' };
import contains from '../../examples/stories-rl/contains.js';
import prompts from '../../examples/stories-rl/prompts.jsonl?raw';
import { configFrom } from '../../src/config.ts';
import { bytesSource } from '../../src/formats/byte-source.ts';
import { Experiment } from '../../src/scheduler/experiment.ts';
import { openGivenInputs } from '../../src/scheduler/given-inputs.ts';
import { RunControl } from '../../src/scheduler/run-control.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { packVerdicts } from '../../src/tasks/verification.ts';
import { inNodeAlone } from '../support/host.ts';
import { openTestGpu } from '../support/gpu.ts';
import { assetBytes } from '../support/model-fixture.ts';

const stories = {
  ...import.meta.glob<string>('../../../shared/models/stories260K/*.json', {
    query: '?raw',
    import: 'default',
  }),
  ...import.meta.glob<string>('../../../shared/models/stories260K/*.safetensors', {
    query: '?inline',
    import: 'default',
  }),
};
const random = {
  ...import.meta.glob<string>('../fixtures/models/qwen2-tied/*.json', {
    query: '?raw',
    import: 'default',
  }),
  ...import.meta.glob<string>('../fixtures/models/qwen2-tied/model.safetensors', {
    query: '?inline',
    import: 'default',
  }),
};

/** A rule that a model of random weights can reach: the share of one letter. */
const letters: typeof contains = (_prompt, _answer, response) => {
  const share = response.split('e').length - 1;
  const reward = share / Math.max(1, response.length);
  return { reward, correct: share > 0, formatted: true, extracted: null };
};

/** Three, which is no chance. */
const SEEDS = [1, 2, 3];
test('the mean reward rises from the first quarter to the last, on every seed', async ({
  skip,
}) => {
  inNodeAlone(skip);
  const atHand = Object.keys(stories).length > 0;
  const rule = atHand ? contains : letters;
  // The example goes on until nearly every response has its word. Random weights learn more slowly.
  const epochs = 4;
  const faster = atHand ? 1 : 10;
  const { actor } = settings.ppo;
  const files = new Map<string, Uint8Array>();
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  for (const [key, load] of Object.entries(atHand ? stories : random)) {
    const content = await load();
    const name = key.split('/').at(-1)!;
    const isText = name.endsWith('.json');
    files.set(`model/${name}`, isText ? encode(content) : await assetBytes(content));
  }
  files.set('prompts.jsonl', encode(prompts));
  files.set('contains.js', encode('as imported above'));
  const config = configFrom(
    'pretrained',
    {
      ...settings,
      model: { kind: 'folder', path: 'model' },
      // The other model's tokens are shorter.
      task: { ...settings.task, maxPromptTokens: atHand ? settings.task.maxPromptTokens : 48 },
      ppo: {
        ...settings.ppo,
        actor: { ...actor, learningRate: faster * actor.learningRate },
      },
      experiment: { epochs },
    },
    'config.json',
  );
  const { resources, given } = await openGivenInputs(config, {
    open: (path) => {
      const bytes = files.get(path);
      return Promise.resolve(bytes && bytesSource(path, bytes));
    },
  });
  const rewards = new Map<number, number[]>(SEEDS.map((seed) => [seed, []]));
  const experiment = await Experiment.open(
    {
      gpu: await openTestGpu(),
      hostName: 'test',
      store: new MemoryStore(),
      resources,
      given,
      verify: ({ prompts: given, keys, promptOf, responses }) =>
        Promise.resolve({
          ...packVerdicts(
            responses.map((said, i) => rule(given[promptOf[i]], keys[promptOf[i]], said)),
          ),
          extracted: responses.map(() => null),
          failures: [],
        }),
      shippedBase: () => Promise.resolve(undefined),
      emit: (event) => {
        if (event.type === 'update') rewards.get(event.seed)!.push(event.metrics.reward_mean);
      },
    },
    config,
    SEEDS,
  );
  await experiment.run(new RunControl());
  const mean = (some: readonly number[]): number =>
    some.reduce((sum, one) => sum + one, 0) / some.length;
  for (const [seed, all] of rewards) {
    expect(all.length, `updates of seed ${seed}`).toBe(2 * epochs);
    const quarter = all.length / 4;
    const [first, last] = [mean(all.slice(0, quarter)), mean(all.slice(-quarter))];
    expect(last, `seed ${seed}: the first quarter had ${first}`).toBeGreaterThan(first);
  }
});
