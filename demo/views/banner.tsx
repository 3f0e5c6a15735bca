// The banner: the page's name, its rooms, and its keys.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import { room } from '../state/stage.ts';
import { rooms, type Room } from '../state/url.ts';
import { goTo } from '../router.ts';

const names: Readonly<Record<Room, string>> = {
  run: 'Run',
  prompts: 'Prompts',
  compare: 'Compare',
  learn: 'Learn',
  data: 'Data',
};

/** Whether the list of keys is open. */
export const keysShown = signal(false);

export function Banner(): JSX.Element {
  return (
    <>
      <h1>
        <a href="#/run">LIMR Lab</a>
      </h1>
      <nav aria-label="Rooms">
        <ul>
          {rooms.map((name) => (
            <li>
              <a
                id={`to-${name}`}
                href={`#/${name}`}
                aria-current={room.value === name ? 'page' : undefined}
                onClick={(event) => {
                  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                  event.preventDefault();
                  goTo(name);
                }}
              >
                {names[name]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <button
        type="button"
        id="keys"
        class="round"
        aria-label="Keys of this page"
        onClick={() => (keysShown.value = true)}
      >
        ?
      </button>
      <Keys />
    </>
  );
}

const keys: readonly (readonly [key: string, does: string])[] = [
  ['Space', 'play or pause the film'],
  ['← →', 'one picture back or on'],
  ['1 – 5', 'go to an act'],
  ['g, then r p c l d', 'go to Run, Prompts, Compare, Learn, Data'],
  ['/', 'search the prompts'],
  ['t', 'take the tour'],
  ['P', 'show it to others: larger, without controls'],
  ['Esc', 'close the prompt'],
  ['?', 'these keys'],
];

function Keys(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = keysShown.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      class="keys"
      aria-labelledby="keys-title"
      onClose={() => (keysShown.value = false)}
    >
      <h2 id="keys-title">Keys</h2>
      <dl>
        {keys.map(([key, does]) => (
          <>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </>
        ))}
      </dl>
      <p class="hint">None of them starts, stops or deletes anything.</p>
      <button type="button" onClick={() => (keysShown.value = false)}>
        Close
      </button>
    </dialog>
  );
}
