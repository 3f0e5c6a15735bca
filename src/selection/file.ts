import { digestOf } from '../formats/digest.ts';
import { known, type Selection, type StaticMethod } from './method.ts';

/** The name of a method that trains on the prompts of a file: `file:` and the file's path. */
export type SubsetFile = `file:${string}`;

const PREFIX = 'file:';
/** Longest path of a file in a method's name, in UTF-16 units. */
const LONGEST_PATH = 4096;

/** Whether a name is a prefix and the path of a file. */
export function isFileName(name: string, prefix: string): boolean {
  const path = name.slice(prefix.length);
  return (
    name.startsWith(prefix) && /^[^\u0000-\u001f\u007f]+$/.test(path) && path.length <= LONGEST_PATH
  );
}

/** Whether a name is that of a subset file. */
export const isSubsetFile = (name: string): name is SubsetFile => isFileName(name, PREFIX);

/** The path of a subset file. */
export const pathOfSubset = (name: SubsetFile): string => name.slice(PREFIX.length);

/** The name of the method that trains on the prompts of a file. */
export const subsetFileAt = (path: string): SubsetFile => `${PREFIX}${path}`;

/** Letters that tell files apart by their paths, and show nothing of a path. */
export const lettersOf = (path: string): string =>
  digestOf(path)
    .slice(0, 16)
    .replace(/./g, (digit) => String.fromCharCode('a'.charCodeAt(0) + Number.parseInt(digit, 16)));

/** The prompts that a file lists. */
function selectListed(name: SubsetFile, listed: readonly number[]): Selection {
  const kept = new Set(listed);
  return {
    method: name,
    indices: [...kept].sort((a, b) => a - b),
    rule: `the ${kept.size} prompts of a file`,
    reason: (prompt) => (kept.has(prompt) ? 'listed' : 'not listed'),
  };
}

/** A subset from a file: exactly the prompts that the file lists, whatever the cut. */
export const subsetFile = (name: SubsetFile): StaticMethod => ({
  name,
  code: 16,
  label: `FILE ${pathOfSubset(name).split(/[/\\]/).at(-1) ?? ''} (${lettersOf(pathOfSubset(name)).slice(0, 4)})`,
  takes: () => 'the prompts that the file lists',
  needs: ['listed'],
  usualSize: 'own',
  samples: () => 0,
  choose: ({ listed }) => selectListed(name, known(listed, name, 'listed')(name)),
});
