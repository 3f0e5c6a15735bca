import type { TableText } from '../table.ts';

export const text: TableText = {
  pages: 'Seiten der Tabelle',
  previous: 'Zurück',
  next: 'Weiter',
  rows: (from, to, of) => `${from}–${to} von ${of}`,
  none: '0 von 0',
};
