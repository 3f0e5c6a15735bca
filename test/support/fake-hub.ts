import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that the hub has had. */
export interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** Answers a request in place of the hub; false leaves it to the hub. */
export type Instead = (asked: Asked, response: ServerResponse) => boolean;

export const COMMIT = 'c0ffee'.padEnd(40, '0');

/** A hub of models on this machine's loopback, with one model, that can be made to fail. */
export class FakeHub {
  readonly asked: Asked[] = [];
  readonly files: Map<string, Uint8Array>;
  /** Fields that replace those of the listing. */
  listing: object = {};
  /** Each is asked in turn until one answers. */
  instead: Instead[] = [];
  readonly repo: string;
  readonly #server = createServer((request, response) => {
    const asked = { path: request.url ?? '', headers: request.headers };
    this.asked.push(asked);
    if (this.instead.some((answer) => answer(asked, response))) return;
    this.#answer(asked, response);
  });

  constructor(repo: string, files: ReadonlyMap<string, Uint8Array>) {
    this.repo = repo;
    this.files = new Map(files);
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this.endpoint;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Paths of the files that were asked for, with their ranges. */
  get downloads(): string[] {
    return this.asked
      .filter(({ path }) => path.includes('/resolve/'))
      .map(({ path, headers }) => `${path.split('/').at(-1)} ${headers.range ?? ''}`.trim());
  }

  #answer({ path, headers }: Asked, response: ServerResponse): void {
    if (path.startsWith(`/api/models/${this.repo}/revision/`)) {
      response.end(JSON.stringify({ ...this.#listed(), ...this.listing }));
      return;
    }
    const name = path.startsWith(`/${this.repo}/resolve/${COMMIT}/`) ? path.split('/').at(-1)! : '';
    const bytes = this.files.get(name);
    if (bytes) this.send(bytes, headers.range, response);
    else response.writeHead(404).end();
  }

  /** Sends a file, or the part that a range asks for. */
  send(bytes: Uint8Array, range: string | undefined, response: ServerResponse): void {
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const tag = { etag: `"${sha256(bytes)}"` };
    if (range === undefined) response.writeHead(200, tag).end(bytes);
    else if (from >= bytes.length) response.writeHead(416, tag).end();
    else {
      const part = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
      response.writeHead(206, { ...tag, ...part }).end(bytes.subarray(from));
    }
  }

  #listed(): object {
    return {
      sha: COMMIT,
      cardData: { license: 'apache-2.0' },
      siblings: [...this.files].map(([rfilename, bytes]) => ({
        rfilename,
        size: bytes.length,
        blobId: gitSha1(bytes),
        ...(rfilename.endsWith('.safetensors')
          ? { lfs: { sha256: sha256(bytes), size: bytes.length, pointerSize: 134 } }
          : {}),
      })),
    };
  }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const gitSha1 = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
