import type { ActsText } from '../acts.ts';
import { counted, percent, points, type Noun } from '../numbers.ts';

const update: Noun = ['Update', 'Updates'];

export const text: ActsText = {
  learning: 'Das Ausgangsmodell lernt das Verfahren an vorgerechneten Aufgaben.',
  reading: 'Das Ausgangsmodell wird geladen und geprüft.',
  right: (share) => `${percent(share, 1)} seiner Antworten sind richtig, noch vor jeder Belohnung.`,
  oneOf: (answers) =>
    answers === 1
      ? 'Die eine Antwort, die es in der ersten Epoche auf diese Aufgabe gab.'
      : `Eine der ${answers} Antworten, die es in der ersten Epoche auf diese Aufgabe gab.`,

  noReadout: 'Noch keine Messung.',
  noSelection: 'Dieser Lauf trainiert mit keiner Auswahl.',
  updates: 'Updates jeder Methode',
  raceHint:
    'Anteil richtiger Antworten auf ungesehene Aufgaben, ohne Zufall beantwortet. Alle Linien beginnen beim selben Ausgangsmodell.',
  race: (lines) => `Richtig bei ungesehenen Aufgaben: ${lines}`,
  raceLine: (name, share, at) => `${name} ${percent(share, 1)} bei Update ${at}`,

  nothingHeldOut: 'Dieser Lauf hat keine ungesehenen Aufgaben: Verglichen wurde nichts.',
  atReadout: (readout) =>
    `Richtig bei ungesehenen Aufgaben bei ${readout}, dem vor dem Lauf festgelegten Messpunkt; Striche sind 95-%-Intervalle.`,
  estimate: (name, mean, low, high) =>
    `${name} ${percent(mean, 1)}, ${percent(low, 1)} bis ${percent(high, 1)}`,
  sizes: 'Prompts jeder Methode',
  size: (name, prompts, wrong) =>
    `${name}: ${counted(prompts, ['Prompt', 'Prompts'])}${wrong > 0 ? `, ${wrong} mit falscher Lösung` : ''}`,

  notApart: 'Nicht sicher zu unterscheiden.',
  keptNone: 'LIM hat bei dieser Schwelle keinen Prompt behalten: Es gibt nichts zu vergleichen.',
  finding: (readout, gaps) =>
    `Bei ${readout} liegt LIM ${gaps
      .map(({ name, mean, low, high, over }) => {
        const far = `${points(Math.abs(mean))} Punkte`;
        const side = mean > 0 ? `${far} über` : mean < 0 ? `${far} unter` : 'gleichauf mit';
        const sure = low > 0 || high < 0 ? '' : ': nicht sicher zu unterscheiden';
        return (
          `${side} ${name} (95-%-Intervall ${points(low, true)} bis ` +
          `${points(high, true)} über ${over === 'seeds' ? 'Startwerte' : 'Aufgaben'}${sure})`
        );
      })
      .join(' und ')}.`,
  noLim: 'Dieser Lauf trainiert nicht mit dem, was LIM behält.',
  comes: (readout) => `Kommt, sobald auch LIM bei ${readout} gemessen ist.`,
  endedBefore: (readout) => `Der Lauf endete, bevor LIM bei ${readout} gemessen war.`,
  charged: (pass, lim, total, full, at) =>
    `Diese Prompts zu kennen hat zuerst ${counted(pass, update)} von FULL gekostet. Rechnet man sie mit, kosten LIMs ` +
    `${percent(lim, 1)} zusammen ${counted(total, update)}; FULL allein hatte ${percent(full, 1)} nach ${at}.`,
};
