// The spine: where the run is, in five acts, one sentence and live numbers; and the film's transport.
import type { JSX } from 'preact';
import { actOf, acts, factOf, sentenceOf, shareOf, type Act } from '../state/story.ts';
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
  wind,
  workshop,
} from '../state/stage.ts';
import { duration } from '../../src/look/wording.ts';
import { goTo } from '../router.ts';
import { Button } from './markup.tsx';
import { laterActs } from './stage.tsx';

export function Spine(): JSX.Element {
  const run = shownRun();
  return (
    <section class="card spine" aria-label="The run">
      <Provenance />
      {run ? (
        <>
          <Acts />
          <p class="sentence">
            {sentenceOf(run)} {actOf(run) === 5 && laterActs.value?.apartText(run)}
          </p>
        </>
      ) : (
        <p class="sentence">
          {missing.value === undefined
            ? 'A recorded run is on its way.'
            : `The recorded run cannot be shown: ${missing.value}.`}
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
  const [now, shown, recorded] = [live.value, reel.value, recording.value];
  if (now && run?.running !== false) return <p class="provenance">A run of this tab, under way</p>;
  if (!shown && !now) return null;
  if (!now && shown?.origin.kind === 'shared') {
    return (
      <p class="provenance">
        <strong class="recorded">Shared, numbers only</strong> It came with the link; nobody
        computed it here.
      </p>
    );
  }
  if (now || shown?.origin.kind !== 'recorded') {
    return (
      <p class="provenance">
        {now ? 'A run of this tab that did not end' : 'A finished run of this browser'}{' '}
        {recorded && (
          <button type="button" class="link" onClick={() => showReel(recorded, 'opening')}>
            Show the recording
          </button>
        )}
      </p>
    );
  }
  const { origin } = shown;
  const day = new Date(`${origin.date}T12:00:00Z`).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  });
  return (
    <p class="provenance">
      <strong class="recorded">Recorded</strong> on {day}, on {origin.adapter}
    </p>
  );
}

function Acts(): JSX.Element {
  const run = shownRun();
  const now = run ? actOf(run) : 1;
  return (
    <ol class="acts">
      {acts.map(({ act, title }) => {
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
              aria-label={`Share of ${title}`}
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
  const where = run ? `${acts[actOf(run) - 1]?.title ?? ''}, ${factOf(run, actOf(run))}` : '';
  return (
    <div class="transport" role="group" aria-label="The recording">
      <Button
        id="play"
        class="round primary"
        label={playing.value ? 'Pause the film' : 'Play the film'}
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
        aria-label="Place in the film"
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
        <span class="visually-hidden">Speed of the film</span>
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
  if (live.value || !shown) return null;
  if (shop?.resume) {
    return (
      <p class="invitation">
        <Button id="resume-here" class="primary" onClick={shop.resume}>
          Resume your run
        </Button>
        <span class="quiet">It was not finished and goes on bit for bit.</span>
      </p>
    );
  }
  const seconds = shown.film.end.results?.seconds;
  const facts = [
    ...(seconds === undefined ? [] : [`${duration(seconds)} on the adapter of the recording`]),
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
        Train it here
      </Button>
      <span class="quiet">
        {shop?.problem === undefined
          ? facts.join(' · ')
          : 'This browser cannot train; the recording tells the whole story.'}{' '}
        <button type="button" class="link" onClick={() => goTo('data')}>
          Settings and own data
        </button>
      </span>
    </p>
  );
}
