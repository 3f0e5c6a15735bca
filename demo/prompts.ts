import {
  inTableOrder,
  methodLabel,
  type MethodName,
  type PromptCompletions,
} from '../src/index.ts';
import { byId, cell, make, makeCode, setText } from './dom.ts';
import type { RunView, Verdict } from '../src/index.ts';
import { marks, paid, possible } from './state/verdicts.ts';
import { engineText } from './strings/engine.ts';

const PAGE_ROWS = 10;

/** The pool as a list: the heat map's prompts, for reading, searching and the keyboard. */
export class PromptList {
  readonly #body = byId('list', HTMLTableSectionElement);
  readonly #filter = byId('filter', HTMLSelectElement);
  readonly #search = byId('search', HTMLInputElement);
  readonly #previous = byId('previous', HTMLButtonElement);
  readonly #next = byId('next', HTMLButtonElement);
  readonly #page = byId('page', HTMLSpanElement);
  readonly #onSelect: (prompt: number) => void;
  #model: RunView | undefined;
  #selected: number | undefined;
  #first = 0;
  /** Key of the rows on the page: equal keys need no new rows. */
  #shown = '';

  constructor(onSelect: (prompt: number) => void) {
    this.#onSelect = onSelect;
    const again = (): void => {
      this.#first = 0;
      this.draw(this.#model, this.#selected);
    };
    this.#filter.addEventListener('change', again);
    this.#search.addEventListener('input', again);
    this.#previous.addEventListener('click', () => this.#turn(-PAGE_ROWS));
    this.#next.addEventListener('click', () => this.#turn(PAGE_ROWS));
  }

  draw(model: RunView | undefined, selected: number | undefined): void {
    this.#model = model;
    this.#selected = selected;
    // Highest score first, so that the kept prompts are on the first page.
    const prompts = model ? filtered(model, this.#filter.value, this.#search.value.trim()) : [];
    this.#first = Math.min(this.#first, lastPage(prompts.length));
    const rows = prompts.slice(this.#first, this.#first + PAGE_ROWS);
    setText(
      this.#page,
      prompts.length === 0
        ? '0 of 0'
        : `${this.#first + 1}–${this.#first + rows.length} of ${prompts.length}`,
    );
    this.#previous.disabled = this.#first === 0;
    this.#next.disabled = this.#first + PAGE_ROWS >= prompts.length;
    if (!model) {
      this.#shown = '';
      this.#body.replaceChildren(emptyRow('The prompts come with the run.'));
      return;
    }
    // Rows are rebuilt only after a change: a removed button would lose the keyboard's focus.
    const texts = rows.map((prompt) => this.#describe(model, prompt));
    const shown = JSON.stringify([selected, rows, rows.map((one) => model.textOf(one)), texts]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const focused = document.activeElement?.getAttribute('data-prompt') ?? null;
    this.#body.replaceChildren(
      ...(rows.length === 0
        ? [emptyRow('No such prompts.')]
        : rows.map((prompt) => this.#row(model, prompt))),
    );
    if (focused !== null) {
      this.#body.querySelector<HTMLElement>(`[data-prompt="${CSS.escape(focused)}"]`)?.focus();
    }
  }

  #turn(by: number): void {
    this.#first = Math.max(0, this.#first + by);
    this.draw(this.#model, this.#selected);
  }

  #describe(model: RunView, prompt: number): string[] {
    const one = model.pool[prompt];
    const lim = model.selections.lim;
    return [
      shortNumber(model.scoreOf(prompt)),
      shortNumber(model.meanOf(prompt)),
      `${one?.origin ?? ''}${one?.wrongKey ? ', wrong key' : ''}`,
      lim ? (lim.has(prompt) ? 'kept' : '–') : '',
    ];
  }

  #row(model: RunView, prompt: number): HTMLTableRowElement {
    const button = make('button', 'prompt', makeCode(model.textOf(prompt)));
    button.type = 'button';
    button.dataset['prompt'] = String(prompt);
    button.ariaPressed = String(prompt === this.#selected);
    button.addEventListener('click', () => this.#onSelect(prompt));
    const [score = '', mean = '', origin = '', kept = ''] = this.#describe(model, prompt);
    const head = make('th', '', button);
    head.scope = 'row';
    return make('tr', '', head, cell(score, true), cell(mean, true), cell(origin), cell(kept));
  }
}

const emptyRow = (text: string): HTMLTableRowElement => {
  const only = cell(text);
  only.colSpan = 5;
  only.className = 'quiet';
  return make('tr', '', only);
};

const lastPage = (count: number): number =>
  Math.max(0, Math.floor((count - 1) / PAGE_ROWS) * PAGE_ROWS);

const shortNumber = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? '–' : value.toFixed(2).replace('-', '−');

function filtered(model: RunView, filter: string, text: string): number[] {
  const lim = model.selections.lim;
  return model.order.filter((prompt) => {
    const one = model.pool[prompt];
    if (text !== '' && !model.textOf(prompt).includes(text)) return false;
    switch (filter) {
      case 'kept':
        return lim?.has(prompt) ?? false;
      case 'rejected':
        return lim !== undefined && !lim.has(prompt);
      case 'wrong':
        return one?.wrongKey ?? false;
      case 'all':
        return true;
      default:
        return one?.origin === filter;
    }
  });
}

const notKept = 'What some epochs sampled for it was not stored; their rewards were.';

/** Shows a prompt's samples, epoch by epoch, as plain text. */
export function showCompletions(
  host: HTMLElement,
  model: RunView,
  prompt: number,
  { key: told, epochs }: Pick<PromptCompletions, 'epochs'> & { readonly key?: string },
): void {
  const one = model.pool[prompt];
  const key = one?.key ?? told;
  const wrongKey = one?.wrongKey ?? false;
  const score = model.scoreOf(prompt);
  const facts = [
    one?.origin ?? '',
    ...(score === undefined ? [] : [`score ${shortNumber(score)}`]),
    ...inTableOrder(Object.keys(model.selections) as MethodName[])
      .filter((method) => model.selections[method]?.has(prompt))
      .map((method) => `in ${methodLabel(method)}`),
  ];
  const title = make('p', 'prompt-title', makeCode(model.textOf(prompt)));
  // Files of older versions have keys only for selected prompts.
  if (key !== undefined) title.append(' key ', makeCode(key));
  if (wrongKey) {
    title.append(' ', make('strong', 'badge', 'key wrong on purpose'));
    if (one?.truth !== undefined) title.append(' the truth is ', makeCode(one.truth));
  }
  const unkept = model.columns.length > epochs.length && model.keeping.past !== undefined;
  const blocks = epochs.map(({ epoch, completions }) => {
    const said = completions.map((completion) => model.verdictOn(prompt, completion));
    const of = (verdict: Verdict): number => said.filter((one) => one === verdict).length;
    const items = completions.map(({ text }, i) => {
      const verdict = said[i] ?? 'wrong';
      const [mark, words] = [marks[verdict], engineText.peek().verdicts[verdict]];
      const spoken = make('span', 'visually-hidden', `${words}: `);
      const sign = make('span', 'mark', mark);
      sign.ariaHidden = 'true';
      return make('li', verdict, spoken, sign, ' ', makeCode(text));
    });
    const unpaid = of('right-unpaid');
    const count = wrongKey
      ? `${of('matches-wrong-key')} of ${items.length} match the wrong key${unpaid > 0 ? `, ${unpaid} right` : ''}`
      : `${of('right')} of ${items.length} right`;
    const block = make(
      'div',
      'epoch',
      make('h3', '', `Epoch ${epoch + 1} `, make('span', 'quiet', count)),
      make('ul', 'completions', ...items),
    );
    block.dataset['epoch'] = String(epoch);
    return block;
  });
  const legend = possible(wrongKey).map(
    (verdict) => `${marks[verdict]} ${engineText.peek().verdicts[verdict]}, ${paid[verdict]}`,
  );
  host.replaceChildren(
    title,
    make('p', 'quiet', facts.join(' · ')),
    ...(blocks.length > 0
      ? [...blocks, make('p', 'hint', legend.join(' · '))]
      : unkept
        ? []
        : [make('p', 'quiet', 'FULL has not sampled this prompt yet.')]),
    ...(unkept ? [make('p', 'quiet', notKept)] : []),
  );
}

/** Marks the epoch that the page's cursor points at. */
export function pointAtEpoch(host: HTMLElement, epoch: number | undefined): void {
  for (const block of host.querySelectorAll<HTMLElement>('.epoch')) {
    block.classList.toggle('pointed', block.dataset['epoch'] === String(epoch));
  }
}
