// The page's words in its languages: English comes with the views, the others when they are asked for.
import { effect, signal, type ReadonlySignal } from '@preact/signals';
import { language, problem } from '../state/stage.ts';
import type { Language } from '../state/url.ts';

type Others<Text> = Readonly<
  Record<Exclude<Language, 'en'>, () => Promise<{ readonly text: Text }>>
>;

/**
 * The words of a part of the page in the page's language: English until another language is there.
 *
 * @param english Texts, and functions that put numbers or names into them.
 */
export function translated<Text extends object>(
  english: Text,
  others: Others<Text>,
): ReadonlySignal<Text> {
  const words = signal(english);
  effect(() => {
    const now = language.value;
    if (now === 'en') {
      words.value = english;
      return undefined;
    }
    let left = false;
    others[now]().then(
      ({ text }) => {
        if (!left) words.value = text;
      },
      (error: unknown) => {
        problem.value = `The words of this page in '${now}' did not come: ${String(error)}`;
      },
    );
    return () => {
      left = true;
    };
  });
  return words;
}
