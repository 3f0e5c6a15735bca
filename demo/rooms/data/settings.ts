// The run that the controls describe, for the form of its settings.
import { signal } from '@preact/signals';
import type { Choice, Fit } from '../../link.ts';
import { plainWish, type Wish } from '../../state/url.ts';

/** What the controls hold, and what it means. */
export interface Described {
  readonly wish: Wish;
  /** Undefined while the controls describe no run. */
  readonly choice: Choice | undefined;
  /** Why they describe none, in English; empty if they do, or something is still to be chosen. */
  readonly refusal: string;
  /** What is too large for a tab, with what would fit if that is known. */
  readonly tooLarge: { readonly part: string; readonly fit: Fit | undefined } | undefined;
  /** Whether a run is under way, so that nothing can be changed. */
  readonly busy: boolean;
}

export const described = signal<Described>({
  wish: plainWish,
  choice: undefined,
  refusal: '',
  tooLarge: undefined,
  busy: false,
});

/** Puts something else into the controls. */
export const fillControls = signal<(wish: Wish) => void>(() => undefined);
