import type { MatrixText } from '../matrix.ts';

export const text: MatrixText = {
  epoch: (epoch) => `Epoche ${epoch}`,
  strips: ['Herkunft', 'falsch', 'behalten'],
  score: 'höchster Wert',
  mean: 'höchstes Mittel',
  lowest: 'niedrigstes',
  none: 'Noch keine Prompts',
  unchosen: (count) => `${count} ${count === 1 ? 'Prompt' : 'Prompts'}, keiner gewählt`,
  rank: (prompt, rank, of) => `${prompt}, Rang ${rank} von ${of}`,
  noScore: 'kein Wert',
  scored: (score) => `Wert ${score}`,
  averaged: (mean) => `Mittel ${mean}`,
  origins: { easy: 'leicht', learnable: 'lernbar', hard: 'schwer' },
  wrongKey: 'Schlüssel mit Absicht falsch',
  kept: 'behalten',
  rejected: 'verworfen',
};
