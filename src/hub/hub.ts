// What is asked of a hub over HTTP: a model's listing, and the bytes of its files.
import * as v from 'valibot';
import { issueText } from '../config-issue.ts';
import { parseJson } from '../formats/json.ts';
import { type HubFile, type HubModel, listingSchema, modelOf } from './listing.ts';
import { type ModelId, ModelIdError, modelIdText } from './model-id.ts';

/** A hub did not answer, or not as it should. The message says what, and of which file. */
export class HubError extends Error {
  override readonly name = 'HubError';
}

export interface HubOptions {
  /** As `https://huggingface.co`. */
  readonly endpoint: string;
  /** Goes to the endpoint alone: to no place that it redirects to. */
  readonly token?: string | undefined;
  /** Waits some milliseconds. */
  readonly wait: (ms: number) => Promise<void>;
  /** Told what is waited for. */
  readonly note: (text: string) => void | Promise<void>;
  /** A connection that says nothing for so long is given up. 60,000 when left out. */
  readonly silenceMs?: number;
}

/** Bytes of a file, from `at` on. Smaller than what came before: the file begins anew there. */
export interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

const MOST_REDIRECTS = 5;
/** Tries in a row without a new byte. */
const TRIES = 5;
const MOST_WAIT_MS = 120_000;
const MOST_LISTING = 32 * 2 ** 20;
const retried = new Set([408, 429, 500, 502, 503, 504]);

/** A failure that another try may mend. */
class Hiccup extends Error {
  readonly waitMs: number | undefined;

  constructor(message: string, waitMs?: number) {
    super(message);
    this.waitMs = waitMs;
  }
}

export class Hub {
  readonly #options: HubOptions;
  readonly #endpoint: URL;

  /** @throws HubError unless the endpoint is an address of http or https. */
  constructor(options: HubOptions) {
    this.#options = options;
    const { endpoint } = options;
    if (!/^https?:\/\/[^/?#]+/.test(endpoint) || !URL.canParse(endpoint)) {
      throw new HubError(`HF_ENDPOINT: '${endpoint.slice(0, 200)}' is no address of a hub`);
    }
    this.#endpoint = new URL(endpoint.replace(/\/*$/, '/'));
  }

  /**
   * The commit of a model, and the files that it has there.
   *
   * @throws ModelIdError where the hub has no such model or does not give it; HubError.
   */
  async model(id: ModelId): Promise<HubModel> {
    const name = modelIdText(id);
    const path = `api/models/${id.repo}/revision/${encodeURIComponent(id.revision)}?blobs=true`;
    const text = await this.#tried(name, async () => {
      const { response, alive, end } = await this.#get(path, {});
      try {
        this.#expect(name, response, [200]);
        let length = 0;
        const parts: string[] = [];
        const decoder = new TextDecoder();
        for await (const bytes of bodyOf(response)) {
          alive();
          length += bytes.length;
          if (length > MOST_LISTING) throw new HubError(`${name}: its list of files is too long`);
          parts.push(decoder.decode(bytes, { stream: true }));
        }
        return parts.join('') + decoder.decode();
      } finally {
        end();
      }
    });
    let value: unknown;
    try {
      value = parseJson(text, name);
    } catch {
      throw new HubError(`${name}: the hub's answer is no JSON`);
    }
    const result = v.safeParse(listingSchema, value, { abortEarly: true });
    if (!result.success) {
      throw new HubError(`${name}: the hub's answer: ${issueText(result.issues[0])}`);
    }
    return modelOf(name, id.repo, result.output);
  }

  /**
   * The bytes of a file in their order, from a place on; a connection that breaks is taken up again.
   *
   * @throws ModelIdError, HubError naming the file.
   */
  async *read(
    { repo, commit }: Pick<HubModel, 'repo' | 'commit'>,
    { name, size }: Pick<HubFile, 'name' | 'size'>,
    from: number,
  ): AsyncGenerator<Piece> {
    const where = `hf:${repo}: ${name}`;
    let at = from;
    let failures = 0;
    let etag: string | undefined;
    while (at < size) {
      const began = at;
      try {
        const range = at > 0 ? { range: `bytes=${at}-` } : {};
        const { response, alive, end } = await this.#get(
          `${repo}/resolve/${commit}/${name}`,
          range,
          (linked) => {
            // The content behind another tag is another: what is there is not gone on with.
            if (etag !== undefined && linked !== undefined && linked !== etag) at = 0;
            etag = linked ?? etag;
          },
        );
        try {
          if (response.status === 416 || (at === 0 && began > 0)) {
            at = 0;
            throw new Hiccup('the hub does not go on from where it was');
          }
          this.#expect(where, response, [200, 206]);
          if (response.status === 200) at = 0;
          else if (rangeStart(response) !== at) {
            at = 0;
            throw new Hiccup('the hub gave another part than it was asked for');
          }
          for await (const bytes of bodyOf(response)) {
            alive();
            if (at + bytes.length > size) {
              throw new HubError(`${where}: it has more than the ${size} bytes that the hub lists`);
            }
            yield { at, bytes };
            at += bytes.length;
          }
          if (at < size) throw new Hiccup(`it ended after ${at} of ${size} bytes`);
        } finally {
          end();
        }
      } catch (error) {
        if (!isPassing(error)) throw error;
        failures = at > began ? 1 : failures + 1;
        await this.#again(where, error, failures);
      }
    }
  }

  /** Tries a call again while what fails may pass. */
  async #tried<T>(where: string, call: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await call();
      } catch (error) {
        if (!isPassing(error)) throw error;
        await this.#again(where, error, failures);
      }
    }
  }

  /** @throws HubError after too many failures in a row. */
  async #again(where: string, error: Error, failures: number): Promise<void> {
    const why = error instanceof Hiccup ? error.message : reasonOf(error);
    if (failures >= TRIES) throw new HubError(`${where}: ${why}, ${TRIES} times in a row`);
    const wanted = error instanceof Hiccup ? error.waitMs : undefined;
    const ms = Math.min(MOST_WAIT_MS, wanted ?? 500 * 2 ** (failures - 1));
    await this.#options.note(`${where}: ${why}; again in ${Math.ceil(ms / 1000)} s`);
    await this.#options.wait(ms);
  }

  /**
   * Asks for a path of the endpoint and follows its redirects, on which the token does not go.
   *
   * @param onTag Told the tag of the content, by the first answer that has one.
   * @returns The answer; `alive` is to be called for each of its pieces, `end` at its end.
   */
  async #get(
    path: string,
    headers: Readonly<Record<string, string>>,
    onTag: (tag: string | undefined) => void = () => undefined,
  ): Promise<{ response: Response; alive: () => void; end: () => void }> {
    const { token, silenceMs = 60_000 } = this.#options;
    const silence = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const alive = (): void => {
      clearTimeout(timer);
      timer = setTimeout(
        () => silence.abort(new Hiccup(`the hub said nothing for ${silenceMs / 1000} s`)),
        silenceMs,
      );
    };
    const end = (): void => {
      clearTimeout(timer);
      silence.abort();
    };
    alive();
    try {
      let target = new URL(path, this.#endpoint);
      let own = token === undefined ? {} : { authorization: `Bearer ${token}` };
      let tag: string | undefined;
      for (let hops = 0; ; hops++) {
        const response = await fetch(target, {
          // Ranges and sizes are of the bytes of the file.
          headers: { 'accept-encoding': 'identity', ...headers, ...own },
          redirect: 'manual',
          signal: silence.signal,
        });
        tag ??= response.headers.get('x-linked-etag') ?? undefined;
        const location = response.headers.get('location');
        if (response.status < 300 || response.status > 399 || location === null) {
          onTag(tag ?? response.headers.get('etag') ?? undefined);
          return { response, alive, end };
        }
        await response.body?.cancel();
        if (hops === MOST_REDIRECTS) throw new HubError(`${path}: redirected without an end`);
        const next = URL.canParse(location, target) ? new URL(location, target) : undefined;
        if (next?.protocol !== 'https:' && next?.protocol !== this.#endpoint.protocol) {
          throw new HubError(
            `${path}: redirected to '${location.slice(0, 100)}', which is not https`,
          );
        }
        target = next;
        own = {};
      }
    } catch (error) {
      end();
      throw silence.signal.reason instanceof Hiccup ? silence.signal.reason : error;
    }
  }

  /** @throws ModelIdError, HubError or Hiccup, unless the status is wanted. */
  #expect(where: string, response: Response, wanted: readonly number[]): void {
    const { status } = response;
    if (wanted.includes(status)) return;
    if (status === 401 || status === 403) {
      const { token } = this.#options;
      throw new ModelIdError(
        `${where}: the hub gives it to nobody without ${token === undefined ? 'a token (HF_TOKEN)' : 'leave: the account of HF_TOKEN has none, or has not accepted its licence'}; or there is no such model`,
      );
    }
    if (status === 404)
      throw new ModelIdError(`${where}: the hub has no such model, revision or file`);
    if (!retried.has(status)) throw new HubError(`${where}: the hub answers ${status}`);
    throw new Hiccup(`the hub answers ${status}`, retryAfter(response.headers.get('retry-after')));
  }
}

/** Milliseconds of the header `retry-after`: seconds or a date. */
export function retryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** First byte of a part; NaN where the answer does not say. */
const rangeStart = (response: Response): number =>
  Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? NaN);

async function* bodyOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (!body) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // The connection is given up, or has ended.
    await reader.cancel().catch(() => undefined);
  }
}

/** Whether an error is of the connection, or of a hub that is busy. */
const isPassing = (error: unknown): error is Error =>
  error instanceof Hiccup ||
  (error instanceof Error &&
    !(error instanceof HubError) &&
    !(error instanceof ModelIdError) &&
    (error instanceof TypeError || 'code' in error || error.name === 'AbortError'));

/** What a failed connection says of itself. */
function reasonOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : '';
  return `the hub cannot be reached${code}`;
}
