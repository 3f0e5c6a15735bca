// The runs that this browser keeps: what each is, what it takes, and what can be done with it.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import {
  MOST_NOTE,
  MOST_STORED_RUNS,
  MOST_TITLE,
  type StoredRun,
} from '../../../src/entries/browser.ts';
import { language } from '../../state/stage.ts';
import { keptText } from '../../strings/kept.ts';
import { bytes } from '../../strings/numbers.ts';
import { Button } from '../../views/markup.tsx';
import { visibleString } from '../../visible-text.ts';
import { freeing } from './bundling.ts';
import { keptActions, keptContext, keptRuns, littleRoom, oldestRun, quota } from './kept.ts';

export function StoredRuns(): JSX.Element | null {
  const t = keptText.value;
  const runs = keptRuns.value;
  if (runs.length === 0) return null;
  return (
    <section id="stored" class="card" aria-labelledby="stored-title">
      <h2 id="stored-title">{t.title}</h2>
      <Room />
      <LittleRoom />
      <Freed />
      <ul id="stored-list" class="stored">
        {runs.map((run, place) => (
          <Row run={run} first={place === 0} key={run.name} />
        ))}
      </ul>
      <p class="hint">{t.hint(MOST_STORED_RUNS)}</p>
    </section>
  );
}

/** The room that kept files take, and what the browser has. */
function Room(): JSX.Element | null {
  const t = keptText.value;
  const room = quota.value;
  if (!room || room.of === 0) return null;
  const runs = keptRuns.value.reduce((sum, one) => sum + one.bytes, 0);
  return (
    <div class="room">
      <p>{t.room(bytes(runs), bytes(room.used), bytes(room.of))}</p>
      <progress max={room.of} value={room.used} aria-label={t.roomLabel} />
      {room.persisted ? (
        <p class="hint">{t.persisted}</p>
      ) : (
        <div class="buttons">
          <Button onClick={() => keptActions.peek()?.persist()}>{t.persist}</Button>
          <span class="hint">{t.persistHint}</span>
        </div>
      )}
    </div>
  );
}

/** A way to make room, where little is left. */
function LittleRoom(): JSX.Element | null {
  const t = keptText.value;
  const run = oldestRun.value;
  if (!littleRoom.value) return null;
  return (
    <div class="buttons">
      <p class="problem">{t.full}</p>
      {run && (
        <Button id="free-oldest" onClick={() => keptActions.peek()?.takeAndFree(run)}>
          {t.freeOldest(nameOf(run), bytes(run.bytes))}
        </Button>
      )}
    </div>
  );
}

/** Tells how much room a run has left behind. */
function Freed(): JSX.Element {
  const now = freeing.value;
  return (
    <p class="hint" role="status">
      {now?.kind === 'freed' ? keptText.value.freed(bytes(now.bytes)) : ''}
    </p>
  );
}

/** The way of a run out of this browser. */
function Leaving({ run }: { readonly run: StoredRun }): JSX.Element {
  const t = keptText.value;
  const now = freeing.value;
  const mine = now?.run === run.name ? now : undefined;
  return (
    <div class="leaving">
      <p role="status">
        {mine?.kind === 'making' && t.making}
        {mine?.kind === 'declined' && t.declined}
        {mine?.kind === 'asking' &&
          t.out[mine.taken.kind](visibleString(mine.file), bytes(mine.taken.bytes))}
      </p>
      {mine?.kind === 'failed' && (
        <p class="problem" role="alert">
          {t.notFreed} <span lang="en">{visibleString(mine.message)}</span>
        </p>
      )}
      {mine?.kind === 'asking' && (
        <>
          {mine.lost.length > 0 && (
            <p class="hint">
              {t.lost(mine.lost.length)} <code>{mine.lost.slice(0, MOST_LOST).join(', ')}</code>
              {mine.lost.length > MOST_LOST && ' …'}
            </p>
          )}
          <div class="buttons">
            <Button
              class="primary"
              disabled={keptContext.value.busy}
              onClick={() => void keptActions.peek()?.free(run)}
            >
              {t.freeNow(bytes(run.bytes))}
            </Button>
            <Button onClick={() => (freeing.value = undefined)}>{t.keepIt}</Button>
          </div>
        </>
      )}
    </div>
  );
}

/** Paths that are named of those that a bundle lacks. */
const MOST_LOST = 5;

function Row(props: { readonly run: StoredRun; readonly first: boolean }): JSX.Element {
  const { run, first } = props;
  const t = keptText.value;
  const { busy, canTrain, current } = keptContext.value;
  const actions = keptActions.value;
  const [editing, edit] = useState(false);
  const here = run.name === current;
  const { label } = run;
  const title = titleOf(run);
  const state = stateOf(run, here && busy);
  const named = nameOf(run);
  const open = run.finished && run.settings !== undefined;
  return (
    <li class={run.finished || here ? '' : 'unfinished'}>
      <div class="kept-run">
        <p>
          <strong>{named}</strong>
          <span class="quiet">
            {label.title === '' ? '' : ` · ${title}`} · {state} · {t.started(when(run.started))} ·{' '}
            {bytes(run.bytes)}
            {label.pinned && ` · ${t.pinned}`}
          </span>
        </p>
        {label.note !== '' && <p class="note">{visibleString(label.note)}</p>}
      </div>
      {!run.claimed && (
        <div class="buttons">
          {run.checkpoint && (
            <Button
              class={first ? 'primary' : ''}
              label={t.resumeRun(title, state)}
              disabled={busy || !canTrain}
              onClick={() => actions?.resume(run)}
            >
              {t.resume}
            </Button>
          )}
          {open && (
            <Button
              label={t.openRun(title, state)}
              disabled={busy || here}
              onClick={() => actions?.open(run)}
            >
              {t.open}
            </Button>
          )}
          {open && (
            <Button label={t.bundleRun(title, state)} onClick={() => actions?.bundle(run, true)}>
              {t.bundle}
            </Button>
          )}
          {open && (
            <Button
              label={t.freeRun(title, state)}
              disabled={freeing.value?.kind === 'making'}
              onClick={() => actions?.takeAndFree(run)}
            >
              {t.free}
            </Button>
          )}
          <Button
            label={label.pinned ? t.unpinRun(title, state) : t.pinRun(title, state)}
            pressed={label.pinned}
            onClick={() => actions?.setLabel(run, { ...label, pinned: !label.pinned })}
          >
            {t.pin}
          </Button>
          <Button label={t.nameRun(title, state)} pressed={editing} onClick={() => edit(!editing)}>
            {t.name}
          </Button>
          <Button
            label={run.finished ? t.deleteRun(title, state) : t.discardRun(title, state)}
            disabled={busy}
            onClick={() => actions?.remove(run)}
          >
            {run.finished ? t.delete : t.discard}
          </Button>
        </div>
      )}
      {open && <Leaving run={run} />}
      {editing && <Naming run={run} done={() => edit(false)} />}
    </li>
  );
}

/** The fields of a run's name and note. */
function Naming(props: { readonly run: StoredRun; readonly done: () => void }): JSX.Element {
  const { run, done } = props;
  const t = keptText.value;
  const [title, setTitle] = useState(run.label.title);
  const [note, setNote] = useState(run.label.note);
  return (
    <form
      class="naming"
      onSubmit={(event) => {
        event.preventDefault();
        const { pinned } = run.label;
        keptActions.peek()?.setLabel(run, { title: title.trim(), note: note.trim(), pinned });
        done();
      }}
    >
      <label class="block">
        <span>{t.titleField}</span>
        <input
          type="text"
          value={title}
          maxLength={MOST_TITLE}
          autocomplete="off"
          ref={(field) => (title === run.label.title ? field?.focus() : undefined)}
          onInput={(event) => setTitle(event.currentTarget.value)}
        />
      </label>
      <label class="block">
        <span>{t.noteField}</span>
        <textarea
          rows={3}
          value={note}
          maxLength={MOST_NOTE}
          onInput={(event) => setNote(event.currentTarget.value)}
        />
      </label>
      <div class="buttons">
        <button type="submit" class="primary">
          {t.save}
        </button>
        <Button onClick={done}>{t.cancel}</Button>
      </div>
    </form>
  );
}

/** What the user calls a run, else its settings. */
const nameOf = (run: StoredRun): string =>
  run.label.title === '' ? titleOf(run) : visibleString(run.label.title);

function titleOf({ settings }: StoredRun): string {
  const t = keptText.value;
  if (!settings) return t.unknown;
  const { config, seeds } = settings;
  return t.settings(visibleString(config.preset), seeds);
}

function stateOf({ checkpoint, claimed, finished, problem }: StoredRun, here: boolean): string {
  const t = keptText.value;
  if (problem !== undefined) return t.unreadable(visibleString(problem));
  if (here) return t.underWay;
  if (claimed) return t.otherTab;
  if (finished) return t.finished;
  if (!checkpoint) return t.noCheckpoint;
  const { method, update } = checkpoint;
  if (method === 'full' && update === 0) return t.atBase;
  return t.at(method.toUpperCase(), update);
}

const when = (date: Date): string =>
  date.toLocaleString(language.value, { dateStyle: 'medium', timeStyle: 'short' });
