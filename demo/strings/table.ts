// Words of tables.
import { translated } from './translated.ts';

const english = {
  pages: 'Pages of the table',
  previous: 'Previous',
  next: 'Next',
  rows: (from: string, to: string, of: string) => `${from}–${to} of ${of}`,
  none: '0 of 0',
};

export type TableText = typeof english;

export const tableText = translated(english, {
  de: () => import('./de/table.ts'),
  zh: () => import('./zh/table.ts'),
});
