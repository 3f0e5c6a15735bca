// Texts of the page around its rooms.
import { translated } from './translated.ts';

const english = {
  skip: 'Skip to the run',
  footer:
    'Everything runs in this tab; nothing is sent anywhere. Small models are not large ones: what you see here is no evidence about the paper’s 7B runs.',
};

export type PageText = typeof english;

export const pageText = translated(english, {
  de: () => import('./de/page.ts'),
  zh: () => import('./zh/page.ts'),
});
