// The stage: one large picture for each act. Those of acts 2 and 3 are here, the others are loaded later.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RunView } from '../../src/index.ts';
import { chosen, depends, follow, inspected, motion, shownRun } from '../state/stage.ts';
import { actOf } from '../state/act.ts';
import { matrixText } from '../strings/matrix.ts';
import { HeatMap } from '../plots/heat-map.ts';
import { scheme } from '../scheme.ts';
import { runText } from '../strings/run.ts';
import { firstPicture } from '../first-picture.ts';
import { visibleString } from '../visible-text.ts';
import { Button, Code } from './markup.tsx';

/** The pictures of acts that are not needed for the first picture; undefined until they are loaded. */
export const laterActs = signal<
  | (Pick<typeof import('./acts.tsx'), 'Problem' | 'Race' | 'Finding'> &
      Pick<typeof import('../state/finding.ts'), 'apartText'>)
  | undefined
>(undefined);

export function Stage(): JSX.Element {
  const run = shownRun();
  const act = run ? actOf(run) : 2;
  const text = runText.value;
  const views = laterActs.value;
  return (
    <section class="card stage" aria-labelledby="stage-title">
      <h2 id="stage-title">{text.stages[act - 1]}</h2>
      {!run || act === 2 || act === 3 ? (
        <Field />
      ) : views === undefined ? (
        <p class="quiet">{text.onItsWay}</p>
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
export function Field(): JSX.Element {
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
  depends(width, scheme.value, matrixText.value);
  return (
    <>
      <canvas
        id="stage-matrix"
        ref={canvas}
        tabIndex={0}
        role="slider"
        aria-label={runText.value.field}
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
  const text = runText.value;
  if (!run || !pointed) return text.fieldHint;
  const { prompt } = pointed;
  const epoch = pointed.epoch + 1;
  const value = run.columns[pointed.epoch]?.[prompt] ?? NaN;
  const what = visibleString(run.textOf(prompt));
  const { samples } = run.config.rollout;
  if (Number.isNaN(value)) return text.notYet(epoch, what);
  const known =
    run.config.lim.signal === 'accuracy'
      ? text.matched(epoch, what, Math.round(value * samples), samples)
      : text.earned(epoch, what, value);
  return run.pool[prompt]?.wrongKey ? known + text.andWrong : known;
}

function Legend({ run }: { readonly run: RunView | undefined }): JSX.Element {
  if (run) follow(run);
  const text = runText.value;
  const drawn = run?.pool.some(({ origin }) => origin !== undefined) ?? false;
  return (
    <ul class="legend" aria-label={text.legend}>
      <li>
        <span class="ramp" /> {run?.config.lim.signal === 'reward' ? text.rewards : text.shares}
      </li>
      {drawn && (
        <>
          {(['easy', 'learnable', 'hard'] as const).map((origin) => (
            <li key={origin}>
              <span class={`swatch ${origin}`} /> {text[origin]}
            </li>
          ))}
          <li>
            <span class="tick wrong" /> {text.wrong}
          </li>
        </>
      )}
      {run?.lim && (
        <li>
          <span class="tick kept" /> {text.keptByLim}
        </li>
      )}
    </ul>
  );
}

/** The prompts that changed most in the last round. */
function Changes({ run }: { readonly run: RunView }): JSX.Element | null {
  follow(run);
  const text = runText.value;
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
      <p class="quiet">{text.changed(columns.length)}</p>
      <ul>
        {rises.map(({ prompt, from, to }) => (
          <li key={prompt}>
            <Button
              class="prompt"
              pressed={inspected.value === prompt}
              onClick={() => (chosen.value = prompt)}
            >
              <Code text={run.textOf(prompt)} />{' '}
              {text.change(Math.round(from * samples), Math.round(to * samples), samples)}
            </Button>
          </li>
        ))}
      </ul>
    </div>
  );
}
