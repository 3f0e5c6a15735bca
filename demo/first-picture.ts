/** The mark of User Timing that says when the first frame of a run was drawn. */
const MARK = 'first-picture';

const waiting: (() => void)[] = [];

/** Notes that a frame of a run is on the page; only the first counts. */
export function firstPicture(): void {
  if (performance.getEntriesByName(MARK).length > 0) return;
  performance.mark(MARK);
  for (const go of waiting.splice(0)) go();
}

/** Settles when the first frame of a run is drawn, or after `most` milliseconds without one. */
export const afterFirstPicture = (most: number): Promise<void> =>
  new Promise((resolve) => {
    if (performance.getEntriesByName(MARK).length > 0) resolve();
    else {
      waiting.push(resolve);
      setTimeout(resolve, most);
    }
  });
