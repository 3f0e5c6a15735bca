// The tour, which presses the page's own buttons, and the page as it is shown to others.
import './guide.css';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { guideText } from '../strings/guide.ts';
import { playing, presenting, touring } from '../state/stage.ts';
import { stepAfter, tourSteps, type TourStep } from '../state/tour.ts';
import { Button } from './markup.tsx';
import { mayMove } from './stage.tsx';

export function Guide(): JSX.Element {
  const at = touring.value;
  useEffect(() => {
    const { dataset } = document.documentElement;
    if (presenting.value) dataset['present'] = '';
    else delete dataset['present'];
    // Pictures that are drawn by hand take their sizes again.
    window.dispatchEvent(new Event('resize'));
  }, [presenting.value]);
  return (
    <>
      {at !== undefined && <Tour at={at} />}
      {presenting.value && (
        <Button id="leave-present" class="leave-present" onClick={() => (presenting.value = false)}>
          {guideText.value.leavePresent}
        </Button>
      )}
    </>
  );
}

const buttonAt = (selector: string): HTMLElement | null =>
  document.querySelector<HTMLElement>(selector);

/** Whether all that a step presses is there. */
const can = ({ press }: TourStep): boolean =>
  press.every((selector) => {
    const button = buttonAt(selector);
    return button !== null && !(button instanceof HTMLButtonElement && button.disabled);
  });

/** The sentence of a step, and where one goes from it. */
function Tour({ at }: { readonly at: number }): JSX.Element {
  const words = guideText.value;
  const next = useRef<HTMLButtonElement>(null);
  const step = tourSteps[at];
  const before = useRef<Element | null>(null);
  useEffect(() => {
    before.current = document.activeElement;
    next.current?.focus({ preventScroll: true });
    playing.value = false;
    return () => {
      const from = before.current;
      // What began the tour may be in a room that is not shown now.
      if (from instanceof HTMLElement && from.checkVisibility()) from.focus();
      else document.getElementById('main')?.focus();
    };
  }, []);
  useEffect(() => {
    if (!step) return undefined;
    if (can(step)) for (const selector of step.press) buttonAt(selector)?.click();
    playing.value = false;
    // A room is shown with the change of the address.
    let looked: Element | null = null;
    const timer = setTimeout(() => {
      looked = document.querySelector(step.look);
      looked?.setAttribute('data-toured', '');
      looked?.scrollIntoView({ block: 'start', behavior: mayMove() ? 'smooth' : 'auto' });
    }, 50);
    return () => {
      clearTimeout(timer);
      looked?.removeAttribute('data-toured');
    };
  }, [step]);
  const onward = stepAfter(at, 1, can);
  const back = stepAfter(at, -1, can);
  const leave = (): void => {
    touring.value = undefined;
  };
  return (
    <aside
      class="card tour"
      aria-label={words.tour}
      onKeyDown={(event) => {
        const to =
          event.key === 'ArrowRight' ? onward : event.key === 'ArrowLeft' ? back : undefined;
        if (event.key === 'Escape') leave();
        else if (to !== undefined) touring.value = to;
        else return;
        event.preventDefault();
      }}
    >
      <p class="quiet">{words.step(at + 1, tourSteps.length)}</p>
      <p class="tour-sentence" aria-live="polite">
        {step && words.sentences[step.name]}
      </p>
      <div class="buttons">
        <Button disabled={back === undefined} onClick={() => (touring.value = back ?? at)}>
          {words.back}
        </Button>
        <button
          ref={next}
          type="button"
          class="primary"
          onClick={() => {
            if (onward === undefined) leave();
            else touring.value = onward;
          }}
        >
          {onward === undefined ? words.end : words.next}
        </button>
        {onward !== undefined && (
          <Button class="link" onClick={leave}>
            {words.leave}
          </Button>
        )}
      </div>
    </aside>
  );
}
