// The colours that the page has now: pictures drawn by hand read them, and follow them.
import { computed, signal } from '@preact/signals';
import { theme } from './state/stage.ts';
import type { Theme } from './state/url.ts';

const query = matchMedia('(prefers-color-scheme: dark)');
const prefers = (): Theme => (query.matches ? 'dark' : 'light');
/** The colours of the browser's choice. */
export const browsers = signal(prefers());
query.addEventListener('change', () => (browsers.value = prefers()));

/** Whether the page is light or dark; who reads it while drawing is drawn again when that changes. */
export const scheme = computed(() => theme.value ?? browsers.value);
