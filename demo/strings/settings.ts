// The words of the form of settings.
import { counted } from '../../src/look/wording.ts';
import { translated } from './translated.ts';

const english = {
  form: 'All settings of this run',
  search: 'Find a setting',
  nothing: 'No setting has these words.',
  chooseFirst: 'Once a model and prompts are chosen, every setting can be changed here.',
  jsonFirst: 'The JSON below cannot be read: mend it, and the form is back.',
  groups: {
    general: 'General',
    task: 'Task: prompts, keys and held-out tiers',
    model: 'Model',
    adapter: 'Adapters',
    base: 'Base: pre-training',
    rollout: 'Rollout: sampling of responses',
    ppo: 'PPO: from rewards to updates',
    lim: 'LIM: scores and the cut',
    online: 'Online methods',
    sft: 'Supervised fine-tuning',
    experiment: 'Experiment: methods and lengths',
    evaluation: 'Evaluation',
  } as Readonly<Record<string, string>>,
  fields: (count: number) => counted(count, 'setting'),
  changed: (count: number) => `${count} changed`,
  reset: 'Reset',
  resetField: (path: string) => `Reset ${path} to the preset`,
  presetValue: (value: string) => `Preset: ${value}.`,
  leftOut: 'left out',
  bounds: (least: string, most: string) => `Allowed: ${least} to ${most}.`,
  unread: { number: 'This is no number.', json: 'This is not JSON.' },
  presets: {
    quick: 'A first look: 160 prompts, five epochs, then LIM, RAND and LINEAR from the same base.',
    standard: 'One careful run: 1,280 prompts, six epochs, 40 updates of each selection.',
    study: 'The standard run on five fresh seeds: what a statement needs.',
    'standard-0.4m': 'The standard run with a model of four times as many weights.',
    'standard-1.6m': 'The standard run with sixteen times as many weights: for a GPU.',
    'standard-ood': 'The standard run with a held-out tier of longer problems than any that train.',
  } as Readonly<Record<string, string>>,
  quickTime: 'Less than a minute on the two cores that recorded it; a GPU is faster.',
  times: (times: string) => `About ${times} times the work of quick.`,
  badLink:
    'This link asks for something that is not allowed, for the reason above. Nothing was started.',
  useQuick: 'Use quick',
  edit: 'Edit the settings',
  tooLarge: (part: string) => `Too large for a tab: ${part}.`,
  fits: 'fits.',
  useFit: (value: number) => `Use ${value}`,
  inTerminal: 'As it is, it runs in a terminal:',
  copy: 'Copy the command',
  copied: 'Copied.',
};

export type SettingsText = typeof english;
export const settingsText = translated(english, {
  de: () => import('./de/settings.ts'),
  zh: () => import('./zh/settings.ts'),
});
