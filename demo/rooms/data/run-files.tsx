// The files of the run that is shown, to take away.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { runFiles } from '../../../src/index.ts';
import { offered } from '../../files.ts';
import { live, reel } from '../../state/stage.ts';
import { keptText } from '../../strings/kept.ts';
import { bytes } from '../../strings/numbers.ts';
import { Button } from '../../views/markup.tsx';
import { visibleString } from '../../visible-text.ts';
import { notKept, reportState, shownLabel, takeAway } from './kept.ts';
import { RECORDED_BUNDLE } from './recorded-answers.ts';

/** The files that every run comes to have, in the order of telling. */
const expected = [
  runFiles.CONFIG,
  runFiles.RESULTS,
  runFiles.SCORES,
  runFiles.REWARDS,
  runFiles.METRICS,
  'subsets/lim.json',
] as const;

export function RunFilesPanel(): JSX.Element {
  const t = keptText.value;
  const { report, bundle } = takeAway.value;
  const [weights, setWeights] = useState(false);
  const now = offered.value;
  const recorded = !live.value && reel.value?.origin.kind === 'recorded';
  const others = [...now.keys()].filter((path) => !(expected as readonly string[]).includes(path));
  return (
    <section class="card" aria-labelledby="files-title">
      <h2 id="files-title">{t.files}</h2>
      {!recorded && <Label />}
      {recorded && (
        <p>
          {t.recorded}{' '}
          <a id="recorded-bundle" href={RECORDED_BUNDLE} download="quick.limr">
            {t.downloadBundle}
          </a>
        </p>
      )}
      {!recorded && (
        <>
          <div class="buttons">
            <Button id="report" disabled={!report} onClick={() => report?.()}>
              {t.downloadReport}
            </Button>
            <Button id="bundle" disabled={!bundle} onClick={() => bundle?.(weights)}>
              {t.downloadBundle}
            </Button>
            <label class="check">
              <input
                type="checkbox"
                checked={weights}
                onChange={(event) => setWeights(event.currentTarget.checked)}
              />
              <span>{t.withWeights}</span>
            </label>
          </div>
          <p id="report-text" class="hint" role="status">
            {t.reportStates[reportState.value]}
          </p>
        </>
      )}
      <ul id="files" class="files">
        {expected.map((path) => (
          <Item path={path} meaning={t.meanings[path]} comes={!recorded} key={path} />
        ))}
        {others.map((path) => (
          <Item path={path} meaning={meaningOf(path)} comes={!recorded} key={path} />
        ))}
      </ul>
      {(!recorded || notKept.value !== undefined) && (
        <p id="storage" class="hint">
          {notKept.value === undefined ? t.kept : t.notKept(notKept.value)}
        </p>
      )}
    </section>
  );
}

/** Name and note of the run, which its bundle brings along. */
function Label(): JSX.Element | null {
  const { title, note } = shownLabel.value;
  if (title === '' && note === '') return null;
  return (
    <div id="run-label" class="kept-run">
      {title !== '' && (
        <p>
          <strong>{visibleString(title)}</strong>
        </p>
      )}
      {note !== '' && <p class="note">{visibleString(note)}</p>}
    </div>
  );
}

function Item(props: {
  readonly path: string;
  readonly meaning: string;
  /** Whether a file that is not there is still to come. */
  readonly comes: boolean;
}): JSX.Element {
  const { path, meaning, comes } = props;
  const t = keptText.value;
  const file = offered.value.get(path);
  return (
    <li data-file={path}>
      {file ? (
        <>
          <a href={file.url} download={path.replace('/', '-')}>
            {visibleString(path)}
          </a>{' '}
          {meaning}, {bytes(file.bytes)}
        </>
      ) : (
        <>
          <span class="quiet">{path}</span> {meaning}
          {comes && `, ${t.later}`}
        </>
      )}
    </li>
  );
}

function meaningOf(path: string): string {
  const t = keptText.value;
  if (/^adapter[\w-]*\//.test(path)) return t.adapter;
  if (/^model[\w-]*\//.test(path)) return t.model;
  const [, method = '', seed] = /^subsets\/([a-z\d-]+?)(?:-seed-(\d+))?\.json$/.exec(path) ?? [];
  if (method === '') return t.otherSeed;
  return t.subsetOf(method.toUpperCase(), seed);
}
