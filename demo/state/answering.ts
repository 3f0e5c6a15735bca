// Whose answers to a prompt are read: those of FULL, or of another method of the run.
import { signal } from '@preact/signals';
import { inTableOrder, type MethodName, type RunView } from '../../src/index.ts';
import { live, reel } from './stage.ts';

const wanted = signal<MethodName>('full');

/** Methods that answer prompts of the pool while they train, in the order of tables. */
export const answerers = ({ config }: Pick<RunView, 'config'>): MethodName[] =>
  inTableOrder(['full', ...config.experiment.methods]);

/** The method whose answers are read: the chosen one if the run has it, else FULL. */
export const answerer = (run: Pick<RunView, 'config'>): MethodName =>
  answerers(run).includes(wanted.value) ? wanted.value : 'full';

export const readAnswersOf = (method: MethodName): void => {
  wanted.value = method;
};

/** Why no answer of a method to a prompt can be read. */
export type WhyNone =
  /** The run came with a link, which carries numbers alone. */
  | 'numbers'
  /** The method's selection lacks the prompt. */
  | 'unchosen'
  /** The method has made no update. */
  | 'unbegun'
  /** The method has not come to the prompt, or what it answered was not kept. */
  | 'undrawn';

export function whyNone(
  { selections, updates }: Pick<RunView, 'selections' | 'updates'>,
  prompt: number,
  method: MethodName,
): WhyNone {
  if (!live.value && reel.value?.origin.kind === 'shared') return 'numbers';
  if (selections[method]?.has(prompt) === false) return 'unchosen';
  return (updates[method]?.length ?? 0) === 0 ? 'unbegun' : 'undrawn';
}
