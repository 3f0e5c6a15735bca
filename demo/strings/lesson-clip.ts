// Words of the lesson about the clip.
import { translated } from './translated.ts';

const english = {
  intro:
    'One rollout gives several steps. A step makes good tokens more likely and bad ones less; but the answers were drawn by the model before the step. The clip stops paying for a token once its probability has moved far enough.',
  picture:
    'What the update gains from each token, over how far its probability has moved; the line is of the chosen advantage',
  hint: 'Dots: tokens of one update, after it. Rings: held by the clip. Line: the gain for one advantage; drag it.',
  ratio: 'probability now ⁄ before the update (ratio)',
  held: (of: string, share: string) => `of ${of} tokens are held by the clip (${share})`,
  epsilon: 'ε: how far a token may move',
  advantage: 'A: advantage of the line',
  tokens: 'Tokens',
  many: 'all',
  heldColumn: 'held',
  better: 'better than expected (A > 0)',
  worse: 'not better (A ≤ 0)',
  beyond: (count: number) => `Ratios past the picture’s edge are drawn on it: ${count}.`,
  update: (update: number, tokens: string) =>
    `The ${tokens} tokens of FULL’s update ${update}: ratio and advantage as the update had them.`,
  tries: {
    tight: 'ε = 0.05: how many tokens are held now?',
    none: 'ε = 0.6: nearly no clip. Where does the line go on?',
    worse: 'Turn the advantage below 0: on which side does the line bend?',
  },
  notice:
    'The line is flat only on the side where the step has already won: up for a good token, down for a bad one. A flat line has no slope, so nothing pushes on. On the other side it stays steep: a token that moved the wrong way is still pulled back. Most tokens hardly move in one update; the clip is for the few that would run away.',
  see: 'See the updates of FULL, one after another',
};

export type LessonClipText = typeof english;

export const lessonClipText = translated(english, {
  de: () => import('./de/lesson-clip.ts'),
  zh: () => import('./zh/lesson-clip.ts'),
});
