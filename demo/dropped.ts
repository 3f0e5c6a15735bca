/** Files that a user has dropped or picked: those of a folder, by their names in it, or one file. */
export type Dropped =
  | { readonly kind: 'folder'; readonly name: string; readonly files: ReadonlyMap<string, File> }
  | { readonly kind: 'file'; readonly file: File };

/** Most files of a folder: a model has tens. */
const MOST_FILES = 1000;

/** What the user could do about a folder with too many files. */
const tooMany = (name: string): Error =>
  new Error(`${name} holds more than ${MOST_FILES} files: choose the folder of one model`);

/**
 * Everything that a drop holds. Files in folders of a dropped folder are no part of a model, and are
 * left out.
 *
 * @throws Error if a folder has too many files, or the browser cannot read one.
 */
export async function droppedOf(transfer: DataTransfer): Promise<Dropped[]> {
  // Entries must be taken before anything is awaited: the browser empties the drop then.
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return Promise.all(
    entries.map(async (entry): Promise<Dropped> => {
      if (entry.isDirectory) {
        const files = await filesIn(entry as FileSystemDirectoryEntry);
        return { kind: 'folder', name: entry.name, files };
      }
      return { kind: 'file', file: await fileOf(entry as FileSystemFileEntry) };
    }),
  );
}

/** The folder that a user has picked. Undefined if it has no file. */
export function pickedFolder(list: FileList): Dropped | undefined {
  const files = new Map<string, File>();
  let folder: string | undefined;
  for (const file of list) {
    const [name = '', ...rest] = file.webkitRelativePath.split('/');
    folder ??= name;
    if (rest.length === 1) files.set(file.name, file);
    if (files.size > MOST_FILES) throw tooMany(name);
  }
  return folder === undefined ? undefined : { kind: 'folder', name: folder, files };
}

async function filesIn(folder: FileSystemDirectoryEntry): Promise<Map<string, File>> {
  const reader = folder.createReader();
  const files = new Map<string, File>();
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (batch.length === 0) return files;
    for (const entry of batch) {
      if (!entry.isFile) continue;
      files.set(entry.name, await fileOf(entry as FileSystemFileEntry));
      if (files.size > MOST_FILES) throw tooMany(folder.name);
    }
  }
}

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => {
    entry.file(resolve, reject);
  });
