// Texts of the stage's later pictures, and of what came out.
import { counted, percent, points, type Noun } from './numbers.ts';
import { translated } from './translated.ts';

const update: Noun = ['update', 'updates'];

/** LIM beside another method at the fixed read-out. Shares of 1. */
export interface Gap {
  readonly name: string;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly over: 'seeds' | 'prompts';
}

const english = {
  learning: 'The base is learning the procedure from worked problems.',
  reading: 'The base is being read and tested.',
  right: (share: number) => `${percent(share, 1)} of its answers are right before any reward.`,
  oneOf: (answers: number) =>
    `One of the ${counted(answers, ['answer', 'answers'])} that it gave to this problem in the first epoch.`,

  noReadout: 'No read-out yet.',
  noSelection: 'This run trains on no selection.',
  updates: 'updates of each method',
  raceHint: 'Held-out accuracy of greedy answers. Every line starts from the same base.',
  race: (lines: string) => `Held-out accuracy: ${lines}`,
  raceLine: (name: string, share: number, at: number) =>
    `${name} ${percent(share, 1)} at update ${at}`,

  nothingHeldOut: 'This run has no problems held out: nothing was compared.',
  atReadout: (readout: string) =>
    `Held-out accuracy at ${readout}, the read-out fixed before the run; lines are 95 % intervals.`,
  estimate: (name: string, mean: number, low: number, high: number) =>
    `${name} ${percent(mean, 1)}, ${percent(low, 1)} to ${percent(high, 1)}`,
  sizes: 'Prompts of each method',
  size: (name: string, prompts: number, wrong: number) =>
    `${name}: ${counted(prompts, ['prompt', 'prompts'])}${wrong > 0 ? `, ${wrong} with a wrong key` : ''}`,

  notApart: 'Not told apart.',
  keptNone: 'LIM kept no prompt at this cut: there is nothing to compare.',
  finding: (readout: string, gaps: readonly Gap[]) =>
    `At ${readout}, LIM is ${gaps
      .map(({ name, mean, low, high, over }) => {
        const far = `${points(Math.abs(mean))} points`;
        const side = mean > 0 ? `${far} above` : mean < 0 ? `${far} below` : 'level with';
        const sure = low > 0 || high < 0 ? '' : ': not told apart';
        return (
          `${side} ${name} (95 % interval ${points(low, true)} to ` +
          `${points(high, true)} over ${over}${sure})`
        );
      })
      .join(' and ')}.`,
  noLim: 'This run trains nothing on what LIM keeps.',
  comes: (readout: string) => `Comes when LIM, too, has been read at ${readout}.`,
  endedBefore: (readout: string) => `The run ended before LIM was read at ${readout}.`,
  charged: (pass: number, lim: number, total: number, full: number, at: number) =>
    `Knowing these prompts took FULL’s ${counted(pass, update)} first. With them charged, LIM’s ` +
    `${percent(lim, 1)} cost ${counted(total, update)}; FULL alone had ${percent(full, 1)} after ${at}.`,
};

export type ActsText = typeof english;

export const actsText = translated(english, {
  de: () => import('./de/acts.ts'),
  zh: () => import('./zh/acts.ts'),
});
