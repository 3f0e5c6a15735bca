// What is dropped on the page, anywhere on it, by what it holds: never by its name alone, but for code.
import { effect, untracked } from '@preact/signals';
import { isModule } from '../../../src/index.ts';
import { droppedOf, ownFiles, type Dropped } from '../../dropped.ts';
import { dropped } from '../../state/stage.ts';
import { visibleString } from '../../visible-text.ts';
import { importFiles, useOfFile, type Source } from './imports.ts';

/** Who takes what is no rollout and no score. */
export interface Takers {
  readonly model: (name: string, files: ReadonlyMap<string, File>) => Promise<void>;
  readonly module: (file: File) => Promise<void>;
  readonly prompts: (file: File) => Promise<void>;
  /** Shows the run of a bundle, or throws why it cannot. */
  readonly bundle: (file: File) => Promise<void>;
  /**
   * Why model, prompts and verifier cannot be taken now, in a sentence; undefined if they can.
   */
  readonly refusal: () => string | undefined;
  /** Called before anything is read, with what is to be looked at. */
  readonly noticed: () => void;
  readonly complain: (message: string) => void;
}

const hasFiles = (event: DragEvent): boolean =>
  event.dataTransfer?.types.includes('Files') ?? false;

/**
 * Takes what is dropped anywhere on the page.
 *
 * @returns What the drops so far came to: it settles once all of them are taken.
 */
export function listenToDrops(takers: Takers): { readonly settled: () => Promise<unknown> } {
  current = takers;
  const page = document.documentElement;
  let taken: Promise<unknown> = Promise.resolve();
  document.addEventListener('dragover', (event) => {
    if (hasFiles(event)) page.classList.add('dropping');
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) page.classList.remove('dropping');
  });
  effect(() => {
    const entries = dropped.value;
    page.classList.remove('dropping');
    if (entries.length === 0) return;
    const coming = droppedOf(entries);
    taken = untracked(() => Promise.all([taken, takeDropped(() => coming, takers)]));
  });
  return { settled: () => taken };
}

/** Who takes what is dropped or chosen, once the page listens. */
let current: Takers | undefined;

/** Takes files that were chosen by a button, as if they had been dropped. */
export async function takeChosen(files: readonly File[]): Promise<void> {
  if (!current) return;
  const found = files.map((file): Dropped => ({ kind: 'file', file }));
  await takeDropped(() => Promise.resolve(found), current);
}

/** Takes what was dropped or chosen; what is wrong with it is told. */
export async function takeDropped(
  read: () => Promise<readonly Dropped[]>,
  takers: Takers,
): Promise<void> {
  takers.noticed();
  try {
    await sort(await read(), takers);
  } catch (error) {
    takers.complain(visibleString(error instanceof Error ? error.message : String(error)));
  }
}

async function sort(found: readonly Dropped[], takers: Takers): Promise<void> {
  const loose: File[] = [];
  for (const one of found) {
    if (one.kind === 'folder') {
      if (isModel(one.files)) {
        await ifFree(takers, () => takers.model(one.name, ownFiles(one.files)));
      } else void importFiles(folderSource(one.name, one.files));
    } else if (isModule(one.file.name)) await ifFree(takers, () => takers.module(one.file));
    else loose.push(one.file);
  }
  await takeFiles(loose, takers);
}

/** Files that came together are one import, or each is a file of prompts. */
async function takeFiles(files: readonly File[], takers: Takers): Promise<void> {
  const imported: File[] = [];
  for (const file of files) {
    const use = await useOfFile(file);
    if (use === 'import') imported.push(file);
    else if (use === 'bundle') await takers.bundle(file);
    else await ifFree(takers, () => takers.prompts(file));
  }
  if (imported.length > 0) void importFiles(looseSource(imported));
}

async function ifFree(takers: Takers, take: () => Promise<void>): Promise<void> {
  const refusal = takers.refusal();
  if (refusal !== undefined) throw new Error(refusal);
  await take();
}

/** A model has its config and its weights beside each other; a run's config is beside no weights. */
const isModel = (files: ReadonlyMap<string, File>): boolean =>
  files.has('config.json') &&
  !files.has('metrics.jsonl') &&
  [...files.keys()].some((path) =>
    /^[^/]*\.safetensors(\.index\.json)?$|^tokenizer\.json$/.test(path),
  );

/** A folder as one import. */
export const folderSource = (name: string, files: ReadonlyMap<string, File>): Source => ({
  name,
  files: new Map([...files].map(([path, file]) => [`${name}/${path}`, file])),
  paths: [name],
});

/** Files beside each other as one import, in the order of their names. */
export function looseSource(files: readonly File[]): Source {
  const byNumber = new Intl.Collator('en', { numeric: true });
  const sorted = [...files].sort((a, b) => byNumber.compare(a.name, b.name));
  const [first] = sorted;
  return {
    name: sorted.length === 1 ? (first?.name ?? '') : `${first?.name ?? ''} …`,
    files: new Map(sorted.map((file) => [file.name, file])),
    paths: sorted.map(({ name }) => name),
  };
}
