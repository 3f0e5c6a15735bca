import { runFiles } from '../src/index.ts';
import { bytes } from '../src/look/wording.ts';
import { make } from './dom.ts';

/** Descriptions of the files of a run. */
const meanings: Readonly<Record<string, string>> = {
  [runFiles.CONFIG]: 'settings and seeds, as limr run reads them',
  [runFiles.RESULTS]: 'config, accuracies, what each selection kept',
  [runFiles.SCORES]: 'every prompt with its key, score and curve',
  [runFiles.REWARDS]: 'the reward matrix, prompts × epochs',
  [runFiles.METRICS]: 'every scalar of every update',
  'subsets/lim.json': 'the prompts that LIM kept',
};

function meaningOf(name: string): string {
  if (/^adapter[\w-]*\//.test(name)) return 'what was trained, in the layout of PEFT';
  if (/^model[\w-]*\//.test(name)) return 'the trained model, in the layout of Hugging Face';
  const [, method = '', seed] = /^subsets\/([a-z]+)(?:-seed-(\d+))?\.json$/.exec(name) ?? [];
  if (method === '') return 'of another seed';
  return `the prompts of ${method.toUpperCase()}${seed === undefined ? '' : `, seed ${seed}`}`;
}

/** Starts a download of bytes. */
export function download(name: string, content: Uint8Array | Blob | string, type: string): void {
  const url = URL.createObjectURL(
    content instanceof Blob ? content : new Blob([content as Uint8Array<ArrayBuffer>], { type }),
  );
  const link = make('a', '', name);
  link.href = url;
  link.download = name;
  link.click();
  // The download holds its own reference by now; the delay is for slow browsers.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Links to the files of a run; a link appears when its file exists. */
export class FileList {
  readonly #host: HTMLElement;
  readonly #urls = new Map<string, string>();

  constructor(host: HTMLElement) {
    this.#host = host;
    this.clear();
  }

  /** Releases the files of the run before; called before a new run. */
  clear(): void {
    for (const url of this.#urls.values()) URL.revokeObjectURL(url);
    this.#urls.clear();
    this.#host.replaceChildren(
      ...Object.entries(meanings).map(([name, meaning]) => {
        const item = make('li', '', make('span', 'quiet', name), ` ${meaning}, later`);
        item.dataset['file'] = name;
        return item;
      }),
    );
  }

  has(name: string): boolean {
    return this.#urls.has(name);
  }

  add(name: string, content: Uint8Array): void {
    if (this.has(name)) return;
    const type = name.endsWith('.json') ? 'application/json' : 'application/octet-stream';
    const url = URL.createObjectURL(new Blob([content as Uint8Array<ArrayBuffer>], { type }));
    this.#urls.set(name, url);
    const link = make('a', '', name);
    link.href = url;
    link.download = name.replace('/', '-');
    const meaning = meanings[name] ?? meaningOf(name);
    const item = make('li', '', link, ` ${meaning}, ${bytes(content.length)}`);
    item.dataset['file'] = name;
    const place = this.#host.querySelector(`[data-file="${CSS.escape(name)}"]`);
    if (place) place.replaceWith(item);
    else this.#host.append(item);
  }
}
