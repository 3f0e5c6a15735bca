// A reward matrix of any size as a map of colours: prompts by score, epochs from top to bottom.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ImportedScores } from '../../../src/entries/browser.ts';
import { cssColor, placeIn, surfaceOf } from '../../plots/canvas.ts';
import { hexOf, rampColor, rampNow } from '../../plots/ramp.ts';
import { scheme } from '../../scheme.ts';
import { fixed } from '../../strings/numbers.ts';
import { dataText } from '../../strings/data.ts';
import { useWidth } from '../../views/markup.tsx';
import { visibleString } from '../../visible-text.ts';
import { cellsOf } from './import-model.ts';
import { rowsAt } from './imports.ts';

/** Height of an epoch, in pixels; less where there are many. */
const ROW = 22;
const MOST_HEIGHT = 260;
/** Height below the map for the mark of what is kept. */
const MARK = 8;
/** Milliseconds for which a pointer rests before the prompt under it is asked for. */
const REST_MS = 80;

export function MatrixMap(props: {
  readonly data: ImportedScores;
  readonly order: Uint32Array;
  readonly kept: number;
}): JSX.Element {
  const { data, order, kept } = props;
  const t = dataText.value;
  const [host, width] = useWidth();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [said, setSaid] = useState('');
  const asked = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const height = Math.min(MOST_HEIGHT, data.epochs * ROW) + MARK;
  const cells = useMemo(() => cellsOf(data, order, width || 1), [data, order, width]);
  const now = scheme.value;
  useEffect(() => {
    const surface = canvas.current && surfaceOf(canvas.current);
    if (!surface) return;
    const { context } = surface;
    const stops = rampNow();
    const missing = cssColor('--missing');
    const high = (surface.height - MARK) / cells.epochs;
    const wide = surface.width / cells.columns;
    for (let epoch = 0; epoch < cells.epochs; epoch++) {
      for (let column = 0; column < cells.columns; column++) {
        const value = cells.values[epoch * cells.columns + column] ?? NaN;
        const share = data.signal === 'accuracy' ? value : (value + 1) / 2;
        context.fillStyle = Number.isNaN(value) ? missing : hexOf(rampColor(stops, share));
        // Neighbours overlap by less than a pixel, so that no seam shows the card between them.
        context.fillRect(column * wide, epoch * high, wide + 0.5, high + 0.5);
      }
    }
    context.clearRect(0, surface.height - MARK, surface.width, MARK);
    context.fillStyle = cssColor('--lim');
    context.fillRect(
      0,
      surface.height - MARK + 3,
      (surface.width * kept) / Math.max(1, order.length),
      MARK - 3,
    );
  }, [cells, data, kept, order, width, now]);
  useEffect(() => () => clearTimeout(asked.current), []);
  const point = (event: PointerEvent): void => {
    const at = canvas.current && placeIn(canvas.current, event);
    if (!at || at.width === 0) return;
    const rank = Math.floor((at.x / at.width) * order.length);
    const epoch = Math.floor((at.y / (at.height - MARK)) * data.epochs);
    const place = order[rank];
    clearTimeout(asked.current);
    if (place === undefined || epoch < 0 || epoch >= data.epochs) return;
    asked.current = setTimeout(() => {
      const value = data.values[place * data.epochs + epoch] ?? NaN;
      rowsAt([place]).then(
        ([row]) => {
          if (!row) return;
          const known = Number.isNaN(value) ? t.missing : fixed(value, 2);
          const score = Number.isNaN(row.score) ? t.noScore : fixed(row.score, 3);
          setSaid(
            `${visibleString(row.prompt.slice(0, 160))} · ${t.score} ${score} · ${t.epoch(epoch + 1)}: ${known}`,
          );
        },
        // The rollouts were closed meanwhile.
        () => setSaid(''),
      );
    }, REST_MS);
  };
  return (
    <div ref={host}>
      <canvas
        ref={canvas}
        class="matrix-map"
        style={{ height: `${height}px` }}
        role="img"
        aria-label={t.matrix(data.signal)}
        onPointerMove={point}
        onPointerLeave={() => {
          clearTimeout(asked.current);
          setSaid('');
        }}
      />
      <p class="hint pointed">{said}</p>
      <ul class="legend">
        <li>
          <span class="ramp" />{' '}
          {data.signal === 'accuracy'
            ? `${fixed(0, 0)} – ${fixed(1, 0)}`
            : `${fixed(-1, 0)} – ${fixed(1, 0)}`}
        </li>
        <li>
          <span class="swatch missing" /> {t.missing}
        </li>
        <li>
          <span class="tick kept" /> {t.keptMark}
        </li>
      </ul>
    </div>
  );
}
