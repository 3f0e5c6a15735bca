import type { LessonPaidText } from '../lesson-paid.ts';

export const text: LessonPaidText = {
  intro:
    'Bestärkendes Lernen erfährt von einer Antwort nur eine Zahl. Sie kommt von einem Prüfer: einem Programm, keinem Menschen. Tippen Sie eine Antwort und sehen Sie, was sie einbringt.',
  rules: 'Prüfer',
  arithmetic: 'Ziffernaufgaben, wie in diesem Lauf',
  maths: 'Mathematik, wie bei großen Modellen',
  prompts: 'Prompts',
  wrongKey: '(falsche Lösung)',
  mathsProblem: 'Wie lautet 3 ⁄ 6 vollständig gekürzt?',
  key: 'Lösung',
  truth: 'richtig wäre',
  answer: 'Ihre Antwort',
  examples: 'Antworten zum Ausprobieren',
  example: {
    right: 'richtig',
    slip: 'mit Fehler im letzten Schritt',
    malformed: 'mit ? statt #',
    open: 'ohne Ende',
    key: 'die falsche Lösung',
  },
  matches: 'Die Antwort stimmt mit der Lösung überein.',
  other: 'Die Form stimmt, aber die Antwort stimmt nicht mit der Lösung überein.',
  matchesWrongKey:
    'Sie stimmt mit der Lösung überein, und die ist falsch: Eine falsche Antwort wird voll belohnt.',
  rightUnpaid: (key) =>
    `Sie ist richtig und wird doch nicht belohnt: Als Lösung ist ${key} angegeben. Mehr weiß der Prüfer nicht.`,
  broken: {
    unfinished: 'Keine gültige Antwort: Sie kommt zu keinem Ende.',
    boxes: 'Keine gültige Antwort: Es braucht \\boxed{…}, ein- bis viermal.',
    garbled: 'Keine gültige Antwort: zu viele ungewöhnliche Zeichen.',
    repetition: 'Keine gültige Antwort: Sie wiederholt sich.',
    'no answer': 'Keine gültige Antwort: Ihre Form ist nicht lesbar.',
  },
  unreadable: 'Ihre Schritte sind nicht lesbar.',
  itIs: (want) => `richtig ist ${want}`,
  leftToRight: (modulus) =>
    modulus === 10
      ? 'Von links nach rechts, nur die letzte Ziffer.'
      : `Von links nach rechts, modulo ${modulus}.`,
  tries: {
    slip: 'Ein einziger Fehler: Was bleibt von der Belohnung?',
    malformed: 'Richtige Ziffern in falscher Form: schlechter als eine falsche Antwort?',
    wrongKey: 'Richtig antworten, wo die Lösung falsch ist.',
  },
  notice:
    'Die Schritte bringen für sich nichts ein: Nur das Ende wird verglichen. Eine richtige Antwort über einen falschen Schritt wird voll belohnt, und eine falsche Lösung bringt ihren Fehler bei. LIM bekommt keine Liste falscher Lösungen; es sieht, dass solche Prompts anders lernen als die übrigen.',
  see: 'Sehen, was das Modell bei einer falschen Lösung geantwortet hat',
};
