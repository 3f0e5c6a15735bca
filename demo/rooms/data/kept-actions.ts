// What can be done with the runs that this browser keeps.
import {
  openBundledRun,
  type KeptLabel,
  type StoredRun,
  type StoredRuns,
} from '../../../src/entries/browser.ts';
import { download } from '../../files.ts';
import { problem } from '../../state/stage.ts';
import { keptText } from '../../strings/kept.ts';
import { bundledFiles, type Bundled, bundleName, freeing, lostWith, takeOut } from './bundling.ts';
import { bundleFiles, unbundle } from './imports.ts';
import { type KeptActions, lookAtQuota } from './kept.ts';
import { saveWays } from './save-file.ts';

/** The page, as far as kept runs need it. */
export interface KeptHost {
  /** Undefined if the browser keeps no files for this page. */
  readonly storage: () => StoredRuns | undefined;
  readonly resume: (run: StoredRun) => void;
  readonly open: (run: StoredRun) => void;
  /** Removes a run that nobody works on, and resolves to whether it is gone: the user has heard why. */
  readonly remove: (run: StoredRun) => Promise<boolean>;
  /** Reads the list of kept runs again. */
  readonly lookAgain: () => Promise<void>;
  readonly complain: (error: unknown) => void;
}

/** Downloads a finished run as a bundle. */
export async function downloadBundle(
  run: Bundled,
  weights: boolean,
  complain: (error: unknown) => void,
): Promise<void> {
  problem.value = '';
  try {
    const bundle = await bundleFiles(await bundledFiles(run, weights));
    download(bundleName(run), bundle, 'application/zip');
  } catch (error) {
    complain(error);
  }
}

/** A kept run, as its bundle needs it; undefined for one that cannot be read. */
function bundledOf({ name, settings, label }: StoredRun, kept: StoredRuns): Bundled | undefined {
  return settings && { label, settings, read: (path) => kept.read(name, path) };
}

/**
 * Saves a kept run's bundle with its weights, then asks whether the run may go. Nothing is removed
 * here.
 */
async function takeAndAsk(run: StoredRun, kept: StoredRuns): Promise<void> {
  const bundled = bundledOf(run, kept);
  if (!bundled) return;
  const file = bundleName(bundled);
  freeing.value = { run: run.name, kind: 'making' };
  try {
    let lost: readonly string[] = [];
    const make = async (): Promise<Blob> => {
      const files = await bundledFiles(bundled, true);
      lost = lostWith(await kept.files(run.name), files);
      const bundle = await bundleFiles(files);
      // What is to replace the run is opened first as whoever gets it opens it.
      await openBundledRun(file, await unbundle(new File([bundle], file)));
      return bundle;
    };
    const taken = await takeOut(file, make, saveWays());
    freeing.value =
      taken.kind === 'declined'
        ? { run: run.name, kind: 'declined' }
        : { run: run.name, kind: 'asking', file, taken, lost };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    freeing.value = { run: run.name, kind: 'failed', message };
  }
}

export function actionsOnKept(host: KeptHost): KeptActions {
  const { storage, complain, lookAgain } = host;
  return {
    resume: host.resume,
    open: host.open,
    remove(run) {
      const { confirmDelete, confirmDiscard } = keptText.peek();
      if (window.confirm(run.finished ? confirmDelete : confirmDiscard)) void host.remove(run);
    },
    bundle(run, weights) {
      const kept = storage();
      const bundled = kept && bundledOf(run, kept);
      if (bundled) void downloadBundle(bundled, weights, complain);
    },
    takeAndFree(run) {
      const kept = storage();
      if (kept && freeing.peek()?.kind !== 'making') void takeAndAsk(run, kept);
    },
    async free(run) {
      const { kind, run: asked } = freeing.peek() ?? {};
      if (kind !== 'asking' || asked !== run.name) return;
      if (await host.remove(run)) {
        freeing.value = { run: run.name, kind: 'freed', bytes: run.bytes };
      }
    },
    setLabel({ name }: StoredRun, label: KeptLabel) {
      void (storage()?.setLabel(name, label) ?? Promise.resolve()).catch(complain).then(lookAgain);
    },
    persist() {
      navigator.storage
        .persist()
        .then(async (granted) => {
          await lookAtQuota();
          problem.value = granted ? '' : keptText.peek().persistRefused;
        })
        .catch(complain);
    },
  };
}
