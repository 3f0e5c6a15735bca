import type { OverviewText } from '../overview.ts';

export const text: OverviewText = {
  title: 'Was hier zu sehen ist',
  given: (estimator, adapters) =>
    `Ihr Modell beantwortet die Prompts Ihrer Datei. Bestärkendes Lernen (${estimator}) zieht zu jedem mehrere Antworten, Ihr Prüfer belohnt jede davon, und ${
      adapters ? 'Adapter neben dem unveränderten Modell bewegen sich' : 'das Modell bewegt sich'
    } auf das zu, was belohnt wurde.`,
  drawn: 'Ein winziges Sprachmodell löst Ziffernaufgaben, von links nach rechts, etwa',
  base: 'Das Ausgangsmodell hat das Verfahren mit Fehlern gelernt. Bestärkendes Lernen (PPO) zieht dann Antworten; ein Prüfer gibt 1 für eine, die mit der Lösung des Prompts übereinstimmt, −0,5 für eine andere und −1 für keine gültige Antwort, und das Modell bewegt sich auf das zu, was belohnt wurde.',
  full: (pool, epochs) =>
    `trainiert mit ${pool === undefined ? 'allen Prompts' : `allen ${pool} Prompts`}, ${epochs} Epochen lang. Dabei wird die Belohnung jedes Prompts Epoche für Epoche festgehalten. Ein Prompt, dessen Kurve nahe an der mittleren Kurve aller Prompts verläuft, trägt zum Lernen bei, sagt die`,
  paper: 'LIMR-Arbeit',
  score: 'Sein Score ist',
  formula:
    'der Score von Prompt i ist 1 minus die Summe über die Epochen k von (Belohnung von i in k minus mittlere Belohnung in k) im Quadrat, geteilt durch die Summe über k von (1 minus mittlere Belohnung in k) im Quadrat',
  again: 'Danach beginnt das Training noch einmal vom selben Ausgangsmodell, mit:',
  reach: (theta) => `den Prompts, deren Score mindestens θ = ${theta} beträgt;`,
  highest: (count) => `den ${count} Prompts mit den höchsten Scores;`,
  kept: (kept, of) => `hier ${kept} von ${of}.`,
  rand: 'ebenso vielen zufällig gezogenen Prompts;',
  linear:
    'den Prompts, deren Kurve einer steigenden Geraden am nächsten kommt (eigene Definition: die Arbeit gibt keine).',
  tested:
    'Alle werden nach gleich vielen Updates an denselben ungesehenen Aufgaben geprüft. LIM braucht vorher den Durchgang von FULL; dieser Aufwand steckt nicht in seiner Kurve.',
  injected: 'Absichtlich in die Daten gelegt:',
  injections: [
    'Die Fehler des Ausgangsmodells: Wie oft ein Schritt stimmt, hängt von Rechenzeichen und Zahl ab.',
    'Drei Arten von Prompts: leicht, lernbar und zu schwer für das Ausgangsmodell, ohne etwas dazwischen, sofern die Einstellungen nichts anderes sagen.',
    'Ein Teil der Lösungen ist absichtlich falsch, um zu sehen, ob LIM diese Prompts verwirft.',
  ],
  alone:
    'Dieser Lauf trainiert nur FULL. Seine Scores sagen, welche Prompts LIM behalten würde. Damit auch mit Auswahlen trainiert wird, gehört dies in die Einstellungen:',
};
