// Texts of what a model looks at while it writes.
import { percent } from './numbers.ts';
import { translated } from './translated.ts';

const english = {
  title: 'What it looks at',
  hint:
    'Before it writes a token, each head of a layer spreads its attention over the tokens so far: ' +
    'the larger the square, the larger its share. A row adds up to 100 %.',
  layer: 'Layer',
  layerName: (layer: number) => `Layer ${layer}`,
  head: 'Head',
  headName: (head: number) => `Head ${head}`,
  mean: 'mean of all',
  waiting: 'Attention is being computed …',
  failed: 'It cannot be told: {why}',
  later: (update: number) => `Of the policy as it stands at update ${update}.`,
  looks: 'Before {token} it looks most at',
  share: (share: number) => percent(share, 0),
  prompt: 'Prompt',
  answer: 'Answer so far',
  written: 'Written',
  matrix: (layer: number, head: string) => `Attention of layer ${layer}, ${head}`,
  part: (rows: number, of: number, columns: number) =>
    `Of its ${of} tokens ${rows} are drawn, with the last ${columns} tokens before them.`,
  table: 'The shares as a table',
};

export type AttentionText = typeof english;

export const attentionText = translated(english, {
  de: () => import('./de/attention.ts'),
  zh: () => import('./zh/attention.ts'),
});
