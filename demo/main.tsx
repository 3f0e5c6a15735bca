// The page: what is needed for the first picture. The trainer's side follows when it is drawn.
import './style.css';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { readRecording } from '../src/index.ts';
import { afterFirstPicture } from './first-picture.ts';
import { listenToKeys } from './keyboard.ts';
import { followAddress } from './router.ts';
import { Film } from './state/film.ts';
import { recallPreferences } from './preferences.ts';
import { runPlayer } from './state/player.ts';
import {
  chosen,
  dropped,
  live,
  missing,
  playing,
  problem,
  recordedAnswers,
  recording,
  reel,
  room,
  showReel,
  wantedRun,
} from './state/stage.ts';
import { Banner } from './views/banner.tsx';
import { Spine } from './views/spine.tsx';
import { mayMove, Stage } from './views/stage.tsx';

/** The recorded run that the page comes with. */
const RECORDING = 'replays/quick.json';
/** The trainer's side waits no longer for a first picture. */
const PICTURE_MS = 3000;

function host(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new TypeError(`the page has no #${id}`);
  return element;
}

async function fetchRecording(): Promise<void> {
  try {
    const response = await fetch(new URL(RECORDING, document.baseURI));
    if (!response.ok) throw new Error(`${RECORDING}: the server answers ${response.status}`);
    const footage = readRecording(await response.text(), RECORDING);
    const { adapter, date, answers } = footage;
    recording.value = {
      film: new Film(footage),
      origin: { kind: 'recorded', adapter, date },
      answersOf: recordedAnswers(answers, async (prompt, method) =>
        (await import('./rooms/data/recorded-answers.ts')).answersOfOthers(prompt, method),
      ),
    };
    // A run may have been started or opened meanwhile.
    if (live.peek() || reel.peek()) return;
    const { value: prompt } = chosen;
    const asksForPlace = wantedRun.peek()?.at !== undefined;
    showReel(recording.value, 'opening');
    chosen.value = prompt;
    playing.value = mayMove() && !asksForPlace;
  } catch (error) {
    missing.value = error instanceof Error ? error.message : String(error);
  }
}

function openPage(): void {
  recallPreferences();
  followAddress();
  render(<Banner />, host('banner'));
  render(<Spine />, host('spine'));
  render(<Stage />, host('stage'));
  effect(() => {
    const line = host('problem');
    if (line.textContent !== problem.value) line.textContent = problem.value;
  });
  // Its own address would be taken for a room.
  document.querySelector('.skip')?.addEventListener('click', (event) => {
    event.preventDefault();
    host('main').focus();
  });
  // A file that is dropped would replace the page. Whoever reads it may come later.
  for (const type of ['dragover', 'drop']) {
    document.addEventListener(type, (event) => {
      if (!(event instanceof DragEvent)) return;
      const { types, items } = event.dataTransfer ?? {};
      if (!types?.includes('Files')) return;
      event.preventDefault();
      if (type === 'drop') dropped.value = Array.from(items ?? [], (one) => one.webkitGetAsEntry());
    });
  }
  listenToKeys();
  runPlayer();
  void fetchRecording();
  // Other rooms have no picture before the trainer's side is there.
  void afterFirstPicture(room.peek() === 'run' ? PICTURE_MS : 0).then(async () => {
    const { openLater } = await import('./later.tsx');
    await openLater(host);
  });
}

if (new URLSearchParams(location.search).has('embed')) {
  void import('./embed/embed.tsx').then(({ openEmbed }) => openEmbed(fetchRecording));
} else openPage();
