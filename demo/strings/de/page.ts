import type { PageText } from '../page.ts';

export const text: PageText = {
  skip: 'Zum Lauf springen',
  footer:
    'Alles rechnet in diesem Tab; nichts wird irgendwohin gesendet. Kleine Modelle sind keine großen: Was hier zu sehen ist, belegt nichts über die 7B-Läufe der Veröffentlichung.',
};
