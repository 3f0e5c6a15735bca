/**
 * A file cannot be read or written. The message says which, and what the system's error code means.
 */
export class FileError extends Error {
  override readonly name = 'FileError';
}

const meanings: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the quota of this disk is used up',
  EEXIST: 'a part of its path is a file, not a folder',
  EFBIG: 'too large for this file system',
  EIO: 'the disk failed',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead round in a circle',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'too many files are open',
  ENOENT: 'there is no such folder, and none can be made',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
};

/** The system's code of an error, such as `ENOENT`; undefined if the error has none. */
export const errorCode = (error: unknown): string | undefined => {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
};

/** Whether an error says that there is no such file or folder. */
export function isAbsence(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Turns a file-system error into a `FileError`. Other errors are returned unchanged. */
export function fileError(error: unknown, path: string, done: 'read' | 'written'): unknown {
  const code = errorCode(error);
  if (code === undefined || error instanceof FileError) return error;
  const meaning = Object.hasOwn(meanings, code) ? meanings[code] : undefined;
  const text = meaning === undefined ? code : `${meaning} (${code})`;
  return new FileError(`${path}: cannot be ${done}: ${text}`, { cause: error });
}

/** The functions of `node:fs/promises` that `makeFolder` needs. */
interface FolderCalls {
  mkdir(path: string): Promise<unknown>;
  stat(path: string): Promise<{ isDirectory(): boolean }>;
}

/**
 * Makes a folder and its parents, one at a time. Node's recursive call reports ENOENT on a
 * read-only file system, and never returns in `/proc`.
 *
 * @param above Gives the parent of a path; the root is its own parent.
 * @returns The folders that it made, outermost first.
 */
export async function makeFolder(
  calls: FolderCalls,
  path: string,
  above: (path: string) => string,
): Promise<string[]> {
  const made: string[] = [];
  const make = async (): Promise<unknown> => {
    try {
      await calls.mkdir(path);
      made.push(path);
    } catch (error) {
      const found = await calls.stat(path).catch(() => undefined);
      return found?.isDirectory() ? undefined : error;
    }
    return undefined;
  };
  let failure = await make();
  if (errorCode(failure) === 'ENOENT' && above(path) !== path) {
    made.push(...(await makeFolder(calls, above(path), above)));
    failure = await make();
  }
  if (failure !== undefined) throw failure as Error;
  return made;
}
