import { methodLabel } from '../../../src/index.ts';
import type { LiveText } from '../live.ts';
import { bytes, duration, fixed, whole } from '../numbers.ts';

export const text: LiveText = {
  name: 'Der laufende Versuch',
  share: 'Fertiger Anteil des Laufs',
  buttons: 'Training',
  pause: 'Pause',
  resume: 'Weiter',
  step: 'Schritt',
  stop: 'Beenden',
  looking: 'Sucht eine GPU',
  ready: 'Bereit',
  cannot: 'Keine GPU hier: Training ist nicht möglich',
  nothingStarts: 'Nichts beginnt, bevor Sie „Start“ drücken.',
  storedOpen:
    'Läufe, die dieser Browser aufbewahrt, lassen sich öffnen; der Grund und was zu tun ist, steht oben.',
  stopping: 'Endet nach diesem Update',
  begins: 'Beginnt',
  unfinished: 'Ein unfertiger Lauf kann fortgesetzt werden',
  opened: (preset) => `Der Lauf der Vorgabe ${preset} ist geöffnet`,
  standing: {
    starting: 'Öffnet das Gerät',
    first: 'Die ersten Kernel werden übersetzt.',
    compiling: (compiled, of, label) =>
      `Übersetzt Kernel ${compiled} von ${of}, nur einmal: ${label}`,
    compiled: (kernels) => `${kernels} Kernel übersetzt.`,
    reading: { check: 'Prüft die Dateien', weights: 'Lädt das Modell' },
    amount: (read, of) => `${bytes(read)} von ${bytes(of)}`,
    stopsAtOnce: '„Beenden“ bricht dies sofort ab.',
    pausing: 'Pause nach diesem Update … ',
    stepping: 'Ein Schritt … ',
    paused: 'Pause. ',
    stopping: 'Endet nach diesem Update … ',
    phase: (stage, told) =>
      stage === undefined
        ? told
        : stage === 'base'
          ? 'Das Ausgangsmodell'
          : stage === 'score'
            ? 'LIM-Werte'
            : stage === 'report'
              ? 'Schreibt die Ergebnisse'
              : `${methodLabel(stage)} trainiert`,
    seed: (seed) => ` (Startwert ${seed})`,
    pretraining: 'Trainiert das Ausgangsmodell vor',
    loss: (update, of, loss) => `Update ${update} von ${of}, Verlust ${fixed(loss, 2)}`,
    update: (update) => `Update ${update} · `,
    pace: (eta, tokensPerSecond, stepMs) =>
      `noch etwa ${duration(eta)} · ${whole(tokensPerSecond)} Tokens/s · ` +
      `${duration(stepMs / 1000)} je Update`,
    lost: 'Die GPU ging verloren',
    noGpu: 'Der Browser gibt keine GPU her',
    failed: 'Der Lauf ist gescheitert',
    lostWhy: (why) => `Der GPU-Prozess des Browsers oder der Treiber hielt an: ${why}.`,
    again: (seconds, attempt, most) =>
      `Öffnet in ${seconds} s wieder ein Gerät (${attempt} von ${most} in einer Stunde)`,
    stopped: 'Beendet',
    done: 'Fertig',
    took: (seconds) => `in ${duration(seconds)}`,
    restart:
      'Der Browser gibt dieser Seite keine GPU mehr, wie nach Abstürzen seines GPU-Prozesses: Starten Sie ihn mit allen Fenstern neu.',
    memoryAlone: 'Er war nur im Arbeitsspeicher: Er kann nicht weitergehen.',
    resumesThen: 'Der letzte Zwischenstand ist da: „Fortsetzen“ macht dann dort weiter.',
    beginsThen: '„Start“ beginnt ihn dann von vorn.',
    resumes: 'Der letzte Zwischenstand ist da: „Fortsetzen“, unten, macht dort Bit für Bit weiter.',
    begins: 'Es gab noch keinen Zwischenstand: „Start“ beginnt ihn von vorn.',
  },
};
