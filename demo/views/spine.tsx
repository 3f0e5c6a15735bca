// The spine: where the run is, in five acts, one sentence and live numbers; and the film's transport.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { actOf, acts, type Act } from '../state/act.ts';
import { factOf, sentenceOf, shareOf, titleOf } from '../state/story.ts';
import {
  film,
  live,
  missing,
  place,
  playing,
  recording,
  reel,
  showReel,
  shownRun,
  speed,
  togglePlaying,
  watched,
  wind,
  workshop,
} from '../state/stage.ts';
import { day, duration } from '../strings/numbers.ts';
import { runText } from '../strings/run.ts';
import { goTo } from '../router.ts';
import { Button } from './markup.tsx';
import { laterActs } from './stage.tsx';

export function Spine(): JSX.Element {
  const run = shownRun();
  const text = runText.value;
  return (
    <section class="card spine" aria-label={text.spine}>
      <Provenance />
      {run ? (
        <>
          <Acts />
          <p class="sentence">
            {unbroken(sentenceOf(run))} {actOf(run) === 5 && laterActs.value?.apartText(run)}
          </p>
        </>
      ) : (
        <p class="sentence">
          {missing.value === undefined ? text.coming : text.missing(missing.value)}
        </p>
      )}
      <Transport />
      <Invitation />
    </section>
  );
}

/** Where the shown run comes from: a recording never passes for a run that is computed here. */
function Provenance(): JSX.Element | null {
  const run = shownRun();
  const text = runText.value;
  const [now, shown, recorded] = [live.value, reel.value, recording.value];
  const watches = now !== undefined && now === watched.value;
  const runs = now !== undefined && run?.running !== false;
  if (runs && !watches) return <p class="provenance">{text.underWay}</p>;
  if (!shown && !now) return null;
  if (!now && shown?.origin.kind === 'shared') {
    return (
      <p class="provenance">
        <strong class="recorded">{text.shared}</strong> {text.sharedText}
      </p>
    );
  }
  if (now || shown?.origin.kind !== 'recorded') {
    return (
      <p class="provenance">
        {watches ? (runs ? text.watching : text.watchedEnded) : now ? text.broken : text.finished}{' '}
        {recorded && (
          <button type="button" class="link" onClick={() => showReel(recorded, 'opening')}>
            {text.showRecording}
          </button>
        )}
      </p>
    );
  }
  const { origin } = shown;
  return (
    <p class="provenance">
      <strong class="recorded">{text.recorded}</strong> {text.recordedOn(day(origin.date))}{' '}
      <Adapter name={origin.adapter} />
    </p>
  );
}

/** The first two words of an adapter's name, vendor and family; the rest at a press. */
function Adapter({ name }: { readonly name: string }): JSX.Element {
  const whole = useSignal(false);
  const short = name.split(' ').slice(0, 2).join(' ');
  return (
    <>
      <span lang="en">{whole.value ? name : short}</span>{' '}
      {short !== name && !whole.value && (
        <button
          type="button"
          class="link"
          aria-label={runText.value.adapter}
          onClick={() => (whole.value = true)}
        >
          …
        </button>
      )}
    </>
  );
}

function Acts(): JSX.Element {
  const run = shownRun();
  const now = run ? actOf(run) : 1;
  return (
    <ol class="acts">
      {acts.map((act) => {
        const title = titleOf(act);
        const begins = film.value?.begins.get(act);
        const fact = run ? factOf(run, act) : '';
        return (
          <li class={act < now ? 'past' : act === now ? 'now' : 'ahead'}>
            <button
              type="button"
              disabled={begins === undefined}
              aria-label={fact === '' ? title : `${title}, ${fact}`}
              aria-current={act === now ? 'step' : undefined}
              onClick={() => toAct(act)}
            >
              <span class="number" aria-hidden="true">
                {act}
              </span>
              <span class="title">{title}</span>
              <span class="fact">{fact}</span>
            </button>
            <progress
              max={1}
              value={run ? shareOf(run, act) : 0}
              aria-label={runText.value.shareOf(title)}
            />
          </li>
        );
      })}
    </ol>
  );
}

/** Winds the film to where an act has something to show. */
export function toAct(act: Act): void {
  const now = film.peek();
  const to = now?.shows.get(act) ?? now?.begins.get(act);
  if (to !== undefined) wind(to);
}

const speeds = [0.5, 1, 2, 4];

function Transport(): JSX.Element | null {
  const now = film.value;
  if (!now) return null;
  const run = shownRun();
  const text = runText.value;
  const where = run ? `${titleOf(actOf(run))}, ${factOf(run, actOf(run))}` : '';
  return (
    <div class="transport" role="group" aria-label={text.recording}>
      <Button
        id="play"
        class="round primary"
        label={playing.value ? text.pause : text.play}
        onClick={togglePlaying}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d={playing.value ? 'M8 5v14M16 5v14' : 'M8 5l11 7-11 7z'} />
        </svg>
      </Button>
      <input
        id="film"
        type="range"
        min={0}
        max={Math.round(now.length)}
        step={10}
        value={Math.round(place.value)}
        aria-label={text.place}
        aria-valuetext={where}
        onInput={({ currentTarget }) => wind(Number(currentTarget.value))}
        onKeyDown={(event) => {
          const direction = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
          if (direction === 0) return;
          event.preventDefault();
          event.stopPropagation();
          wind(now.beside(place.peek(), direction));
        }}
      />
      <span class="clock" aria-hidden="true">
        {Math.round(place.value / 1000)} / {Math.round(now.length / 1000)} s
      </span>
      <label class="speed">
        <span class="visually-hidden">{text.speed}</span>
        <select
          id="speed"
          value={String(speed.value)}
          onChange={({ currentTarget }) => (speed.value = Number(currentTarget.value))}
        >
          {speeds.map((one) => (
            <option value={String(one)}>{one === 0.5 ? '½' : one}×</option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** The one thing to do about a recording: train it here. */
function Invitation(): JSX.Element | null {
  const [shown, shop] = [reel.value, workshop.value];
  const text = runText.value;
  if (live.value || !shown) return null;
  if (shop?.resume) {
    return (
      <p class="invitation">
        <Button id="resume-here" class="primary" onClick={shop.resume}>
          {text.resume}
        </Button>
        <span class="quiet">{text.resumes}</span>
      </p>
    );
  }
  const seconds = shown.film.end.results?.seconds;
  const facts = [
    ...(seconds === undefined
      ? []
      : [(shown.origin.kind === 'recorded' ? text.took : text.tookHere)(duration(seconds))]),
    ...(shop && shop.memory !== '' ? [shop.memory] : []),
  ];
  return (
    <p class="invitation">
      <Button
        id="train-here"
        class="primary"
        disabled={!shop?.canStart}
        onClick={() => shop?.start()}
      >
        {text.train}
      </Button>
      <span class="quiet">
        {shop?.problem === undefined ? facts.join(' · ') : text.cannotTrain}{' '}
        <button type="button" class="link" onClick={() => goTo('data')}>
          {text.settings}
        </button>
      </span>
    </p>
  );
}

/** A sentence whose lines do not break before a sign of percent. */
const unbroken = (text: string): (string | JSX.Element)[] =>
  text
    .split(/([\d.,]+ %)/)
    .map((part, i) => (i % 2 === 1 ? <span class="unbroken">{part}</span> : part));
