/** Files that a user has dropped or picked: those of a folder, by their paths in it, or one file. */
export type Dropped =
  | { readonly kind: 'folder'; readonly name: string; readonly files: ReadonlyMap<string, File> }
  | { readonly kind: 'file'; readonly file: File };

/** Most files of a folder: a run of thousands of steps has one for each. */
const MOST_FILES = 20_000;
/** Levels of folders that are looked into. */
const DEEPEST = 8;

/** What the user could do about a folder with too many files. */
const tooMany = (name: string): Error =>
  new Error(
    `${name} holds more than ${MOST_FILES} files: choose the folder of one model or one run`,
  );

/**
 * Everything that a drop holds.
 *
 * @throws Error if a folder has too many files, or the browser cannot read one.
 */
export async function droppedOf(entries: readonly (FileSystemEntry | null)[]): Promise<Dropped[]> {
  return Promise.all(
    entries
      .flatMap((entry) => entry ?? [])
      .map(async (entry): Promise<Dropped> => {
        if (entry.isDirectory) {
          const files = new Map<string, File>();
          await addFiles(entry as FileSystemDirectoryEntry, '', 1, files, entry.name);
          return { kind: 'folder', name: entry.name, files };
        }
        return { kind: 'file', file: await fileOf(entry as FileSystemFileEntry) };
      }),
  );
}

/** The folder that a user has picked. Undefined if it has no file. @throws Error if it has too many. */
export function pickedFolder(list: FileList): Dropped | undefined {
  const files = new Map<string, File>();
  let folder: string | undefined;
  for (const file of list) {
    const [name = '', ...rest] = file.webkitRelativePath.split('/');
    folder ??= name;
    if (rest.length <= DEEPEST) files.set(rest.join('/'), file);
    if (files.size > MOST_FILES) throw tooMany(name);
  }
  return folder === undefined ? undefined : { kind: 'folder', name: folder, files };
}

/** Files of a folder itself, by their names: a model has none in folders of it. */
export const ownFiles = (files: ReadonlyMap<string, File>): ReadonlyMap<string, File> =>
  new Map([...files].filter(([path]) => !path.includes('/')));

async function addFiles(
  folder: FileSystemDirectoryEntry,
  path: string,
  depth: number,
  files: Map<string, File>,
  name: string,
): Promise<void> {
  const reader = folder.createReader();
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (batch.length === 0) return;
    for (const entry of batch) {
      const inside = `${path}${entry.name}`;
      if (entry.isFile) files.set(inside, await fileOf(entry as FileSystemFileEntry));
      else if (depth < DEEPEST) {
        const inner = entry as FileSystemDirectoryEntry;
        await addFiles(inner, `${inside}/`, depth + 1, files, name);
      }
      if (files.size > MOST_FILES) throw tooMany(name);
    }
  }
}

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => {
    entry.file(resolve, reject);
  });
