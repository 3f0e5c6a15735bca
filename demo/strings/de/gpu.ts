import type { GpuText } from '../gpu.ts';

const terminal = 'Oder ohne Browser: npm install && npm start in einem Terminal.';

export const text: GpuText = {
  title: 'Dieser Browser kann hier nicht trainieren',
  whatToDo: 'Was zu tun ist',
  insecure: (origin) => `WebGPU braucht eine sichere Seite, und ${origin} ist keine.`,
  absent: 'Er hat kein WebGPU (navigator.gpu fehlt), auf dem das Training läuft.',
  refused: (why) => `Er hat WebGPU, bietet dieser Seite aber keinen Adapter an: ${why}.`,
  advice: {
    insecure: [
      'Öffnen Sie die Seite über https oder als http://localhost auf dem Rechner, der sie liefert.',
    ],
    absent: [
      'Chrome oder Edge ab 113 unter Windows, macOS und ChromeOS; ab 121 unter Android.',
      'Safari ab 26.',
      'Firefox ab 141 unter Windows, ab 145 auf einem Mac mit Apple-Chip.',
      'Chrome unter Linux: chrome://flags/#enable-unsafe-webgpu, wo es nicht von selbst an ist.',
      terminal,
    ],
    refused: [
      'Schalten Sie in den Einstellungen des Browsers die Hardwarebeschleunigung ein und starten Sie ihn neu.',
      'Sehen Sie unter chrome://gpu (in Firefox about:support) nach, warum WebGPU aus ist; erneuern Sie den Treiber.',
      'Ohne GPU: Starten Sie Chromium mit --enable-unsafe-webgpu --use-webgpu-adapter=swiftshader.',
      terminal,
    ],
  },
  restart:
    'Der Browser gibt dieser Seite keine GPU mehr, wie nach Abstürzen seines GPU-Prozesses: Starten Sie ihn mit allen Fenstern neu.',
  adapter: 'Adapter',
  none: 'keiner: siehe oben auf der Seite',
  kind: 'Art',
  software: 'Software auf der CPU: Es dauert Minuten, nicht Sekunden',
  gpu: 'GPU',
  buffer: 'Größter Puffer',
  binding: 'Größte Bindung',
  subgroups: 'Subgroups',
  used: 'ja, genutzt',
  unneeded: 'nein; nicht nötig',
};
