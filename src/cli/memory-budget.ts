import type { StringArgDef } from 'citty';
import { usualBudget } from '../scheduler/plan-memory.ts';
import { bytesOption } from './arguments.ts';

const GIB = 2 ** 30;

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

/** The same option of commands that train: a config without a given model decides by itself. */
export const trainingMemoryArg = {
  ...memoryArg,
  description:
    'memory of the card, such as 8GiB: an eighth stays free, at most 512MiB, and the rest decides how much is computed together (default: 4GiB for a model from a folder, else what the config asks for)',
} satisfies StringArgDef;

/** Bytes that `--memory` lets a command use. @throws UsageError when the option is not a size. */
export function budgetOf({ memory }: { readonly memory?: string | undefined }): number {
  return memory === undefined ? usualBudget : budgetOfCard(bytesOption('memory', memory));
}

/** Bytes of buffers that a card of so many bytes lets a command use. */
export const budgetOfCard = (bytes: number): number =>
  bytes - Math.min(Math.ceil(bytes * freeShare), mostFree);
