import type { ByteSource } from '../formats/byte-source.ts';
import type { InputFiles } from '../formats/input-files.ts';
import type { System } from './system.ts';

/** Files of a command's system. A file is opened once. */
export class SystemFiles implements InputFiles {
  readonly #host: System;
  readonly #open = new Map<string, Promise<Awaited<ReturnType<System['open']>> | undefined>>();

  constructor(host: System) {
    this.#host = host;
  }

  open(path: string): Promise<ByteSource | undefined> {
    let opening = this.#open.get(path);
    if (!opening) {
      opening = this.#host
        .info(path)
        .then((found) => (found?.kind === 'file' ? this.#host.open(path) : undefined));
      this.#open.set(path, opening);
    }
    return opening;
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.#open.values());
    this.#open.clear();
    for (const one of all) if (one.status === 'fulfilled') await one.value?.close();
  }
}
