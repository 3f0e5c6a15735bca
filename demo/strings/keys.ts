// The list of keys.
import { translated } from './translated.ts';

const english = {
  title: 'Keys',
  keys: [
    ['Space', 'play or pause the film'],
    ['← →', 'one picture back or on'],
    ['1 – 5', 'go to an act'],
    ['g, then r p c l d', 'go to Run, Prompts, Compare, Learn, Data'],
    ['/', 'search the prompts'],
    ['t', 'take the tour'],
    ['P', 'show it to others: larger, without controls'],
    ['Esc', 'close the prompt'],
    ['?', 'these keys'],
  ] as readonly (readonly [key: string, does: string])[],
  harmless: 'None of them starts, stops or deletes anything.',
  close: 'Close',
};

export type KeysText = typeof english;

export const keysText = translated(english, {
  de: () => import('./de/keys.ts'),
  zh: () => import('./zh/keys.ts'),
});
