import type { LessonPaidText } from '../lesson-paid.ts';

export const text: LessonPaidText = {
  intro:
    'Bestärkendes Lernen erfährt von einer Antwort nur eine Zahl. Sie kommt von einem Prüfer: einem Programm, keinem Menschen. Tippen Sie eine Antwort und sehen Sie, was sie einbringt.',
  rules: 'Prüfer',
  arithmetic: 'Ziffernaufgaben, wie in diesem Lauf',
  maths: 'Mathematik, wie bei großen Modellen',
  prompts: 'Prompts',
  wrongKey: '(falscher Schlüssel)',
  mathsProblem: 'Wie lautet 3 ⁄ 6 vollständig gekürzt?',
  key: 'Schlüssel',
  truth: 'richtig wäre',
  answer: 'Ihre Antwort',
  examples: 'Antworten zum Ausprobieren',
  example: {
    right: 'richtig',
    slip: 'mit Fehler im letzten Schritt',
    malformed: 'mit ? statt #',
    open: 'ohne Ende',
    key: 'was der falsche Schlüssel sagt',
  },
  matches: 'Die Antwort entspricht dem Schlüssel.',
  other: 'Die Form stimmt, aber die Antwort entspricht nicht dem Schlüssel.',
  matchesWrongKey:
    'Sie entspricht dem Schlüssel, und der ist falsch: Eine falsche Antwort wird voll belohnt.',
  rightUnpaid: (key) =>
    `Sie ist richtig und wird doch nicht belohnt: Der Schlüssel sagt ${key}. Mehr weiß der Prüfer nicht.`,
  broken: {
    unfinished: 'Keine ordentliche Antwort: Sie kommt zu keinem Ende.',
    boxes: 'Keine ordentliche Antwort: Es braucht \\boxed{…}, ein- bis viermal.',
    garbled: 'Keine ordentliche Antwort: zu viele ungewöhnliche Zeichen.',
    repetition: 'Keine ordentliche Antwort: Sie wiederholt sich.',
    'no answer': 'Keine ordentliche Antwort: Ihre Form ist nicht lesbar.',
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
    wrongKey: 'Richtig antworten, wo der Schlüssel falsch ist.',
  },
  notice:
    'Die Schritte bringen für sich nichts ein: Nur das Ende wird verglichen. Eine richtige Antwort über einen falschen Schritt wird voll belohnt, und ein falscher Schlüssel bringt seinen Fehler bei. LIM bekommt keine Liste falscher Schlüssel; es sieht, dass solche Prompts anders lernen als die übrigen.',
  see: 'Sehen, was das Modell bei einem falschen Schlüssel geantwortet hat',
};
