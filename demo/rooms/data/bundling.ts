// Runs that leave the page as bundles, and the room that they leave behind.
import { signal } from '@preact/signals';
import {
  LABEL,
  labelText,
  pathsOfRun,
  type RunFile,
  type RunLabel,
} from '../../../src/entries/browser.ts';
import { runFiles } from '../../../src/index.ts';

/** A finished run, as its bundle needs it. */
export interface Bundled {
  readonly label: RunLabel;
  readonly settings: Pick<RunFile, 'config' | 'seeds'>;
  /** A file of the run; undefined if there is none. */
  readonly read: (path: string) => Promise<Uint8Array | undefined>;
}

/** The name of a bundle's file: what every system takes. */
export const bundleName = ({ label, settings: { config, seeds } }: Omit<Bundled, 'read'>): string =>
  `${
    label.title.replace(/[^\p{L}\p{N} _-]+/gu, '').trim() ||
    `${config.preset.replace(/[^\w-]+/g, '-')}-${seeds.join('-')}`
  }.limr`;

/**
 * The files that the bundle of a run holds, by their paths.
 *
 * @throws Error naming a file without which it is no run.
 */
export async function bundledFiles(
  { label, settings: { config, seeds }, read }: Bundled,
  weights: boolean,
): Promise<ReadonlyMap<string, Blob>> {
  const found = new Map<string, Blob>();
  const text = labelText(label);
  if (text !== undefined) found.set(LABEL, new Blob([text]));
  for (const path of pathsOfRun(config, seeds, { weights })) {
    const bytes = await read(path);
    if (bytes) found.set(path, new Blob([bytes as Uint8Array<ArrayBuffer>]));
  }
  const missing = [runFiles.CONFIG, runFiles.RESULTS, runFiles.METRICS].find(
    (path) => !found.has(path),
  );
  if (missing !== undefined) throw new Error(`${missing}: is gone, so the run cannot be bundled`);
  return found;
}

/** Files of a kept run that its bundle has not, and that nothing else has: they would go with the run. */
export const lostWith = (
  kept: readonly string[],
  bundled: ReadonlyMap<string, unknown>,
): readonly string[] =>
  kept.filter((path) => !bundled.has(path) && path !== LABEL && !path.startsWith('checkpoints/'));

/** A place that the user chose for a file. */
export interface SavePlace {
  /** Resolves once every byte is in the file. */
  readonly write: (file: Blob) => Promise<void>;
  /** Bytes of the file as it lies there. */
  readonly size: () => Promise<number>;
}

/** The ways in which a file leaves the page. */
export interface SaveWays {
  /** Lets the user choose; undefined once the user declines. Left out where the browser cannot ask. */
  readonly pick?: (name: string) => Promise<SavePlace | undefined>;
  /** Starts a download, whose end nobody hears of. */
  readonly hand: (name: string, file: Blob) => void;
}

/** How a file left the page. */
export type Taken =
  /** Every byte is where the user wanted it. */
  | { readonly kind: 'saved'; readonly bytes: number }
  /** The browser has every byte; whether it keeps them, the user sees. */
  | { readonly kind: 'handed'; readonly bytes: number }
  /** Nothing left the page. */
  | { readonly kind: 'declined' };

/**
 * Has a file made and saved.
 *
 * @param make Begins once there is a place for the file.
 * @throws What `make` throws, or the place; Error if the place has other bytes than were given to it.
 */
export async function takeOut(
  name: string,
  make: () => Promise<Blob>,
  { pick, hand }: SaveWays,
): Promise<Taken> {
  const place = await pick?.(name);
  if (pick && !place) return { kind: 'declined' };
  const file = await make();
  const bytes = file.size;
  if (!place) {
    hand(name, file);
    return { kind: 'handed', bytes };
  }
  await place.write(file);
  const written = await place.size();
  if (written === bytes) return { kind: 'saved', bytes };
  throw new Error(`${name}: ${written} bytes were saved of ${bytes}`);
}

/** Where a run is on its way out; of one run at a time. */
export type Freeing = { readonly run: string } & (
  | { readonly kind: 'making' }
  /** The bundle is out, and the run may go. */
  | {
      readonly kind: 'asking';
      readonly file: string;
      readonly taken: Exclude<Taken, { readonly kind: 'declined' }>;
      /** See `lostWith`. */
      readonly lost: readonly string[];
    }
  | { readonly kind: 'declined' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'freed'; readonly bytes: number }
);

export const freeing = signal<Freeing | undefined>(undefined);
