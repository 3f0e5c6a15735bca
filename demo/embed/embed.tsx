// One view of the page in a frame of another page. It plays the recording and computes nothing.
import { effect } from '@preact/signals';
import { render, type JSX } from 'preact';
import './embed.css';
import { listenToKeys } from '../keyboard.ts';
import { wearLook } from '../router.ts';
import { runPlayer } from '../state/player.ts';
import {
  chosen,
  film,
  language,
  motion,
  place,
  playing,
  recording,
  shownRun,
  theme,
} from '../state/stage.ts';
import { shareText } from '../strings/share.ts';
import { visibleString } from '../visible-text.ts';
import { embeddedViews, type View } from './views.tsx';
import { readEmbed, type EmbedWish } from './wish.ts';

/** Shows the view that the frame's address names in place of the page. */
export async function openEmbed(fetchRecording: () => Promise<void>): Promise<void> {
  document.body.dataset['embed'] = '';
  const host = document.body.appendChild(document.createElement('div'));
  host.id = 'embed';
  let wish: EmbedWish | undefined;
  try {
    wish = readEmbed(location.search);
    if (!wish) return;
    language.value = wish.language ?? 'en';
    theme.value = wish.theme;
    motion.value = wish.motion;
    chosen.value = wish.prompt;
    wearLook();
    effect(() => {
      document.title = shareText.value.frameTitle(wish?.view ?? '');
    });
    const open = Object.hasOwn(embeddedViews, wish.view) ? embeddedViews[wish.view] : undefined;
    if (!open) {
      const names = Object.keys(embeddedViews).join(', ');
      throw new Error(shareText.value.noView(visibleString(wish.view.slice(0, 40)), names));
    }
    document.body.dataset['embed'] = wish.view;
    const View = await open();
    render(<Framed view={View} wish={wish} />, host);
    await fetchRecording();
    if (wish.view === 'spine') {
      runPlayer();
      listenToKeys();
    } else {
      const now = film.value;
      playing.value = false;
      if (now) place.value = now.shows.get(3) ?? now.length;
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    render(
      <>
        <main>
          <p class="problem" role="alert">
            {why}
          </p>
        </main>
        <Credits />
      </>,
      host,
    );
  }
  tellHeight(host);
}

/** The page around the frame may make it as high as what it shows. */
function tellHeight(host: HTMLElement): void {
  let told = 0;
  const tell = (): void => {
    const height = Math.ceil(host.getBoundingClientRect().height);
    if (height === told) return;
    told = height;
    window.parent.postMessage({ type: 'limr-height', height }, '*');
  };
  new ResizeObserver(tell).observe(host);
  tell();
}

function Framed(props: { readonly view: View; readonly wish: EmbedWish }): JSX.Element {
  const { view: View, wish } = props;
  return (
    <>
      <main id="main">
        <h1 class="visually-hidden">{shareText.value.frameTitle(wish.view)}</h1>
        {shownRun() ? <View /> : null}
      </main>
      <Credits wish={wish} />
    </>
  );
}

function Credits(props: { readonly wish?: EmbedWish }): JSX.Element {
  const text = shareText.value;
  const origin = recording.value?.origin;
  const prompt = chosen.value ?? props.wish?.prompt;
  const query = new URLSearchParams({
    ...(prompt === undefined ? {} : { p: String(prompt) }),
    ...(language.value === 'en' ? {} : { lang: language.value }),
  }).toString();
  const href = `${location.href.replace(/[?#].*$/s, '')}#/run${query === '' ? '' : `?${query}`}`;
  const day = (date: string): string =>
    new Date(`${date}T12:00:00Z`).toLocaleDateString(
      language.value === 'en' ? 'en-GB' : language.value,
      { day: 'numeric', month: 'long', year: 'numeric' },
    );
  return (
    <footer class="credits">
      <a href={href} target="_blank" rel="noopener">
        {text.openInLab}
      </a>
      {origin?.kind === 'recorded' && (
        <span>{text.recordedOn(day(origin.date), visibleString(origin.adapter))}</span>
      )}
    </footer>
  );
}
