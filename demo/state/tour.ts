// The tour: which of the page's own buttons each of its steps presses. None of them starts a training.

/** A step: what is pressed, and what is looked at then. */
export interface TourStep {
  readonly name:
    'base' | 'full' | 'score' | 'subsets' | 'finding' | 'prompts' | 'compare' | 'learn' | 'data';
  /** Buttons and links of the page, by selectors, one after another. */
  readonly press: readonly string[];
  readonly look: string;
}

const act = (number: number): string => `.acts li:nth-child(${number}) button`;

export const tourSteps: readonly TourStep[] = [
  { name: 'base', press: ['#to-run', act(1)], look: '.stage' },
  { name: 'full', press: ['#to-run', act(2)], look: '.stage' },
  { name: 'score', press: ['#to-run', act(3)], look: '.stage' },
  { name: 'subsets', press: ['#to-run', act(4)], look: '.stage' },
  { name: 'finding', press: ['#to-run', act(5)], look: '.stage' },
  { name: 'prompts', press: ['#to-prompts'], look: '#main' },
  { name: 'compare', press: ['#to-compare'], look: '#main' },
  { name: 'learn', press: ['#to-learn'], look: '#main' },
  { name: 'data', press: ['#to-data'], look: '#new-run' },
];

/**
 * The next step that can be made, in a direction; undefined if there is none.
 *
 * @param can Whether all that a step presses is there and can be pressed.
 */
export function stepAfter(
  at: number,
  direction: 1 | -1,
  can: (step: TourStep) => boolean,
): number | undefined {
  for (let next = at + direction; next >= 0 && next < tourSteps.length; next += direction) {
    const step = tourSteps[next];
    if (step && can(step)) return next;
  }
  return undefined;
}
