import type { StringArgDef } from 'citty';
import { bytesOption } from './arguments.ts';

const GIB = 2 ** 30;

/** Bytes that a command may use on a card of unknown size. */
const defaultMemory = 3.5 * GIB;

/** What stays free of a card, for the driver, the screen and other programs. */
const freeShare = 1 / 8;
const mostFree = GIB / 2;

/** The option of commands whose memory decides how much is computed together. */
export const memoryArg = {
  type: 'string',
  valueHint: 'BYTES',
  description:
    'memory of the card, such as 8GiB: an eighth stays free, at most 512MiB, and the rest decides how many responses are made together (default: 4GiB)',
} satisfies StringArgDef;

/** Bytes that `--memory` lets a command use. @throws UsageError when the option is not a size. */
export function budgetOf({ memory }: { readonly memory?: string | undefined }): number {
  return memory === undefined ? defaultMemory : budgetOfCard(bytesOption('memory', memory));
}

/** Bytes of buffers that a card of so many bytes lets a command use. */
export const budgetOfCard = (bytes: number): number =>
  bytes - Math.min(Math.ceil(bytes * freeShare), mostFree);
