// Saving a file where its user wants it, in browsers that let a page ask.
import { download } from '../../files.ts';
import type { SavePlace, SaveWays } from './bundling.ts';

/** TypeScript's DOM types leave this out: not every browser has it. */
interface Picks {
  readonly showSaveFilePicker?: (options: {
    readonly suggestedName: string;
    readonly types: readonly { readonly accept: Readonly<Record<string, readonly string[]>> }[];
  }) => Promise<FileSystemFileHandle>;
}

/** How a bundle can leave this page. */
export function saveWays(): SaveWays {
  const hand: SaveWays['hand'] = (name, file) => download(name, file, file.type);
  const { showSaveFilePicker: ask } = window as Picks;
  // A page inside another one may not ask.
  if (!ask || window !== window.top) return { hand };
  return {
    hand,
    async pick(name) {
      try {
        const types = [{ accept: { 'application/zip': ['.limr'] } }];
        return placeOf(await ask.call(window, { suggestedName: name, types }));
      } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') return undefined;
        throw error;
      }
    },
  };
}

const placeOf = (handle: FileSystemFileHandle): SavePlace => ({
  async write(file) {
    // The browser writes beside the file, which is as it was until all of it is there.
    const writable = await handle.createWritable();
    try {
      await writable.write(file);
    } catch (error) {
      await writable.abort().catch(() => undefined); // a stream that failed is closed
      throw error;
    }
    await writable.close();
  },
  size: async () => (await handle.getFile()).size,
});
