import type { MethodName } from '../../vocabulary/methods.ts';
import { full } from './full.ts';
import { lim } from './lim.ts';
import { linear } from './linear.ts';
import type { SelectionMethod } from './method.ts';
import { rand } from './rand.ts';

/** Every selection method by its name. */
export const selectionMethods: Readonly<Record<MethodName, SelectionMethod>> = {
  full,
  lim,
  linear,
  rand,
};
