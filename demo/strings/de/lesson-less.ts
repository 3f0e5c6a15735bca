import type { LessonLessText } from '../lesson-less.ts';

export const text: LessonLessText = {
  intro:
    'LIM trainiert mit einem Bruchteil der Prompts. Ob das besser ist, lässt sich nicht mit Ja oder Nein sagen: Es hängt davon ab, wie lange trainiert wird und ob das Auswählen mitzählt. Verschieben Sie das Budget und sehen Sie, wer vorn liegt.',
  data: 'Zahlen aus',
  thisRun: 'diesem Lauf',
  wrongKeys: (share) => `${share} falsche Lösungen`,
  inStudy: (condition) => `der Studie, ${condition}`,
  counting: 'Was zählt',
  ownUpdates: 'nur eigene Updates',
  allUpdates: (pass) => `mit den ${pass} Updates des Auswählens`,
  budget: 'Budget',
  updates: (count) => `${count} Updates`,
  axis: 'Updates, die zählen',
  picture: (budget, values) => `Richtige Antworten bei ${budget} Updates: ${values}`,
  hint: 'Richtige Antworten (ohne Würfeln) auf ungesehene Aufgaben. Große Zeichen: die letzte Messung im Budget.',
  standings: 'Stand bei diesem Budget',
  method: 'Verfahren',
  prompts: 'Prompts',
  own: 'Updates',
  right: 'Richtig',
  interval: '95-%-Intervall',
  notYet: 'wählt noch aus',
  study: 'Was ein einzelner Lauf nicht sagen kann',
  progress: (finished, planned) =>
    `Ein Seed ist ein Wurf. Eine Studie aus ${planned} Trainings wurde vor ihrem ersten Seed geplant; ${finished} davon sind fertig.`,
  covered:
    'Ihre Zahlen bleiben bis zum letzten verdeckt: Wer früher hinsieht, könnte aufhören, wenn sie gefallen.',
  open: 'Alle liegen vor: Oben sind sie zu wählen.',
  done: 'fertig',
  waiting: 'steht aus',
  ofStudy: (name, preset) => `Mittel über die Seeds der Studie ${name}, Voreinstellung ${preset}.`,
  tries: {
    early: (update) =>
      `Bei ${update} eigenen Updates: Wer liegt vorn, und überschneiden sich die Intervalle?`,
    charged: 'Jetzt zählen auch die Updates des Auswählens: Wer hat überhaupt schon begonnen?',
    late: 'Mit bezahltem Auswählen: Ist LIM bei einmaligem Gebrauch seinen Preis wert?',
  },
  notice:
    'Weniger Prompts kommen öfter dran, deshalb steigt eine gute Auswahl früher. Alle Prompts haben später mehr zu geben. Und die Auswahl war nicht umsonst: FULL musste erst trainieren. Sie lohnt sich, wo dieselben Prompts wieder gebraucht werden: für ein anderes Modell, einen anderen Seed, eine andere Einstellung. Überschneiden sich die Intervalle, heißt das: nicht zu unterscheiden.',
  see: 'Die Verfahren dieses Laufs vergleichen',
};
