// What a reader wants on every visit: the language and the colours. The browser keeps a choice, and an
// address that names another goes before it.
import { browsers } from './scheme.ts';
import { language, theme } from './state/stage.ts';
import { languages, themes, type Language, type Theme } from './state/url.ts';

const LANGUAGE = 'limr-language';
const THEME = 'limr-theme';

/** What the browser keeps under a name; null where nothing is kept, or where the browser keeps nothing for this page. */
export function kept(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function keep(name: string, choice: string | undefined): void {
  try {
    if (choice === undefined) localStorage.removeItem(name);
    else localStorage.setItem(name, choice);
  } catch {
    // The choice holds until the page is left.
  }
}

/** Takes what was chosen before; at the first visit the first language of the browser's that the page has. */
export function recallPreferences(): void {
  const wanted = [kept(LANGUAGE), ...navigator.languages].map((tag) => tag?.split('-')[0]);
  language.value = languages.find((one) => one === wanted.find(isLanguage)) ?? 'en';
  theme.value = themes.find((one) => one === kept(THEME));
}

const isLanguage = (tag: string | undefined): boolean => languages.some((one) => one === tag);

export function chooseLanguage(chosen: Language): void {
  language.value = chosen;
  keep(LANGUAGE, chosen);
}

/** Chooses colours; those that the browser has anyway follow the browser from now on. */
export function chooseTheme(chosen: Theme): void {
  theme.value = chosen === browsers.peek() ? undefined : chosen;
  keep(THEME, theme.peek());
}
