// The panel that shares a view: links, code for a frame, figures, numbers, citations.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import './panel.css';
import { embeddedViews } from '../embed/views.tsx';
import { embedAddress, embedOf } from '../embed/wish.ts';
import { download } from '../files.ts';
import { addressNow } from '../router.ts';
import { actOf } from '../state/act.ts';
import {
  chosen,
  language,
  lesson,
  live,
  motion,
  nameOf,
  reel,
  room,
  shownRun,
  theme,
} from '../state/stage.ts';
import { whole } from '../strings/numbers.ts';
import { shareText } from '../strings/share.ts';
import { Button } from '../views/markup.tsx';
import { bibtex } from './citation.ts';
import { numbersOf } from './csv.ts';
import { pngOf, shownFigures, svgOf } from './figures.ts';
import { packRun, unshareable } from './shared-run.ts';

const open = signal(false);
/** What was said last of what was asked. */
const said = signal('');

/** The button in the banner, and the panel that it opens. */
export function Sharing(): JSX.Element {
  const text = shareText.value;
  return (
    <>
      <button type="button" id="share" class="share-button" onClick={() => (open.value = true)}>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M12 15V4M8 7l4-4 4 4M6 11H5v9h14v-9h-1" />
        </svg>
        <span>{text.share}</span>
      </button>
      {open.value && <Panel />}
    </>
  );
}

function Panel(): JSX.Element {
  const text = shareText.value;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    said.value = '';
    dialog.current?.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      class="keys share"
      aria-labelledby="share-title"
      onClose={() => (open.value = false)}
    >
      <h2 id="share-title">{text.title}</h2>
      <Link />
      <Numbers />
      <Frame />
      <Figures />
      <Citation />
      <p role="status" class="said">
        {said.value}
      </p>
      <Button onClick={() => dialog.current?.close()}>{text.close}</Button>
    </dialog>
  );
}

/** This page without what it shows. */
const pageAddress = (): string => location.href.replace(/[?#].*$/s, '');

/** Text that can be copied, with what came of it said. */
function Copyable(props: {
  readonly name: string;
  readonly value: string;
  readonly hint?: string;
  readonly rows?: number;
}): JSX.Element {
  const { name, value, hint = '', rows = 1 } = props;
  const text = shareText.value;
  const id = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(value);
      said.value = text.copied(name);
    } catch {
      // It is told, and the text is ready to be copied by hand.
      box.current?.select();
      said.value = text.notCopied(name);
    }
  };
  return (
    <div class="copyable">
      <label for={id}>{name}</label>
      {hint !== '' && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <div>
        <textarea
          id={id}
          ref={box}
          readOnly
          rows={rows}
          value={value}
          spellcheck={false}
          {...(hint === '' ? {} : { 'aria-describedby': `${id}-hint` })}
        />
        <Button label={text.copyOf(name)} onClick={() => void copy()}>
          {text.copy}
        </Button>
      </div>
    </div>
  );
}

/** A run in memory alone has no address; a recording and a shared run have one everywhere. */
function Link(): JSX.Element | null {
  const text = shareText.value;
  const shown = reel.value;
  const kind = live.value ? undefined : shown?.origin.kind;
  if (kind === 'own') return null;
  const run = kind === 'recorded' && shown ? { run: nameOf(shown.origin) } : {};
  return (
    <Copyable
      name={text.link}
      hint={text.linkHint}
      value={pageAddress() + addressNow(run)}
      rows={2}
    />
  );
}

/** The numbers of a run that nobody else has. */
function Numbers(): JSX.Element | null {
  const text = shareText.value;
  const shown = reel.value;
  const run = live.value ?? shown?.film.end;
  const [packed, setPacked] = useState<string | undefined>('');
  const own = live.value !== undefined || shown?.origin.kind === 'own';
  const why = run && own ? unshareable(run) : undefined;
  useEffect(() => {
    if (!run || !own || why) return undefined;
    let asked = true;
    packRun(run).then(
      (found) => {
        if (asked) setPacked(found);
      },
      () => {
        if (asked) setPacked(undefined);
      },
    );
    return () => {
      asked = false;
    };
  }, [run, own, why]);
  if (!run || !own) return null;
  if (why || packed === undefined) {
    return <p class="quiet">{text.cannot[why ?? 'large']}</p>;
  }
  if (packed === '') return null;
  return (
    <Copyable
      name={text.numbersLink}
      hint={text.numbersHint(whole(packed.length))}
      value={pageAddress() + addressNow({ run: undefined, shared: packed })}
      rows={2}
    />
  );
}

function Frame(): JSX.Element {
  const text = shareText.value;
  const run = shownRun();
  const wanted = embedOf(room.value, lesson.value, run ? actOf(run) : 2);
  const view = Object.hasOwn(embeddedViews, wanted) ? wanted : 'spine';
  const src = embedAddress(pageAddress(), {
    view,
    theme: theme.value,
    language: language.value === 'en' ? undefined : language.value,
    motion: motion.value,
    prompt: chosen.value,
  });
  const code = `<iframe src="${src.replaceAll('&', '&amp;')}" title="${text.frameTitle(view)}" width="100%" height="560" loading="lazy" style="border:0"></iframe>`;
  return <Copyable name={text.embed} hint={text.embedHint} value={code} rows={3} />;
}

function Figures(): JSX.Element {
  const text = shareText.value;
  const id = useId();
  // The panel covers the page: what is shown does not change under it.
  const figures = useMemo(shownFigures, []);
  const [place, setPlace] = useState(0);
  const figure = figures[place];
  if (!figure) return <p class="quiet">{text.noFigure}</p>;
  const name = `limr-lab-${figure.numbers}`;
  const save = async (kind: 'png' | 'svg' | 'csv'): Promise<void> => {
    const run = shownRun();
    try {
      if (kind === 'png') download(`${name}.png`, await pngOf(figure), 'image/png');
      else if (kind === 'svg') download(`${name}.svg`, svgOf(figure, run), 'image/svg+xml');
      else if (run) download(`${name}.csv`, numbersOf(run, figure.numbers), 'text/csv');
      said.value = text.saved(`${name}.${kind}`);
    } catch (error) {
      said.value = text.failed(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <div class="copyable">
      <label for={id}>{text.figure}</label>
      <div>
        <select
          id={id}
          value={String(place)}
          onChange={({ currentTarget }) => setPlace(Number(currentTarget.value))}
        >
          {figures.map(({ title }, i) => (
            <option value={String(i)}>{title}</option>
          ))}
        </select>
        {(['png', 'svg', 'csv'] as const).map((kind) => (
          <Button id={`save-${kind}`} onClick={() => void save(kind)}>
            {text[kind]}
          </Button>
        ))}
      </div>
    </div>
  );
}

function Citation(): JSX.Element {
  const text = shareText.value;
  return (
    <details>
      <summary>{text.cite}</summary>
      <Copyable name="BibTeX" hint={text.citeHint} value={bibtex(pageAddress())} rows={6} />
    </details>
  );
}
