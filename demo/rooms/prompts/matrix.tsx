// The reward matrix of the Prompts room: all prompts in the chosen order.
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { startsFromFolder, type RunView } from '../../../src/index.ts';
import { firstPicture } from '../../first-picture.ts';
import { HeatMap } from '../../plots/heat-map.ts';
import { scheme } from '../../scheme.ts';
import { epochNow, pointed } from '../../state/pointing.ts';
import { chosen, depends, follow, inspected } from '../../state/stage.ts';
import { matrixText } from '../../strings/matrix.ts';
import { fixed, whole } from '../../strings/numbers.ts';
import { engineText } from '../../strings/engine.ts';
import { promptsText } from '../../strings/prompts.ts';
import { mayMove } from '../../views/stage.tsx';
import { visibleString } from '../../visible-text.ts';
import { keptNow, order, ordered, picked, tried, wantedNow, wantsAll } from './choice.ts';
import { cutWords } from './explorer.tsx';

/** Draws a component again when its canvas has another size, or the page other colours. */
export function useRedraws(canvas: { readonly current: HTMLCanvasElement | null }): void {
  const [, setCount] = useState(0);
  depends(scheme.value);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    const again = (): void => setCount((now) => now + 1);
    const look = new ResizeObserver(again);
    look.observe(element);
    return () => look.disconnect();
  }, []);
}

export function Matrix({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  const text = promptsText.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  const map = useRef<HeatMap>(undefined);
  useRedraws(canvas);
  useEffect(() => {
    if (!canvas.current) return undefined;
    map.current = new HeatMap(
      canvas.current,
      {
        onSelect: (prompt) => (chosen.value = prompt),
        onPoint: (at) => (pointed.value = at),
        onRange: (prompts) => (picked.value = new Set(prompts)),
      },
      mayMove,
    );
    return () => (pointed.value = undefined);
  }, []);
  const by = order.value;
  depends(matrixText.value);
  const { first, last } = text.ends[by === 'score' && !run.scores ? 'mean' : by];
  const state = {
    config: run.config,
    selected: inspected.value,
    epoch: epochNow(),
    shown: {
      order: ordered(run),
      ends: [first, last],
      kept: keptNow(run),
      cut: by === 'score' && run.lim ? cutOf(run) : undefined,
      wanted: wantsAll.value ? undefined : new Set(wantedNow(run)),
    },
  } as const;
  useLayoutEffect(() => {
    if (map.current?.draw(run, state)) firstPicture();
  });
  return (
    <>
      <p id="matrix-text">
        {text.heatText(by === 'score' && !run.scores ? text.orderTexts.means : text.orderTexts[by])}
      </p>
      <canvas
        id="matrix"
        ref={canvas}
        tabIndex={0}
        role="slider"
        aria-label={text.matrixLabel}
        aria-valuemin={1}
        aria-describedby="matrix-hint"
      />
      <MatrixLegend run={run} />
      <CellText run={run} />
      <p id="matrix-hint" class="hint">
        {text.matrixHint}
      </p>
    </>
  );
}

const cutOf = (run: RunView): string | undefined =>
  tried.value ? cutWords(tried.value) : run.lim && engineText.value.cut(run.lim);

/** Colours and marks of all pictures of the matrix. */
export function MatrixLegend({ run }: { readonly run: RunView }): JSX.Element {
  const text = promptsText.value;
  const drawn = run.pool.some(({ origin }) => origin !== undefined);
  const accuracy = startsFromFolder(run.config) ? text.rampOwn : text.rampAccuracy;
  return (
    <ul class="legend" aria-label={text.legend}>
      <li>
        <span class="ramp" /> {run.config.lim.signal === 'accuracy' ? accuracy : text.rampReward}
      </li>
      <li>
        <span class="swatch missing" /> {text.missing}
      </li>
      {drawn && (
        <>
          <li>
            <span class="swatch easy" /> {text.easy}
          </li>
          <li>
            <span class="swatch learnable" /> {text.learnable}
          </li>
          <li>
            <span class="swatch hard" /> {text.hard}
          </li>
          <li>
            <span class="tick wrong" /> {text.wrongKey}
          </li>
        </>
      )}
      <li>
        <span class="tick kept" /> {text.keptMark}
      </li>
    </ul>
  );
}

/** The cell under the pointer in words. */
export function CellText({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  return (
    <p id="matrix-cell" class="hint">
      {cellWords(run)}
    </p>
  );
}

function cellWords(run: RunView): string {
  const text = promptsText.value;
  const at = pointed.value;
  if (at?.prompt === undefined) return '';
  const value = run.columns[at.epoch]?.[at.prompt] ?? NaN;
  return text.cell(
    whole(at.epoch + 1),
    visibleString(run.textOf(at.prompt)),
    run.pool[at.prompt]?.wrongKey ?? false,
    Number.isNaN(value) ? text.noValue : fixed(value, 2),
  );
}
