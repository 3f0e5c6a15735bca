// Who computes what a lesson shows: the kernels that train, from the first touch of a widget on, else the
// page in float64.
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { LessonKernels } from '../../../src/lessons/kernels.ts';

/** `asleep` before the first touch, `refused` where there is no device or it was lost. */
export type Device =
  | { readonly state: 'asleep' | 'opening' }
  | { readonly state: 'open'; readonly kernels: LessonKernels }
  | { readonly state: 'refused'; readonly why: string };

/** The device of all lessons. */
export const device = signal<Device>({ state: 'asleep' });

const wordsOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** A widget was touched: opens the device, once. */
export function touched(): void {
  if (device.peek().state !== 'asleep') return;
  device.value = { state: 'opening' };
  LessonKernels.open().then(
    (kernels) => {
      device.value = { state: 'open', kernels };
    },
    (error: unknown) => {
      device.value = { state: 'refused', why: wordsOf(error) };
    },
  );
}

/** A result, and who computed it. */
export interface Computed<Result> {
  readonly result: Result;
  readonly by: 'kernel' | 'float64';
}

/**
 * A result of the kernels as soon as there is one, a moment behind what is given while that changes;
 * before, or where what is given has another shape, in float64.
 *
 * @param given The same object for the same question.
 * @param shape Equal for questions whose results can stand for each other for a moment.
 */
export function useComputed<Given, Result>(
  given: Given,
  shape: string,
  exact: (given: Given) => Result,
  byKernel: (kernels: LessonKernels, given: Given) => Promise<Result>,
): Computed<Result> {
  const [got, setGot] = useState<{ readonly shape: string; readonly result: Result }>();
  const newest = useRef({ given, shape });
  newest.current = { given, shape };
  const busy = useRef(false);
  const gone = useRef(false);
  useEffect(
    () => () => {
      gone.current = true;
    },
    [],
  );
  const now = device.value;
  const kernels = now.state === 'open' ? now.kernels : undefined;
  useEffect(() => {
    if (!kernels || busy.current) return;
    const answer = async (): Promise<void> => {
      let asked: typeof newest.current;
      do {
        asked = newest.current;
        const result = await byKernel(kernels, asked.given);
        if (gone.current) return;
        setGot({ shape: asked.shape, result });
      } while (asked.given !== newest.current.given);
    };
    busy.current = true;
    answer()
      .catch((error: unknown) => {
        device.value = { state: 'refused', why: wordsOf(error) };
      })
      .finally(() => {
        busy.current = false;
      });
  }, [kernels, given]);
  return kernels && got?.shape === shape
    ? { result: got.result, by: 'kernel' }
    : { result: exact(given), by: 'float64' };
}
