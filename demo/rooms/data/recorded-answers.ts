// What the other methods of the recording answered. The recording tells FULL's answers alone, as the
// first picture needs no more; the run's bundle, which lies beside it, has them all.
import { openBundledRun, type BundledRun } from '../../../src/entries/browser.ts';
import { recording, type AnswersOf } from '../../state/stage.ts';
import { unbundle } from './imports.ts';

/** The bundle of the recording that the page comes with. */
export const RECORDED_BUNDLE = 'replays/quick.limr';

type Kept = Awaited<ReturnType<BundledRun['completions']>>;

let reading: Promise<Kept> | undefined;

async function read(): Promise<Kept> {
  const response = await fetch(new URL(RECORDED_BUNDLE, document.baseURI));
  if (!response.ok) throw new Error(`${RECORDED_BUNDLE}: the server answers ${response.status}`);
  const seed = recording.peek()?.film.end.seed;
  if (seed === undefined) throw new Error(`${RECORDED_BUNDLE}: of no recording`);
  const file = new File([await response.blob()], RECORDED_BUNDLE);
  return (await openBundledRun(RECORDED_BUNDLE, await unbundle(file))).completions(seed);
}

/** Reads the bundle when it is asked first, and again if that did not succeed. */
export const answersOfOthers: AnswersOf = async (prompt, method) => {
  reading ??= read().catch((error: unknown) => {
    reading = undefined;
    throw error;
  });
  return { epochs: (await reading)(prompt, method) };
};
