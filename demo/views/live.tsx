// The run under way: how far it is, and the buttons that pause and stop it.
import { effect } from '@preact/signals';
import { render, type JSX } from 'preact';
import { standing, type Standing } from '../../src/index.ts';
import { liveActions, livePanel } from '../state/live-panel.ts';
import { live } from '../state/stage.ts';
import { liveText } from '../strings/live.ts';
import { Button } from './markup.tsx';

/** Draws the panel in its place. Called once. */
export function openLive(host: HTMLElement): void {
  effect(() => {
    host.ariaLabel = liveText.value.name;
    host.classList.toggle('idle', live.value === undefined);
  });
  render(<Live />, host);
}

/** Where the run stands, or what the page is at while none is. */
function whereNow(): Standing {
  const text = liveText.value;
  const { run, canTrain, stopping } = livePanel.value;
  if (!run) {
    const phase = canTrain === undefined ? text.looking : canTrain ? text.ready : text.cannot;
    const detail = canTrain === false ? text.storedOpen : text.nothingStarts;
    return { phase, pace: '', detail, fraction: 0 };
  }
  const where = standing(run, text.standing);
  return stopping && run.running ? { ...where, phase: text.stopping, pace: '' } : where;
}

function Live(): JSX.Element {
  const text = liveText.value;
  const { run, watching, stopping, buttons } = livePanel.value;
  const { pause, step, stop } = liveActions.value;
  const { phase, pace, detail, fraction } = whereNow();
  return (
    <>
      <div class="progress">
        <progress
          id="progress"
          class={run?.state === 'failed' ? 'failed' : ''}
          max={1}
          value={fraction}
          aria-label={text.share}
        />
        <p id="phase" class="phase">
          {phase}
        </p>
        <p id="pace">{pace}</p>
        <p id="detail" class="quiet">
          {detail}
        </p>
      </div>
      <div id="training" class="buttons" role="group" aria-label={text.buttons} hidden={watching}>
        <Button id="pause" disabled={!buttons.pause || stopping} onClick={pause}>
          {buttons.resumes ? text.resume : text.pause}
        </Button>
        <Button id="step" disabled={!buttons.step || stopping} onClick={step}>
          {text.step}
        </Button>
        <Button id="stop" disabled={!buttons.stop || stopping} onClick={stop}>
          {text.stop}
        </Button>
      </div>
    </>
  );
}
