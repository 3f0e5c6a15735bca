import { isFileName, lettersOf } from './file.ts';
import type { SupervisedMethod } from './method.ts';

/** The name of a method that learns the rows of a file: `sft:` and the file's path. */
export type TaughtFile = `sft:${string}`;

const PREFIX = 'sft:';

/** Whether a name is that of a method which learns the rows of a file. */
export const isTaughtFile = (name: string): name is TaughtFile => isFileName(name, PREFIX);

/** The path of the file whose rows a method learns. */
export const pathOfTaught = (name: TaughtFile): string => name.slice(PREFIX.length);

/** The name of the method that learns the rows of a file. */
export const taughtFileAt = (path: string): TaughtFile => `${PREFIX}${path}`;

const facts = {
  takes: () =>
    'prompts with their responses from a file, which the model learns to predict (supervised fine-tuning); no response is sampled',
  samples: () => 0,
  learns: 'rows',
} as const;

/** SFT on the file that the config names for it. */
export const sft = {
  name: 'sft',
  code: 30,
  label: 'SFT',
  ...facts,
} as const satisfies SupervisedMethod;

/** SFT on a file of its own. */
export const taughtFile = (name: TaughtFile): SupervisedMethod => {
  const path = pathOfTaught(name);
  return {
    name,
    code: 31,
    label: `SFT ${path.split(/[/\\]/).at(-1) ?? ''} (${lettersOf(path).slice(0, 4)})`,
    ...facts,
  };
};
