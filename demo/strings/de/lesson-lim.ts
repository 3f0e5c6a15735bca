import type { LessonLimText } from '../lesson-lim.ts';

export const text: LessonLimText = {
  intro:
    'LIM behält die Prompts, deren Lernkurve der mittleren Kurve aller Prompts folgt. Zeichnen Sie die Kurve eines Prompts und sehen Sie, ob er behalten würde.',
  rewards:
    'Dieser Lauf bewertet mittlere Belohnungen. Die Lektion zeichnet Anteile richtiger Antworten: In der Aufzeichnung ist sie zu sehen.',
  curves: 'Kurven für den Anfang',
  presets: {
    late: 'Spätzünder',
    always: 'immer richtig',
    never: 'nie richtig',
    lucky: 'Glückstreffer',
    mean: 'auf dem Mittel',
  },
  plot: 'Die Lernkurve eines Prompts; jede Epoche ist ein Regler',
  plotHint:
    'Punkte ziehen, oder mit Tab und den Pfeiltasten verstellen. Balken: Abstand der Kurve vom Mittel.',
  meanLabel: 'Mittel aller Prompts',
  epochs: 'Epoche',
  epoch: (number) => `Epoche ${number}`,
  right: (count, of) => `${count} von ${of} Antworten richtig`,
  scoreIs: 'ist sein LIM-Score',
  kept: (theta) => `behalten: mindestens ${theta}`,
  rejected: (theta) => `nicht behalten: unter ${theta}`,
  strip: (score) => `Score ${score} unter den Scores von 200 neuen Ziehungen`,
  cloud: (samples, low, high, kept) =>
    `Jeder Punkt beruht auf nur ${samples} Antworten. Zieht man sie 200-mal neu aus derselben Kurve, liegen neun von zehn Scores zwischen ${low} und ${high}, und ${kept} davon würden behalten.`,
  sum: 'Die Rechnung hinter dem Score',
  promptCurve: 'Die Kurve dieses Prompts übernehmen:',
  tries: {
    late: 'Der Spätzünder: Er lernt, aber anders als das Mittel. Wird er behalten?',
    mean: 'Genau auf dem Mittel: Wie viele der Ziehungen werden dann noch behalten?',
    never: 'Nie richtig: Wohin fällt der Score?',
  },
  noticeRejected: (level, needed, theta) =>
    `„Immer richtig“ erhält 0, was auch immer die anderen tun: Aus so einem Prompt ist nichts zu lernen. „Nie richtig“ wird nur verworfen, weil die Prompts insgesamt gut laufen: Ihre mittlere Kurve liegt im Schnitt bei ${level}, und bei θ = ${theta} muss sie über ${needed} liegen. Bleibt die Kurve eines Laufs darunter, behält LIM hoffnungslose Prompts.`,
  noticeKept: (level, needed, theta) =>
    `„Immer richtig“ erhält 0, was auch immer die anderen tun: Aus so einem Prompt ist nichts zu lernen. „Nie richtig“ wird hier behalten: Die mittlere Kurve liegt im Schnitt nur bei ${level}, und bei θ = ${theta} müsste sie über ${needed} liegen, um hoffnungslose Prompts zu verwerfen. In einem Lauf, der mehr lernt, fallen sie unter θ.`,
  see: 'Sehen, wie sich alle Prompts nach ihrem Score ordnen',
};
