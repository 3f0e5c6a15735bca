/** A file that cannot be read or written; says which, and what the system's code means. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

const meanings: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the quota of this disk is used up',
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

const codeOf = (error: unknown): string | undefined => {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
};

/** An error of the file system as a `FileError`; others as they are. */
export function fileError(error: unknown, path: string, done: 'read' | 'written'): unknown {
  const code = codeOf(error);
  if (code === undefined || error instanceof FileError) return error;
  const meaning = Object.hasOwn(meanings, code) ? meanings[code] : undefined;
  const text = meaning === undefined ? String(code) : `${meaning} (${code})`;
  return new FileError(`${path}: cannot be ${done}: ${text}`, { cause: error });
}

/** What `makeFolder` needs of `node:fs/promises`. */
interface FolderCalls {
  mkdir(path: string, options?: { readonly recursive?: boolean }): Promise<unknown>;
}

/**
 * Makes a folder and those above it. Node says ENOENT where it could make none of them; asked for one
 * at a time it says why.
 *
 * @param above The folder that a path lies in, the path itself at the root.
 */
export async function makeFolder(
  calls: FolderCalls,
  path: string,
  above: (path: string) => string,
): Promise<void> {
  try {
    await calls.mkdir(path, { recursive: true });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    const upper = above(path);
    if (upper !== path) await makeFolder(calls, upper, above);
    await calls.mkdir(path);
  }
}
