// A sweep of settings and seeds: where fewer prompts were better.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { compareText } from '../../strings/compare.ts';
import { visibleString } from '../../visible-text.ts';
import { Button } from '../../views/markup.tsx';
import type { drawnSweep, NamedFile, ShownSweep } from './sweeps.ts';

type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'opening' }
  | { readonly kind: 'wrong'; readonly why: string }
  | ({ readonly kind: 'open' } & Opened);

interface Opened {
  readonly sweep: ShownSweep;
  /** The module that reads sweeps draws them too, and is loaded with the first. */
  readonly drawn: typeof drawnSweep;
}

const state = signal<State>({ kind: 'none' });

const named = (file: File): NamedFile => ({
  path: file.webkitRelativePath || file.name,
  size: file.size,
  text: () => file.text(),
});

async function open(files: () => Promise<readonly NamedFile[]>): Promise<void> {
  state.value = { kind: 'opening' };
  try {
    const { drawnSweep: drawn, openSweep, shownSweep } = await import('./sweeps.ts');
    state.value = { kind: 'open', sweep: shownSweep(await openSweep(await files())), drawn };
  } catch (error) {
    state.value = { kind: 'wrong', why: error instanceof Error ? error.message : String(error) };
  }
}

/** The study that comes with the page. */
async function studyFiles(): Promise<readonly NamedFile[]> {
  const { studyAddresses } = await import('./study.ts');
  return Promise.all(
    studyAddresses.map(async ({ path, url }) => {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`${path}: the server answers ${response.status}`);
      const text = await response.text();
      return { path, size: text.length, text: () => Promise.resolve(text) };
    }),
  );
}

export function Sweep(): JSX.Element {
  const text = compareText.value;
  const [files, folder] = [useRef<HTMLInputElement>(null), useRef<HTMLInputElement>(null)];
  const now = state.value;
  const chosen = ({ currentTarget }: { readonly currentTarget: HTMLInputElement }): void => {
    const list = [...(currentTarget.files ?? [])].map(named);
    currentTarget.value = '';
    if (list.length > 0) void open(() => Promise.resolve(list));
  };
  return (
    <section class="card sweep" id="compare-sweep" aria-labelledby="compare-sweep-title">
      <h2 id="compare-sweep-title">{text.sweep}</h2>
      <p class="quiet">{text.sweepText}</p>
      <div class="buttons">
        <Button onClick={() => files.current?.click()}>{text.chooseFiles}</Button>
        <Button onClick={() => folder.current?.click()}>{text.chooseFolder}</Button>
        <Button id="show-study" onClick={() => void open(studyFiles)}>
          {text.study}
        </Button>
        {now.kind === 'open' && (
          <Button onClick={() => (state.value = { kind: 'none' })}>{text.close}</Button>
        )}
        <input
          ref={files}
          id="sweep-files"
          type="file"
          multiple
          accept=".json,.csv"
          hidden
          aria-label={text.chooseFiles}
          onChange={chosen}
        />
        <input
          ref={folder}
          id="sweep-folder"
          type="file"
          hidden
          aria-label={text.chooseFolder}
          onChange={chosen}
          {...{ webkitdirectory: true }}
        />
      </div>
      <p role="status">{now.kind === 'opening' ? text.opening : ''}</p>
      {now.kind === 'wrong' && (
        <p class="problem" role="alert" lang="en">
          {visibleString(now.why)}
        </p>
      )}
      {now.kind === 'open' && <Maps sweep={now.sweep} drawn={now.drawn} />}
    </section>
  );
}

/** The diagrams are those of the report, which escapes every name. */
function Maps({ sweep, drawn: draw }: Opened): JSX.Element {
  const text = compareText.value;
  const drawn = draw(sweep, text.maps);
  return (
    <>
      <p>{text.studyText(sweep.done, sweep.planned)}</p>
      {sweep.equal.length === 0 ? (
        <p class="quiet">{text.nothingToCompare}</p>
      ) : (
        <>
          <p>{text.mapText}</p>
          <div dangerouslySetInnerHTML={{ __html: drawn.key }} />
          <h3>{text.equalBudget(sweep.unit)}</h3>
          <div class="report" dangerouslySetInnerHTML={{ __html: drawn.budget }} />
        </>
      )}
      {sweep.charged.length > 0 && (
        <>
          <h3>{text.equalTotal}</h3>
          <div class="report" dangerouslySetInnerHTML={{ __html: drawn.samples }} />
        </>
      )}
    </>
  );
}
