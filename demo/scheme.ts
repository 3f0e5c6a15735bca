// The colours that the page has now: pictures drawn by hand read them, and follow them.
import { computed, signal } from '@preact/signals';
import { theme } from './state/stage.ts';

const query = matchMedia('(prefers-color-scheme: dark)');
const browsers = signal(query.matches);
query.addEventListener('change', () => (browsers.value = query.matches));

/** Whether the page is light or dark; who reads it while drawing is drawn again when that changes. */
export const scheme = computed(() => theme.value ?? (browsers.value ? 'dark' : 'light'));
