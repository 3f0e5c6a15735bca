// What comes after the first picture: the other pictures of the stage, the rooms, the trainer's side.
import { effect } from '@preact/signals';
import { render } from 'preact';
import { sharedNumbers } from './router.ts';
import { Film } from './state/film.ts';
import { presenting, problem, showReel, touring, wantedRun } from './state/stage.ts';
import { laterBanner } from './views/banner.tsx';
import { laterPictures } from './views/later-pictures.ts';

/** @param host Finds an element of the page by its id. */
export async function openLater(host: (id: string) => HTMLElement): Promise<void> {
  const [
    { Choices },
    { Sharing },
    { fillPage },
    { Inspector },
    { TryIt },
    { openCurves },
    { keepTitle },
  ] = await Promise.all([
    import('./views/choices.tsx'),
    import('./share/panel.tsx'),
    import('./views/page.tsx'),
    import('./views/inspector.tsx'),
    import('./views/try-it.tsx'),
    import('./views/curves.tsx'),
    import('./title.ts'),
    laterPictures(),
  ]);
  laterBanner.value = () => (
    <>
      <Sharing />
      <Choices />
    </>
  );
  fillPage();
  keepTitle();
  render(<Inspector name="inspector" />, host('inspector'));
  render(<TryIt />, host('try-it'));
  openCurves(host('curves'));
  effect(() => {
    if (touring.value !== undefined || presenting.value) void openGuide(host('guide'));
  });
  effect(() => {
    if (sharedNumbers.value !== undefined) void showShared(sharedNumbers.value);
  });
  const { openRooms } = await import('./rooms/rooms.tsx');
  openRooms();
  const { openCompare } = await import('./rooms/compare/compare.tsx');
  openCompare(host('compare'));
  const { openWorkshop } = await import('./workshop.ts');
  await openWorkshop();
  const [{ openWatch }, { keepOffline }, { Notices }] = await Promise.all([
    import('./tabs/watch.ts'),
    import('./offline/register.ts'),
    import('./views/notices.tsx'),
  ]);
  render(<Notices />, host('notices'));
  openWatch();
  await keepOffline();
}

/** The tour and the presenter's view, once somebody wants one of them. */
async function openGuide(host: HTMLElement): Promise<void> {
  const { Guide } = await import('./views/guide.tsx');
  render(<Guide />, host);
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
