// The stage: one large picture for each act. Those of acts 2 and 3 are here, the others are loaded later.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RunView } from '../../src/index.ts';
import { chosen, depends, follow, inspected, motion, shownRun } from '../state/stage.ts';
import { actOf } from '../state/story.ts';
import { HeatMap } from '../plots/heat-map.ts';
import { scheme } from '../scheme.ts';
import { firstPicture } from '../first-picture.ts';
import { visibleString } from '../visible-text.ts';
import { Button, Code } from './markup.tsx';

const titles = [
  'A problem, and an answer',
  'Every prompt, epoch by epoch',
  'The same prompts, in order of their score',
  'Trained again, on a selection',
  'What came out',
];

/** The pictures of acts that are not needed for the first picture; undefined until they are loaded. */
export const laterActs = signal<
  | (Pick<typeof import('./acts.tsx'), 'Problem' | 'Race' | 'Finding'> &
      Pick<typeof import('../state/finding.ts'), 'apartText'>)
  | undefined
>(undefined);

export function Stage(): JSX.Element {
  const run = shownRun();
  const act = run ? actOf(run) : 2;
  const title = titles[act - 1] ?? '';
  const views = laterActs.value;
  return (
    <section class="card stage" aria-labelledby="stage-title">
      <h2 id="stage-title">{title}</h2>
      {!run || act === 2 || act === 3 ? (
        <Field />
      ) : views === undefined ? (
        <p class="quiet">This picture is on its way.</p>
      ) : act === 1 ? (
        <views.Problem run={run} />
      ) : act === 4 ? (
        <views.Race run={run} />
      ) : (
        <views.Finding run={run} />
      )}
    </section>
  );
}

/** Whether the user, or the address, wants things to stay where they are. */
export const mayMove = (): boolean =>
  motion.peek() && !matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Acts 2 and 3: the reward matrix, column by column, then in order of score. */
function Field(): JSX.Element {
  const run = shownRun();
  const prompt = inspected.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  const map = useRef<HeatMap>(undefined);
  const [pointed, setPointed] = useState<{ readonly prompt: number; readonly epoch: number }>();
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!canvas.current) return undefined;
    const events = {
      onSelect: (prompt: number) => (chosen.value = prompt),
      onPoint: setPointed,
    };
    map.current = new HeatMap(canvas.current, events, mayMove);
    const element = canvas.current;
    const look = new ResizeObserver(() => setWidth(element.clientWidth));
    look.observe(element);
    return () => look.disconnect();
  }, []);
  useLayoutEffect(() => {
    const drawn = map.current?.draw(run, {
      config: run?.config,
      selected: prompt,
      epoch: pointed?.epoch,
    });
    if (drawn) firstPicture();
  });
  depends(width, scheme.value);
  return (
    <>
      <canvas
        id="stage-matrix"
        ref={canvas}
        tabIndex={0}
        role="slider"
        aria-label="Prompts, by what they earned"
        aria-valuemin={1}
        aria-describedby="stage-cell"
      />
      <p id="stage-cell" class="hint">
        {cellText(run, pointed)}
      </p>
      <Legend run={run} />
      {run && <Changes run={run} />}
    </>
  );
}

function cellText(
  run: RunView | undefined,
  pointed: { readonly prompt: number; readonly epoch: number } | undefined,
): string {
  if (!run || !pointed) {
    return 'A column is a prompt, a row is an epoch: one pass over all prompts. Click, or use the arrow keys.';
  }
  const { prompt, epoch } = pointed;
  const value = run.columns[epoch]?.[prompt] ?? NaN;
  const text = visibleString(run.textOf(prompt));
  const { samples } = run.config.rollout;
  if (Number.isNaN(value)) return `Epoch ${epoch + 1}, ${text}: not yet`;
  const known =
    run.config.lim.signal === 'accuracy'
      ? `${Math.round(value * samples)} of ${samples} answers match the key`
      : `mean reward ${value.toFixed(2)}`;
  const wrong = run.pool[prompt]?.wrongKey ? ', a key that is wrong on purpose' : '';
  return `Epoch ${epoch + 1}, ${text}: ${known}${wrong}`;
}

function Legend({ run }: { readonly run: RunView | undefined }): JSX.Element {
  if (run) follow(run);
  const drawn = run?.pool.some(({ origin }) => origin !== undefined) ?? false;
  return (
    <ul class="legend" aria-label="Colours and marks of the picture">
      <li>
        <span class="ramp" />{' '}
        {run?.config.lim.signal === 'reward' ? 'mean reward, −1 to 1' : 'none to all answers match'}
      </li>
      {drawn && (
        <>
          <li>
            <span class="swatch easy" /> easy
          </li>
          <li>
            <span class="swatch learnable" /> learnable
          </li>
          <li>
            <span class="swatch hard" /> hard
          </li>
          <li>
            <span class="tick wrong" /> key wrong on purpose
          </li>
        </>
      )}
      {run?.lim && (
        <li>
          <span class="tick kept" /> kept by LIM
        </li>
      )}
    </ul>
  );
}

/** The prompts that changed most in the last round. */
function Changes({ run }: { readonly run: RunView }): JSX.Element | null {
  follow(run);
  const { columns, config } = run;
  const [before, last] = [columns.at(-2), columns.at(-1)];
  if (!before || !last || config.lim.signal !== 'accuracy') return null;
  const { samples } = config.rollout;
  const rises = run.pool
    .map((_, prompt) => ({ prompt, from: before[prompt] ?? NaN, to: last[prompt] ?? NaN }))
    .filter(({ from, to }) => !Number.isNaN(to - from) && to !== from)
    .sort((a, b) => Math.abs(b.to - b.from) - Math.abs(a.to - a.from) || a.prompt - b.prompt)
    .slice(0, 3);
  if (rises.length === 0) return null;
  return (
    <div class="changes">
      <p class="quiet">Changed most in epoch {columns.length}:</p>
      <ul>
        {rises.map(({ prompt, from, to }) => (
          <li key={prompt}>
            <Button
              class="prompt"
              pressed={inspected.value === prompt}
              onClick={() => (chosen.value = prompt)}
            >
              <Code text={run.textOf(prompt)} /> {Math.round(from * samples)} →{' '}
              {Math.round(to * samples)} of {samples}
            </Button>
          </li>
        ))}
      </ul>
    </div>
  );
}
