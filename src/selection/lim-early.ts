import { cutScores } from './cut.ts';
import { known, type PassSize, type StaticMethod } from './method.ts';

/** LIM from the first data epochs alone, whose mean curve is that of these epochs. */
const limEarly = <Epochs extends number>(epochs: Epochs, code: number) =>
  ({
    name: `lim-early-${epochs}`,
    code,
    label: `LIM early ${epochs}`,
    takes: () =>
      `as many prompts as LIM, with the highest scores after ${epochs} data epoch${epochs === 1 ? '' : 's'}`,
    needs: ['rewards'],
    epochs,
    usualSize: 'as LIM',
    samples: ({ prompts, samples }: PassSize) => prompts * epochs * samples,
    choose: async ({ rewards }, cut) =>
      cutScores(
        { method: `lim-early-${epochs}`, label: `LIM score of ${epochs} data epochs` },
        await known(rewards, `lim-early-${epochs}`, 'rewards').scoreLim({ epochs }),
        cut,
      ),
  }) as const satisfies StaticMethod;

export const limEarly1 = limEarly(1, 5);
export const limEarly2 = limEarly(2, 6);
export const limEarly3 = limEarly(3, 7);
