import type { BanditConfig } from '../../src/tasks/bandit.ts';

export const banditDefaults: BanditConfig = {
  name: 'bandit',
  prompts: 8,
  arms: 4,
  reward: 'match',
};
