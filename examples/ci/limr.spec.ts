import { expect, test } from 'limr-lab/playwright';

test('the experiment keeps its results', async ({ limr }) => {
  const run = await limr.run({ config: 'experiment.json', seeds: [1] });
  await expect(run).toMatchResults('baseline.chromium.json');
});
