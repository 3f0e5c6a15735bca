// Texts of an answer token by token.
import { percent } from './numbers.ts';
import { translated } from './translated.ts';

interface ChannelText {
  readonly name: string;
  /** As it stands within a sentence. */
  readonly within: string;
  readonly meaning: string;
}

const english = {
  none: 'This answer has no tokens.',
  closeName: 'Close the tokens',
  close: 'close',
  answer: 'Answer',
  colourBy: 'Colour by',
  nats: 'nats',
  channels: {
    logprob: {
      name: 'Log-probability',
      within: 'log-probability',
      meaning: 'how sure the model was of the token; 0 is certain',
    },
    kl: {
      name: 'KL',
      within: 'KL',
      meaning: 'estimate of how far the model has moved from the base here',
    },
    entropy: {
      name: 'Entropy',
      within: 'entropy',
      meaning: 'how open the choice was; 0 is none',
    },
    value: {
      name: 'Value',
      within: 'value',
      meaning: 'the reward that the critic expects before the token',
    },
    reward: {
      name: 'Reward',
      within: 'reward',
      meaning: 'what the token itself is paid; the verdict is paid at the last one',
    },
    advantage: {
      name: 'Advantage',
      within: 'advantage',
      meaning: 'better or worse than expected: which way the update pushes',
    },
    ratio: {
      name: 'Ratio',
      within: 'ratio',
      meaning: 'probability after the update over that before; 1 is unmoved',
    },
  } as Record<
    'logprob' | 'kl' | 'entropy' | 'value' | 'reward' | 'advantage' | 'ratio',
    ChannelText
  >,
  baseLogprob: 'of the base',
  return: 'Return',
  clipped: 'Clipped',
  yes: 'yes',
  no: 'no',
  hint: (name: string, unit: string, meaning: string, middle: number, reach: string) =>
    `${name}${unit === '' ? '' : ` in ${unit}`}: ${meaning}. Orange is below ${middle}, blue above; ` +
    `the strongest is ${reach} away.`,
  cell: (name: string, value: string, clipped: boolean) =>
    `${name} ${value}${clipped ? ', clipped' : ''}`,
  heldBack: 'held back by the clip',
  probability: (share: number) => `its probability ${percent(share, 1)}`,
  likely: 'Most probable here:',
  table: 'All numbers as a table',
  tableName: 'Numbers of each token',
  token: 'Token',
};

export type TokensText = typeof english;

export const tokensText = translated(english, {
  de: () => import('./de/tokens.ts'),
  zh: () => import('./zh/tokens.ts'),
});
