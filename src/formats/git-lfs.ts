import type { ByteSource } from './byte-source.ts';
import { FormatError } from './format-error.ts';

/** First words of a pointer file: Git LFS leaves such a file in place of a file not downloaded. */
const pointerStart = 'version https://git-lfs.github.com/spec/';
const largestPointer = 1024;

/** @throws FormatError when a file is only a Git LFS pointer. */
export async function expectNoPointer(source: ByteSource): Promise<void> {
  if (source.size > largestPointer || source.size < pointerStart.length) return;
  const text = new TextDecoder().decode(await source.slice(0, source.size));
  if (!text.startsWith(pointerStart)) return;
  const size = /^size (\d{1,16})$/m.exec(text)?.[1];
  throw new FormatError(
    `${source.name}: a Git LFS pointer${size === undefined ? '' : ` to ${size} bytes`}, not the file itself: fetch it with 'git lfs pull'`,
  );
}
