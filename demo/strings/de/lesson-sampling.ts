import type { LessonSamplingText } from '../lesson-sampling.ts';

export const text: LessonSamplingText = {
  intro:
    'Ein Sprachmodell sagt nicht ein Token; es gibt jedem Token eine Wahrscheinlichkeit, und Würfel entscheiden. Zwei Regler formen die Würfel, bevor sie fallen.',
  prompts: 'Prompts, vom offensten zum sichersten',
  model: 'Modell',
  base: 'das Ausgangsmodell',
  trained: 'FULL, nach dem Training',
  underWay: (method, update) => `${method}, nach Update ${update}`,
  first: 'das erste Token der Antwort:',
  temperature: 'Temperatur',
  topP: 'Top-p',
  roll: (samples) => `Noch einmal ${samples} ziehen`,
  others: 'andere',
  token: 'Token',
  plain: 'vom Modell',
  drawnWith: 'beim Ziehen',
  drawn: (samples) => `von ${samples}`,
  picture: (bars) => `Wahrscheinlichkeit, und wie oft gezogen: ${bars}`,
  hint: (samples, one) =>
    `Balken: Wahrscheinlichkeit, gezogen zu werden. Strich: die des Modells, bei Temperatur ${one}. Punkte: ${samples} Ziehungen.`,
  of: (who) => `Was ${who} für das erste Token angibt.`,
  tries: {
    cold: 'Temperatur 0: Was bleibt von den Würfeln?',
    hot: 'Temperatur 2,5: Welche Token tauchen auf, die nie auftauchen sollten?',
    cut: 'Immer noch heiß, aber Top-p 0,8: Welche davon werden abgeschnitten?',
  },
  notice:
    'Das Training zieht absichtlich bei einer Temperatur über 1: Aus einem Prompt lernt das Modell nur, wenn sich seine Antworten unterscheiden. Sind alle richtig oder alle falsch, ist keine besser als erwartet, und nichts bewegt sich. Vergleichen Sie das Ausgangsmodell mit FULL: Das Training hat Wahrscheinlichkeit zum richtigen Token verschoben, und die Ziehungen sind sich einiger.',
  see: 'Mit einem eigenen Lauf dessen Modelle mit diesen Reglern fragen',
};
