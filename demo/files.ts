// Files that leave the page: those of the run that is shown, and whatever is downloaded.
import { signal } from '@preact/signals';
import { make } from './dom.ts';

/** Starts a download of bytes. */
export function download(name: string, content: Uint8Array | Blob | string, type: string): void {
  const url = URL.createObjectURL(
    content instanceof Blob ? content : new Blob([content as Uint8Array<ArrayBuffer>], { type }),
  );
  const link = make('a', '', name);
  link.href = url;
  link.download = name;
  link.click();
  // The download holds its own reference by now; the delay is for slow browsers.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A file of the run that is shown, to be downloaded. */
export interface OfferedFile {
  readonly url: string;
  readonly bytes: number;
}

/** The files of the run that is shown, by their paths; a file comes when it exists. */
export const offered = signal<ReadonlyMap<string, OfferedFile>>(new Map());

/** Releases the files of the run before; called before a new run. */
export function clearOffered(): void {
  for (const { url } of offered.peek().values()) URL.revokeObjectURL(url);
  offered.value = new Map();
}

export const isOffered = (path: string): boolean => offered.peek().has(path);

export function offer(path: string, content: Uint8Array): void {
  if (isOffered(path)) return;
  const type = path.endsWith('.json') ? 'application/json' : 'application/octet-stream';
  const url = URL.createObjectURL(new Blob([content as Uint8Array<ArrayBuffer>], { type }));
  offered.value = new Map([...offered.peek(), [path, { url, bytes: content.length }]]);
}
