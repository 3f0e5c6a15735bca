// The run that the controls describe, for the form of its settings.
import { signal } from '@preact/signals';
import { type SettingField, settingFields } from '../../../src/entries/browser.ts';
import type { ExperimentConfig } from '../../../src/index.ts';
import type { Choice, Fit } from '../../link.ts';
import { plainWish, type Wish } from '../../state/url.ts';
import { settingWords } from '../../strings/setting-words.ts';

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

/** The settings of a form, but for those that the part for an own model asks for. */
export const settingsShown = (config: ExperimentConfig, own: boolean): readonly SettingField[] =>
  settingFields(config).filter(
    ({ path }) => !own || !/^(?:model|task|base|adapter\.rank|weightStorage)\b/.test(path),
  );

export const described = signal<Described>({
  wish: plainWish,
  choice: undefined,
  refusal: '',
  tooLarge: undefined,
  busy: false,
});

/** Puts something else into the controls. */
export const fillControls = signal<(wish: Wish) => void>(() => undefined);

/** The name of a setting's sentence: settings that are alike share one. */
export const settingKey = (path: string): string =>
  path
    .replace(/^(?:base\.optimizer|ppo\.actor|ppo\.critic)\./, 'optimizer.')
    .replace(/^task\.strata\.\w+\./, 'stratum.');

/** What a setting does, in a sentence; empty for a path that is no setting. */
export function sentenceOf(path: string): string {
  const key = settingKey(path);
  const sentences: Readonly<Record<string, string>> = settingWords.value.sentences;
  return Object.hasOwn(sentences, key) ? (sentences[key] ?? '') : '';
}
