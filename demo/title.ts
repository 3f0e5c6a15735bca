// The title of the tab: while a run trains it tells how far the run is, also to who looks at another tab.
import { effect } from '@preact/signals';
import { standing, type RunView } from '../src/index.ts';
import { actOf } from './state/act.ts';
import { changes, depends, live } from './state/stage.ts';
import { titleOf } from './state/story.ts';
import { percent } from './strings/numbers.ts';

const NAME = 'LIMR Lab';

/** Percent and act of a run under way before the page's name; the name alone for any other. */
export function tabTitle(run: RunView | undefined): string {
  if (!run?.running) return NAME;
  const { fraction } = standing(run);
  const share = fraction === undefined ? [] : [percent(fraction, 0)];
  return [...share, titleOf(actOf(run)), NAME].join(' · ');
}

/** Not paced by frames: a hidden tab draws none. */
export function keepTitle(): void {
  effect(() => {
    depends(changes.value);
    const title = tabTitle(live.value);
    if (document.title !== title) document.title = title;
  });
}
