// The banner: the page's name, its rooms, and its keys.
import type { JSX } from 'preact';
import { signal } from '@preact/signals';
import { room } from '../state/stage.ts';
import { rooms } from '../state/url.ts';
import { runText } from '../strings/run.ts';
import { goTo } from '../router.ts';

/** Whether the list of keys is open. */
export const keysShown = signal(false);
/** What stands in the banner beside the rooms; undefined until it is loaded. */
export const laterBanner = signal<(() => JSX.Element) | undefined>(undefined);

export function Banner(): JSX.Element {
  const text = runText.value;
  const Later = laterBanner.value;
  return (
    <>
      <h1>
        <a href="#/run" translate={false}>
          LIMR Lab
        </a>
      </h1>
      <nav aria-label={text.roomsName}>
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
                {text.rooms[name]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <button
        type="button"
        id="keys"
        class="round"
        aria-label={text.keys}
        onClick={() => (keysShown.value = true)}
      >
        ?
      </button>
      {Later && <Later />}
    </>
  );
}
