import type { CurvesText } from '../curves.ts';

export const text: CurvesText = {
  title: (seed) =>
    `Das Lernen, über die Updates jeder Methode${seed === undefined ? '' : `, Startwert ${seed}`}`,
  lines: 'Linienarten',
  valuesAt: 'Werte bei',
  reset: 'Zurück zum Messpunkt',
  readout: 'dem festen Messpunkt',
  atReadout: (readout) => `${readout}, dem festen Messpunkt`,
  at: (update, epoch) =>
    `Update ${update}${epoch === undefined ? '' : `, Datenepoche ${epoch} von FULL`}`,
  choose: 'Kurven',
  chosen: (shown, of) => `${shown} von ${of} gezeigt`,
  usual: 'Die üblichen zeigen',
  held: 'Richtig bei ungesehenen Aufgaben',
  heldMeaning:
    'Ohne Zufall gegebene Antworten auf Prompts, die nie trainiert wurden, Mittel der Stufen. Gestrichelt: der vor dem Lauf festgelegte Messpunkt; danach geht FULL allein weiter, blasser.',
  heldUnit: 'Anteil richtig',
  updates: 'Updates',
  none: 'noch keine Werte',
  when: (update, readout) =>
    `Update ${update}${readout === undefined ? '' : `; der Messpunkt ist ${readout}`}`,
  whenReadout: (readout) => `${readout}, der feste Messpunkt`,
  absent: 'Ohne Werte in diesem Lauf:',
};
