// The curves of all prompts: those that the cut keeps beside those that it rejects.
import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RunView } from '../../../src/index.ts';
import {
  drawTrajectories,
  epochUnder,
  MOST_LINES,
  type Spot,
  spotUnder,
} from '../../plots/trajectories.ts';
import { epochNow, pointed } from '../../state/pointing.ts';
import { follow, inspected } from '../../state/stage.ts';
import { whole } from '../../strings/numbers.ts';
import { promptsText } from '../../strings/prompts.ts';
import { keptNow, picked, tried, wantedNow } from './choice.ts';
import { useRedraws } from './matrix.tsx';
import { inRegion } from './order.ts';

/** Share of the plane that a drag spans at least; less is a click. */
const LEAST_REGION = 0.02;

export function Curves({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  const text = promptsText.value;
  const kept = keptNow(run);
  const wanted = wantedNow(run);
  const panels = [
    {
      id: 'kept',
      title: kept ? (tried.value ? text.keptByCut : text.keptByLim) : text.allSoFar,
      color: kept ? '--lim' : '--rejected',
      prompts: kept ? wanted.filter((prompt) => kept.has(prompt)) : wanted,
      before: text.curvesBefore,
    },
    {
      id: 'rejected',
      title: text.rejectedTitle,
      color: '--rejected',
      prompts: kept ? wanted.filter((prompt) => !kept.has(prompt)) : [],
      before: text.curvesLater,
    },
  ];
  return (
    <>
      <div class="pair">
        {panels.map((panel) => (
          <Panel key={panel.id} run={run} panel={panel} parted={kept !== undefined} />
        ))}
      </div>
      <p class="hint">{text.curvesHint}</p>
    </>
  );
}

interface PanelProps {
  readonly run: RunView;
  readonly parted: boolean;
  readonly panel: {
    readonly id: string;
    readonly title: string;
    readonly color: string;
    readonly prompts: readonly number[];
    readonly before: string;
  };
}

function Panel({ run, parted, panel }: PanelProps): JSX.Element {
  const { id, title, color, prompts, before } = panel;
  const text = promptsText.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  useRedraws(canvas);
  const [region, setRegion] = useState<readonly [Spot, Spot]>();
  const { epochs } = run.config.experiment;
  const { signal } = run.config.lim;
  const selected = inspected.value;
  const frame = {
    epochs,
    signal,
    pointed: epochNow(),
    titles: {
      epoch: text.epochAxis,
      value: signal === 'accuracy' ? text.shareAxis : text.rewardAxis,
    },
    region,
  };
  useLayoutEffect(() => {
    const { columns, meanCurve } = run;
    if (!canvas.current) return;
    drawTrajectories(canvas.current, { prompts, columns, meanCurve, selected, color }, frame);
  });
  const spot = (event: PointerEvent): Spot | undefined =>
    canvas.current ? spotUnder(canvas.current, event, frame) : undefined;
  const pick = (): void => {
    if (!region) return;
    setRegion(undefined);
    const [from, to] = region;
    const low = signal === 'accuracy' ? 0 : -1;
    const across = Math.abs(to.epoch - from.epoch) / Math.max(1, epochs - 1);
    const down = Math.abs(to.value - from.value) / (1 - low);
    if (Math.max(across, down) < LEAST_REGION) return;
    // A narrow region over one epoch is meant for that epoch.
    const reach = 0.15;
    picked.value = inRegion(run, {
      epochs: [Math.min(from.epoch, to.epoch) - reach, Math.max(from.epoch, to.epoch) + reach],
      values: [from.value, to.value],
    });
  };
  const many =
    prompts.length > MOST_LINES
      ? text.curvesSample(whole(MOST_LINES), whole(prompts.length))
      : text.curvesCount(prompts.length, whole(prompts.length));
  return (
    <figure aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>{title}</h3>
      <canvas
        id={id}
        ref={canvas}
        role="img"
        aria-labelledby={`${id}-title ${id}-text`}
        onPointerDown={(event) => {
          const at = spot(event);
          if (!at || event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setRegion([at, at]);
        }}
        onPointerMove={(event) => {
          pointed.value = { epoch: epochUnder(event.currentTarget, event.clientX, epochs) };
          const at = spot(event);
          if (region && at) setRegion([region[0], at]);
        }}
        onPointerUp={pick}
        onPointerCancel={() => setRegion(undefined)}
        onPointerLeave={() => (pointed.value = undefined)}
      />
      <figcaption id={`${id}-text`}>
        {parted
          ? text.curvesText(many, selected !== undefined && prompts.includes(selected))
          : before}
      </figcaption>
    </figure>
  );
}
