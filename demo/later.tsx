// What comes after the first picture: the other pictures of the stage, the rooms, the trainer's side.
import { effect } from '@preact/signals';
import { render } from 'preact';
import { sharedNumbers } from './router.ts';
import { Film } from './state/film.ts';
import { problem, showReel, wantedRun } from './state/stage.ts';
import { laterActs } from './views/stage.tsx';

/** Loads the pictures of acts that are not needed for the first one. */
export async function laterPictures(): Promise<void> {
  const [{ Problem, Race, Finding }, { apartText }] = await Promise.all([
    import('./views/acts.tsx'),
    import('./state/finding.ts'),
  ]);
  laterActs.value = { Problem, Race, Finding, apartText };
}

/** @param host Finds an element of the page by its id. */
export async function openLater(host: (id: string) => HTMLElement): Promise<void> {
  const [{ Inspector }, { TryIt }] = await Promise.all([
    import('./views/inspector.tsx'),
    import('./views/try-it.tsx'),
    laterPictures(),
  ]);
  render(<Inspector name="inspector" />, host('inspector'));
  render(<Inspector name="example" />, host('example'));
  render(<TryIt />, host('try-it'));
  effect(() => {
    if (sharedNumbers.value !== undefined) void showShared(sharedNumbers.value);
  });
  const [{ openCompare }, { openSharing }] = await Promise.all([
    import('./rooms/compare/compare.tsx'),
    import('./share/panel.tsx'),
  ]);
  openCompare(host('compare'));
  openSharing(host('banner-tools'));
  const { openWorkshop } = await import('./workshop.ts');
  await openWorkshop();
}

/** Shows a run whose numbers came with a link. */
async function showShared(numbers: string): Promise<void> {
  try {
    const { unpackRun } = await import('./share/shared-run.ts');
    const film = new Film(await unpackRun(numbers));
    const answersOf = () => Promise.resolve({ epochs: [] });
    showReel({ film, origin: { kind: 'shared' }, answersOf }, 'end');
  } catch (error) {
    sharedNumbers.value = undefined;
    wantedRun.value = undefined;
    problem.value = error instanceof Error ? error.message : String(error);
  }
}
