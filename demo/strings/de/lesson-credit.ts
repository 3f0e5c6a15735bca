import type { LessonCreditText } from '../lesson-credit.ts';

export const text: LessonCreditText = {
  intro:
    'Der Prüfer belohnt nur einmal, am Ende. Welche Token haben das verdient? Ein Kritiker schätzt vor jedem Token, was die Antwort einbringen wird; springt die Schätzung, war etwas besser oder schlechter als erwartet. GAE zählt diese Überraschungen zusammen.',
  responses: 'Antworten',
  kinds: {
    right: 'eine richtige Antwort',
    slip: 'eine falsche Antwort',
    malformed: 'keine gültige Antwort',
    'wrong-key': 'richtig, aber die Lösung ist falsch',
  },
  key: 'Lösung',
  truth: 'richtig wäre',
  paid: (reward) => `Belohnung ${reward}`,
  value: 'was der Kritiker erwartet',
  advantage: 'Anteil jedes Tokens (Advantage)',
  picture: (tokens) => `Anteil jedes Tokens: ${tokens}`,
  hint: 'Linie: der Kritiker vor jedem Token. Balken: Anteil. Striche: die Überraschung nur an diesem Token.',
  lambda: 'λ: wie weit eine Überraschung zurückreicht',
  gamma: 'γ: wie viel eine spätere Belohnung zählt',
  columns: {
    token: 'Token',
    value: 'Wert',
    reward: 'Belohnung',
    delta: 'Überraschung δ',
    advantage: 'Advantage',
  },
  update: (update) => `Antworten, Belohnungen und Werte aus Update ${update} von FULL.`,
  tries: {
    zero: 'λ = 0: Jedes Token steht nur für seine eigene Überraschung ein.',
    one: 'λ = 1: Jedes Token steht für das Ende ein.',
    slip: 'Die falsche Antwort: Merkt der Kritiker es vor dem Urteil?',
  },
  notice: (lambda, gamma) =>
    `Bei λ = 0 trifft fast die ganze Schuld das letzte Token, denn dort überrascht das Urteil einen Kritiker, der wenig weiß. Bei λ = 1 teilen alle Token, auch die unschuldigen. Das Training nimmt λ = ${lambda} und γ = ${gamma} und verschiebt danach alle Advantages der Ziehung auf den Mittelwert 0. Kleine Belohnungen vor dem Ende sind die Strafe für den Abstand vom Ausgangsmodell.`,
  see: 'Sehen, wie eine Antwort Schritt für Schritt entsteht',
};
