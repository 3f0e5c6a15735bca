// The Prompts room: one set of data, looked at in four ways, with a cut to try and a prompt to read.
import './prompts.css';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { RunView } from '../../../src/index.ts';
import { depends, follow, look, problem, shownRun } from '../../state/stage.ts';
import { looks, type Look } from '../../state/url.ts';
import { whole } from '../../strings/numbers.ts';
import { promptsText } from '../../strings/prompts.ts';
import { Inspector } from '../../views/inspector.tsx';
import { Button } from '../../views/markup.tsx';
import { AnswersOf } from './answers.tsx';
import { filter, followPool, order, picked, search, wantedNow, wantsAll } from './choice.ts';
import { Curves } from './curves.tsx';
import { Explorer } from './explorer.tsx';
import { Matrix } from './matrix.tsx';
import { filters, orderAfter, orders } from './order.ts';
import { PromptTable } from './table.tsx';

/** Elements that take letters themselves. */
const takesLetters = 'input, select, textarea, dialog, [contenteditable]';

export function PromptsRoom(): JSX.Element {
  const run = shownRun();
  const text = promptsText.value;
  useEffect(followPool, []);
  useEffect(() => {
    const key = (event: KeyboardEvent): void => {
      const { target } = event;
      if (event.key !== 'o' || event.altKey || event.ctrlKey || event.metaKey) return;
      if (document.body.dataset['room'] !== 'prompts') return;
      if (target instanceof Element && target.closest(takesLetters)) return;
      order.value = orderAfter(order.peek());
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, []);
  if (!run || run.pool.length === 0) {
    return (
      <section class="card" aria-labelledby="matrix-title">
        <h2 id="matrix-title">{text.title}</h2>
        <p class="quiet">{text.none}</p>
      </section>
    );
  }
  return (
    <>
      <div class="prompts-room">
        <Looks run={run} />
        <Explorer run={run} />
        <div class="prompts-side">
          <Inspector name="prompt" />
        </div>
      </div>
      <AnswersOf run={run} />
    </>
  );
}

function Looks({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  const text = promptsText.value;
  const now = look.value ?? 'heat';
  const before = useRef<Look>(undefined);
  useEffect(() => {
    before.current = now;
  }, [now]);
  return (
    <section class="card looks" aria-labelledby="matrix-title">
      <div class="looks-head">
        <h2 id="matrix-title">{text.title}</h2>
        <div class="buttons look-buttons" role="group" aria-label={text.looks}>
          {looks.map((one) => (
            <Button
              key={one}
              id={`look-${one}`}
              pressed={one === now}
              onClick={() => (look.value = one)}
            >
              {text[one]}
            </Button>
          ))}
        </div>
      </div>
      <Filters run={run} />
      {now === 'curves' ? (
        <Curves run={run} />
      ) : now === 'table' ? (
        <PromptTable run={run} />
      ) : now === 'land' ? (
        <Land run={run} fromHeat={before.current === 'heat'} />
      ) : (
        <Matrix run={run} />
      )}
    </section>
  );
}

/** The landscape, whose code is loaded when it is first looked at. */
function Land(props: { readonly run: RunView; readonly fromHeat: boolean }): JSX.Element {
  // As it was when the landscape was opened.
  const [fromHeat] = useState(props.fromHeat);
  const [view, setView] = useState<typeof import('./landscape.tsx')>();
  useEffect(() => {
    import('./landscape.tsx').then(setView, (error: unknown) => {
      problem.value = `The landscape did not come: ${String(error)}`;
    });
  }, []);
  return view ? (
    <view.Landscape run={props.run} fromHeat={fromHeat} />
  ) : (
    <p class="quiet">{promptsText.value.landWait}</p>
  );
}

function Filters({ run }: { readonly run: RunView }): JSX.Element {
  const text = promptsText.value;
  const drawn = run.pool.some(({ origin }) => origin !== undefined);
  const keyed = run.pool.some(({ wrongKey }) => wrongKey);
  const offered = filters.filter((one) =>
    one === 'wrong' || one === 'right'
      ? keyed
      : one === 'easy' || one === 'learnable' || one === 'hard'
        ? drawn
        : true,
  );
  const all = wantsAll.value;
  depends(run.pool);
  return (
    <div class="list-controls">
      <label>
        <span>{text.show}</span>
        <select
          id="filter"
          value={filter.value}
          onInput={({ currentTarget: { value } }) => {
            filter.value = filters.find((one) => one === value) ?? 'all';
          }}
        >
          {offered.map((one) => (
            <option key={one} value={one}>
              {text.filters[one]}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{text.orderBy}</span>
        <select
          id="order"
          value={order.value}
          onInput={({ currentTarget: { value } }) => {
            order.value = orders.find((one) => one === value) ?? 'score';
          }}
        >
          {orders
            .filter((one) => drawn || one !== 'origin')
            .map((one) => (
              <option key={one} value={one}>
                {text.orders[one]}
              </option>
            ))}
        </select>
      </label>
      <label>
        <span>{text.search}</span>
        <input
          id="search"
          type="search"
          autocomplete="off"
          spellcheck={false}
          value={search.value}
          onInput={(event) => (search.value = event.currentTarget.value)}
        />
      </label>
      <p class="shown-count quiet" role="status">
        {text.shown(whole(wantedNow(run).length), whole(run.pool.length))}
        {picked.value && `, ${text.picked(whole(picked.value.size))}`}
        {!all && (
          <Button
            id="show-all"
            class="link"
            onClick={() => {
              filter.value = 'all';
              search.value = '';
              picked.value = undefined;
            }}
          >
            {text.showAll}
          </Button>
        )}
      </p>
    </div>
  );
}
