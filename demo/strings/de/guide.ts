import type { GuideText } from '../guide.ts';

export const text: GuideText = {
  tour: 'Rundgang',
  step: (number, of) => `${number} von ${of}`,
  back: 'Zurück',
  next: 'Weiter',
  end: 'Rundgang beenden',
  leave: 'Rundgang verlassen',
  leavePresent: 'Bedienung wieder zeigen',
  sentences: {
    base: 'Am Anfang steht das Ausgangsmodell: ein winziges Sprachmodell, das das Verfahren kennt und Fehler macht.',
    full: 'FULL trainiert mit jedem Prompt; eine Spalte ist ein Prompt, eine Zeile ein Durchgang, und heller heißt: mehr richtige Antworten.',
    score:
      'LIM ordnet die Prompts: Wer lernt, wie alle zusammen lernen, bekommt einen hohen Score, und einige werden behalten.',
    subsets:
      'Das Training beginnt noch einmal vom selben Ausgangsmodell, nur mit diesen Prompts, und daneben mit anderen Auswahlen.',
    finding:
      'Das Ergebnis steht mit seinen Intervallen da: Überschneiden sie sich, kann ein Lauf nicht sagen, wer besser ist.',
    prompts:
      'Hier lässt sich jeder Prompt ansehen: was er einbrachte und was das Modell antwortete.',
    compare: 'Hier stehen die Verfahren nebeneinander, samt den Kosten des Auswählens.',
    learn: 'Sieben Lektionen nehmen das Verfahren auseinander, jede mit etwas zum Anfassen.',
    data: 'Hier beginnt ein eigener Lauf, mit anderen Einstellungen oder eigenen Prompts. Der Rundgang startet keinen.',
  },
};
