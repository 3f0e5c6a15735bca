import { MOST_STORED_RUNS, type StoredRun } from '../src/entries/browser.ts';
import { byId, make, setText } from './dom.ts';

/** The actions on a stored run. */
export interface StoredActions {
  readonly resume: (run: StoredRun) => void;
  readonly open: (run: StoredRun) => void;
  readonly remove: (run: StoredRun) => void;
}

/** The state of the tab. */
export interface StoredContext {
  /** A run is under way, so no stored run can be resumed, opened or removed. */
  readonly busy: boolean;
  /** Whether there is an adapter. Without one a run can be opened but not resumed. */
  readonly canTrain: boolean;
  /** The run that the page shows. */
  readonly current: string | undefined;
}

/** The stored runs of this browser, newest first, with the actions on each. */
export class StoredList {
  readonly #section = byId('stored', HTMLElement);
  readonly #list = byId('stored-list', HTMLUListElement);
  readonly #actions: StoredActions;
  #shown = '';

  constructor(actions: StoredActions) {
    this.#actions = actions;
    setText(
      byId('stored-hint', HTMLParagraphElement),
      `The last ${MOST_STORED_RUNS} runs are kept in this browser, on this machine: a new one takes ` +
        'the place of the oldest, and clearing the data of this site removes them.',
    );
  }

  draw(runs: readonly StoredRun[], context: StoredContext): void {
    // Rows are rebuilt only after a change: a removed button would lose the keyboard's focus.
    const shown = JSON.stringify([runs, context]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#section.hidden = runs.length === 0;
    const focused = document.activeElement;
    const back = focused instanceof HTMLElement && this.#list.contains(focused) && focused.id;
    this.#list.replaceChildren(...runs.map((run, i) => this.#row(run, i, context)));
    if (back === false) return;
    const again = back === '' ? undefined : document.getElementById(back);
    const first = this.#list.querySelector<HTMLButtonElement>('button:enabled');
    (again instanceof HTMLButtonElement && !again.disabled ? again : first)?.focus();
  }

  #row(run: StoredRun, place: number, { busy, canTrain, current }: StoredContext): HTMLLIElement {
    const here = run.name === current;
    const title = titleOf(run);
    const state = stateOf(run, here && busy);
    const text = make(
      'p',
      '',
      make('strong', '', title),
      make('span', 'quiet', ` · ${state} · started ${when(run.started)}`),
    );
    const item = make('li', run.finished || here ? '' : 'unfinished', text);
    if (run.claimed) return item;
    const button = (label: string, act: (run: StoredRun) => void, disabled: boolean) => {
      const one = make('button', '', label);
      one.type = 'button';
      one.id = `stored-${label.toLowerCase()}-${run.name}`;
      one.disabled = disabled;
      // Otherwise a screen reader would read the same label for every run.
      one.ariaLabel = `${label} run of ${title}, ${state}`;
      one.addEventListener('click', () => act(run));
      return one;
    };
    const { resume, open, remove } = this.#actions;
    const buttons = [
      ...(run.checkpoint ? [button('Resume', resume, busy || !canTrain)] : []),
      ...(run.finished && run.settings ? [button('Open', open, busy || here)] : []),
      button(run.finished ? 'Delete' : 'Discard', remove, busy),
    ];
    if (run.checkpoint && place === 0) buttons[0]?.classList.add('primary');
    item.append(make('div', 'buttons', ...buttons));
    return item;
  }
}

function titleOf({ settings }: StoredRun): string {
  if (!settings) return 'unknown settings';
  const { config, seeds } = settings;
  return `preset ${config.preset}, ${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}`;
}

function stateOf({ checkpoint, claimed, finished, problem }: StoredRun, here: boolean): string {
  if (problem !== undefined) return `cannot be read: ${problem}`;
  if (here) return 'under way';
  if (claimed) return 'belongs to another tab, which works on it';
  if (finished) return 'finished';
  if (!checkpoint) return 'without a checkpoint';
  const { method, update } = checkpoint;
  if (method === 'full' && update === 0) return 'unfinished, kept with its base';
  return `unfinished, kept at ${method.toUpperCase()} update ${update}`;
}

const when = (date: Date): string =>
  date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
