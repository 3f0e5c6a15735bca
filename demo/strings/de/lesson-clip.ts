import type { LessonClipText } from '../lesson-clip.ts';

export const text: LessonClipText = {
  intro:
    'Aus einer Ziehung entstehen mehrere Schritte. Ein Schritt macht gute Token wahrscheinlicher und schlechte unwahrscheinlicher; gezogen hat die Antworten aber das Modell vor dem Schritt. Der Clip zahlt nicht weiter, sobald sich die Wahrscheinlichkeit eines Tokens weit genug bewegt hat.',
  picture:
    'Was das Update an jedem Token gewinnt, je nachdem, wie weit sich seine Wahrscheinlichkeit bewegt hat; die Linie gehört zum gewählten Advantage',
  hint: 'Punkte: die Token eines Updates, danach. Ringe: vom Clip gehalten. Linie: der Gewinn für einen Advantage; sie lässt sich ziehen.',
  ratio: 'Wahrscheinlichkeit jetzt ⁄ vor dem Update (Ratio)',
  held: (of, share) => `von ${of} Token hält der Clip zurück (${share})`,
  epsilon: 'ε: wie weit sich ein Token bewegen darf',
  advantage: 'A: Advantage der Linie',
  tokens: 'Token',
  many: 'alle',
  heldColumn: 'gehalten',
  better: 'besser als erwartet (A > 0)',
  worse: 'nicht besser (A ≤ 0)',
  beyond: (count) => `Am Rand gezeichnet, weil ihre Ratio darüber hinausgeht: ${count}.`,
  update: (update, tokens) =>
    `Die ${tokens} Token aus Update ${update} von FULL: Ratio und Advantage, wie das Update sie hatte.`,
  tries: {
    tight: 'ε = 0,05: Wie viele Token werden jetzt gehalten?',
    none: 'ε = 0,6: fast kein Clip. Wie geht die Linie weiter?',
    worse: 'Den Advantage unter 0 drehen: Auf welcher Seite knickt die Linie?',
  },
  notice:
    'Die Linie ist nur auf der Seite flach, auf der der Schritt schon gewonnen hat: oben für ein gutes Token, unten für ein schlechtes. Eine flache Linie hat keine Steigung, also drückt nichts weiter. Auf der anderen Seite bleibt sie steil: Ein Token, das sich in die falsche Richtung bewegt hat, wird zurückgezogen. Die meisten Token bewegen sich in einem Update kaum; der Clip gilt den wenigen, die davonlaufen würden.',
  see: 'Die Updates von FULL nacheinander ansehen',
};
