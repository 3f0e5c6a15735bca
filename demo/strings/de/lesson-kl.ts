import type { LessonKlText } from '../lesson-kl.ts';

export const text: LessonKlText = {
  intro:
    'Wer nur für richtige Antworten belohnt wird, verlernt womöglich das Sprechen. Deshalb kostet es jedes Token etwas, wenn sich seine Wahrscheinlichkeit vom Ausgangsmodell entfernt: eine Leine. Hier ist dasselbe Training an drei Leinen.',
  measure: 'Was verglichen wird',
  measures: {
    kl: 'Abstand vom Ausgangsmodell (KL)',
    accuracy: 'richtige Antworten, ungesehene Aufgaben',
    reward: 'Belohnung',
    entropy: 'Offenheit (Entropie)',
  },
  coefficient: 'Leine (Koeffizient)',
  none: 'keine',
  usual: (coefficient) => `${coefficient}, wie üblich`,
  times: (multiple, coefficient) => `${coefficient}, ${multiple}-mal so kurz`,
  short: (multiple) => (multiple === 0 ? 'keine' : multiple === 1 ? 'üblich' : `${multiple} ×`),
  at: 'nach Update',
  updates: 'Updates',
  picture: (measure, values) => `${measure}, über die Updates. ${values}`,
  source: (runs, updates) =>
    `${runs} Trainings von FULL aus der Voreinstellung quick, Seed 1, je ${updates} Updates; KL, Belohnung und Entropie als Mittel aus fünf Updates.`,
  zero: 'Keine: Der Koeffizient ist 10⁻¹², damit der Abstand noch gemessen wird. KL und Entropie in Nat je Token.',
  tries: {
    distance: 'Welche Leine hält das Modell am nächsten am Ausgangsmodell?',
    right: 'Früh, nach einem Viertel des Trainings: Was kostet die kurze Leine?',
    entropy: 'Die Offenheit ansehen: Welches Modell variiert seine Antworten noch am meisten?',
  },
  notice:
    'Eine kürzere Leine ist ein Tausch: weniger Abstand, mehr Offenheit, langsameres Lernen. In einer so kleinen Aufgabe ist wenig Sprache zu verlieren; deshalb schadet es nicht, wenn die Leine fehlt, und die übliche unterscheidet sich kaum von keiner. In einem großen Modell hält der Abstand die Antworten lesbar. Je ein Seed: Kleine Unterschiede zwischen den Linien bedeuten nichts.',
  see: 'Sehen, wohin FULL im Lauf gekommen ist',
};
