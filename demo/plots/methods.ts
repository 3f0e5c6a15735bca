import type { MethodName } from '../../src/index.ts';

export type LineName = MethodName | 'base';

/** How a method's line looks everywhere: a colour of the style sheet and a dash, never colour alone. */
export const lineStyles: Readonly<
  Record<LineName, { readonly label: string; readonly color: string; readonly dash: number[] }>
> = {
  base: { label: 'Base', color: '--base', dash: [2, 4] },
  full: { label: 'FULL', color: '--full', dash: [] },
  lim: { label: 'LIM', color: '--lim', dash: [10, 3] },
  rand: { label: 'RAND', color: '--rand', dash: [3, 3] },
  linear: { label: 'LINEAR', color: '--linear', dash: [10, 3, 2, 3] },
};

export const lineNames = Object.keys(lineStyles) as LineName[];
