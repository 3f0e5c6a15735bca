import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fieldOf, isRecord, type JsonRecord, kindOf, shorten } from '../formats/json.ts';
import { counted } from '../look/wording.ts';
import { judgeText, type NamedVerifier } from '../tasks/rule-verifiers.ts';
import type { AnswerBook } from './answer-book.ts';
import { UsageError } from './arguments.ts';
import { splitQuery } from './query-response.ts';
import { system } from './system.ts';

export interface RewardService {
  /** 0 takes a free port. */
  readonly port: number;
  readonly address: string;
  /** Longest time that a request may take, arrival of its body included. */
  readonly seconds: number;
  readonly verifierName: string;
  readonly verifier: NamedVerifier;
  readonly endTokens: readonly string[];
  /** Answers for queries without labels. */
  readonly book: AnswerBook | undefined;
}

const largestBody = 8 << 20;
const mostRequests = 64;
/** Bytes of a refused body that are read and discarded before the connection is cut. */
const mostDrained = 64 << 20;
const secondsToDrain = 10;
const secondsForHeaders = 10;
/** Engines send a body in one go; a client that sends slowly only occupies a place. */
const secondsForBody = 15;
const mostConnections = 1024;
/** Time from the last answer to the end of all connections, so that the answer arrives. */
const graceMs = 250;
/** Longest stretch of work before other requests get their turn. */
const turnMs = 10;

/** A request that is refused, with its status. */
class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * Serves rewards until SIGTERM or Ctrl-C. Then the server takes no new requests, answers the
 * requests that have begun, and returns. A second signal ends open requests at once.
 *
 * @returns The exit code.
 * @throws UsageError when the server cannot listen on the address.
 */
export async function serveRewards(service: RewardService): Promise<number> {
  const host = await system();
  const desk = new Desk(service, (text) => void host.stderr(text));
  const server = createServer(
    {
      headersTimeout: secondsForHeaders * 1000,
      requestTimeout: (secondsForHeaders + secondsForBody + 5) * 1000,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: 5000,
      maxHeaderSize: 16 << 10,
    },
    (request, response) => void desk.take(request, response),
  );
  server.maxConnections = mostConnections;
  const { port, address } = await listen(server, service);
  // Before the address is printed: a reader of that line may send a signal at once.
  const end = ended(server, desk, (listener) => host.onInterrupt(listener));
  const shown = address.includes(':') ? `[${address}]` : address;
  const answers = service.book ? `, answers of ${counted(service.book.size, 'prompt')}` : '';
  const open = isLoopback(address) ? '' : '; whoever reaches this machine can ask';
  await host.stderr(
    `rewards by ${service.verifierName} at http://${shown}:${port}/get_reward${answers}${open}; ` +
      `end with Ctrl-C or SIGTERM\n`,
  );
  const forced = await end;
  const unknown = desk.unknown > 0 ? `, ${desk.unknown} queries of unknown prompts` : '';
  await host.stderr(`${desk.served} requests answered, ${desk.refused} refused${unknown}\n`);
  return forced ? 1 : 0;
}

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

async function listen(server: Server, { port, address }: RewardService): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code ?? error.message;
      reject(new UsageError(`--serve ${port}: ${address} cannot be listened on (${why})`));
    });
    server.listen(port, address, resolve);
  });
  return server.address() as AddressInfo;
}

/** Resolves when the server has ended after a signal: true if a second signal forced the end. */
function ended(
  server: Server,
  desk: Desk,
  onInterrupt: (listener: () => void) => () => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    let forced = false;
    const stop = (): void => {
      if (desk.closing) {
        forced = true;
        server.closeAllConnections();
        return;
      }
      server.close(() => {
        for (const off of [...offs]) off();
        resolve(forced);
      });
      // An idle connection, or one without a complete header, would keep the server from ending.
      void desk.close().then(() => {
        setTimeout(() => {
          server.closeAllConnections();
        }, graceMs);
      });
    };
    const offs = [onInterrupt(stop), onOrphaned(stop)];
  });
}

/**
 * Calls back when the shell through which npm started this process has ended. A signal to `npx
 * limr` ends npm and that shell, and does not reach this process.
 *
 * @returns A function that removes the listener.
 */
function onOrphaned(listener: () => void): () => void {
  if (process.env.npm_lifecycle_script === undefined) return () => undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    listener();
  }, 200);
  return () => {
    clearInterval(timer);
  };
}

/** Takes requests one by one, counts and answers them. */
class Desk {
  served = 0;
  refused = 0;
  /** Number of queries without a label whose prompt is not in the prompt file. */
  unknown = 0;
  readonly #service: RewardService;
  readonly #say: (text: string) => void;
  #open = 0;
  #idle: (() => void) | undefined;

  constructor(service: RewardService, say: (text: string) => void) {
    this.#service = service;
    this.#say = say;
  }

  get closing(): boolean {
    return this.#idle !== undefined;
  }

  /** Resolves when every request that has begun is answered. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve;
      if (this.#open === 0) resolve();
    });
  }

  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client's disconnection is an error of its streams, and not worth a report.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const url = request.url ?? '';
    const path = url.split('?', 1)[0] ?? '';
    if (path === '/health') {
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      request.resume();
      if (isRead) this.#answer(response, 200, { status: 'ok', requests: this.#open })();
      else this.#refuse(request, response, onlyBy('GET'));
      return;
    }
    if (path !== '/get_reward' && path !== '/get_reward/') {
      const reason = `no such path: ${shorten(path)}; POST /get_reward or GET /health`;
      this.#refuse(request, response, new Refusal(404, reason));
    } else if (request.method !== 'POST') this.#refuse(request, response, onlyBy('POST'));
    else if (this.#open >= mostRequests) {
      const reason = `${mostRequests} requests are being answered already; ask again`;
      this.#refuse(request, response, new Refusal(429, reason, { 'retry-after': '1' }));
    } else await this.#judge(request, response);
  }

  async #judge(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#open++;
    const { seconds } = this.#service;
    const late = new AbortController();
    const bodySeconds = Math.min(secondsForBody, seconds);
    const bodyTimer = setTimeout(() => {
      late.abort(new Refusal(408, `the body took more than ${bodySeconds} s to come`));
    }, bodySeconds * 1000);
    const timer = setTimeout(() => {
      late.abort(new Refusal(503, `the request took more than ${seconds} s`));
    }, seconds * 1000);
    response.once('close', () => {
      late.abort(new Refusal(499, 'the client is gone'));
    });
    try {
      const body = await readBody(request, late.signal);
      clearTimeout(bodyTimer);
      const query = parseQuery(body, this.#service.book);
      const { unknown, ...result } = await judgeAll(query, this.#service, late.signal);
      if (unknown > 0) this.#noteUnknown(unknown);
      this.served++;
      this.#answer(response, 200, result)();
    } catch (error) {
      if (error instanceof Refusal) this.#refuse(request, response, error);
      else {
        const reason = error instanceof Error ? error.message : String(error);
        this.#refuse(request, response, new Refusal(500, shorten(reason)));
      }
    }
    clearTimeout(timer);
    clearTimeout(bodyTimer);
    await sent(response);
    this.#open--;
    if (this.#open === 0) this.#idle?.();
  }

  #noteUnknown(count: number): void {
    if (this.unknown === 0) {
      this.#say('a query brings no label, and its prompt is not in the prompt file: it earns -1\n');
    }
    this.unknown += count;
  }

  /**
   * Answers with a reason. The connection stays open while the rest of the body arrives, within
   * bounds: a client that is cut off while it sends does not read the answer.
   */
  #refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
    this.refused++;
    const end = this.#answer(response, refusal.status, { error: refusal.message }, refusal.headers);
    if (request.complete || request.destroyed) {
      end();
      return;
    }
    let drained = 0;
    const stop = (): void => {
      clearTimeout(timer);
      end();
    };
    const timer = setTimeout(stop, secondsToDrain * 1000);
    request.on('data', (chunk: Buffer) => {
      drained += chunk.length;
      if (drained > mostDrained) stop();
    });
    request.once('end', stop);
    request.once('close', stop);
    request.resume();
  }

  /** Writes an answer. @returns A function that ends the response. */
  #answer(
    response: ServerResponse,
    status: number,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): () => void {
    if (response.destroyed || response.headersSent) return () => undefined;
    const text = JSON.stringify(body);
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...headers,
      ...(this.closing ? { connection: 'close' } : {}),
    });
    response.write(text);
    return () => {
      if (!response.writableEnded) response.end();
    };
  }
}

/** Resolves when a response is sent, or its client has disconnected. */
const sent = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    if (response.writableFinished || response.destroyed) resolve();
    response.once('finish', resolve);
    response.once('close', resolve);
  });

const onlyBy = (method: string): Refusal =>
  new Refusal(405, `only ${method} is answered here`, { allow: method });

/** A request's body as text. @throws Refusal when it is too large, late, or not UTF-8. */
async function readBody(request: IncomingMessage, signal: AbortSignal): Promise<string> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new Refusal(415, `content-encoding ${shorten(encoding)} is not read; send JSON as it is`);
  }
  const tooLarge = new Refusal(413, `the body is larger than the ${largestBody} bytes allowed`);
  if (Number(request.headers['content-length'] ?? 0) > largestBody) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let size = 0;
  await new Promise<void>((resolve, reject) => {
    const stop = (why: Refusal): void => {
      request.off('data', take);
      reject(why);
    };
    const take = (chunk: Uint8Array): void => {
      size += chunk.length;
      if (size > largestBody) stop(tooLarge);
      else chunks.push(chunk);
    };
    request.on('data', take);
    request.once('end', resolve);
    request.once('error', () => {
      stop(new Refusal(400, 'the body broke off'));
    });
    signal.addEventListener('abort', () => {
      stop(signal.reason as Refusal);
    });
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Refusal(400, 'the body is not UTF-8 text');
  }
}

/** One text that is to be judged. */
interface Item {
  readonly prompt: string;
  readonly response: string;
  /** Undefined if the prompt file has no answer either. */
  readonly answer: string | undefined;
  readonly finished: boolean | undefined;
}

/** The content of a request. Items are created one by one, because a request may hold many. */
interface Query {
  readonly count: number;
  readonly itemAt: (i: number) => Item;
}

/** The names that engines and their users give to the same lists. */
const fields = {
  query: ['query', 'queries', 'texts', 'text'],
  response: ['response', 'responses', 'completion', 'completions', 'outputs'],
  prompt: ['prompts', 'prompt'],
  label: ['labels', 'label', 'answers', 'answer', 'ground_truths', 'ground_truth', 'gts'],
  finished: ['finished'],
} as const;

/**
 * Parses a request's body: LIMR's `{"query": [texts]}`, OpenRLHF's form with `prompts` and
 * `labels`, and the same forms with separate responses.
 *
 * @throws Refusal when the body has none of these forms.
 */
function parseQuery(body: string, book: AnswerBook | undefined): Query {
  const record = parseRecord(body);
  const queries = listIn(record, fields.query);
  const responses = listIn(record, fields.response);
  const texts = queries ?? responses;
  if (!texts) throw new Refusal(400, 'no field query: a list of texts, each prompt and response');
  const prompts = sameLength(listIn(record, fields.prompt), texts);
  const labels = sameLength(listIn(record, fields.label), texts);
  const finished = sameLength(listIn(record, fields.finished), texts);
  const itemAt = (i: number): Item => {
    const text = textAt(texts, i);
    const given = prompts && promptAt(prompts, i);
    const { prompt, response } = queries
      ? splitQuery(text, given)
      : { prompt: given ?? '', response: text };
    // OpenRLHF sends an empty label for data without one.
    const label = (labels && labelAt(labels, i)) || undefined;
    if (label === undefined && !book) {
      const lacking = labels ? `${labels.name}[${i}] is empty` : 'no field labels';
      throw new Refusal(400, `${lacking}, and the service has no prompt file (--prompts)`);
    }
    const found = label ?? (given === undefined ? undefined : book?.find(given));
    const answer = found ?? (prompt === '' ? book?.find(text, true) : book?.find(prompt));
    return { prompt: given ?? prompt, response, answer, finished: finishedAt(finished, i) };
  };
  return { count: texts.values.length, itemAt };
}

function parseRecord(body: string): JsonRecord {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal(400, `the body is not JSON: ${shorten(why)}`);
  }
  if (isRecord(value)) return value;
  throw new Refusal(400, `the body must be an object with a field query, is ${kindOf(value)}`);
}

interface List {
  readonly name: string;
  readonly values: readonly unknown[];
}

/** The list under the first of these names that the record has; a single text is a list of one. */
function listIn(record: JsonRecord, names: readonly string[]): List | undefined {
  for (const name of names) {
    const value = fieldOf(record, name) ?? undefined;
    if (value === undefined) continue;
    if (Array.isArray(value)) return { name, values: value as unknown[] };
    if (typeof value === 'object') throw new Refusal(400, `${name} must be a list`);
    return { name, values: [value] };
  }
  return undefined;
}

function sameLength(list: List | undefined, texts: List): List | undefined {
  if (!list || list.values.length === texts.values.length) return list;
  throw new Refusal(
    400,
    `${list.name} has ${list.values.length} entries, ${texts.name} ${texts.values.length}`,
  );
}

function textAt({ name, values }: List, i: number): string {
  const value = values[i];
  if (typeof value === 'string') return value;
  throw new Refusal(400, `${name}[${i}] must be text, is ${kindOf(value)}`);
}

/** A prompt: a text, or the last user turn of a list of chat messages. */
function promptAt(list: List, i: number): string | undefined {
  const value = list.values[i] ?? undefined;
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return textAt(list, i);
  const turn = (value as unknown[]).filter(isRecord).findLast((one) => one.role === 'user');
  const content = turn && fieldOf(turn, 'content');
  if (typeof content === 'string') return content;
  throw new Refusal(400, `${list.name}[${i}] has no user message`);
}

function labelAt({ name, values }: List, i: number): string | undefined {
  const value = values[i] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw new Refusal(400, `${name}[${i}] must be a text or a number, is ${kindOf(value)}`);
}

function finishedAt(list: List | undefined, i: number): boolean | undefined {
  const value = list?.values[i] ?? undefined;
  if (value === undefined || typeof value === 'boolean') return value;
  throw new Refusal(400, `${list?.name ?? ''}[${i}] must be true or false, is ${kindOf(value)}`);
}

/** Rewards in the order of the request, with the fields that OpenRLHF filters by and logs. */
async function judgeAll(
  { count, itemAt }: Query,
  { verifier, endTokens }: RewardService,
  signal: AbortSignal,
) {
  let unknown = 0;
  const rewards: number[] = [];
  const scores: number[] = [];
  const formatted: number[] = [];
  let turn = performance.now();
  for (let i = 0; i < count; i++) {
    if (performance.now() - turn > turnMs) {
      await new Promise((resolve) => setImmediate(resolve));
      turn = performance.now();
    }
    signal.throwIfAborted();
    const { prompt, answer, response, finished } = itemAt(i);
    if (answer === undefined) unknown++;
    // As in LIMR's server, an unknown prompt earns -1.
    const verdict =
      answer === undefined
        ? { reward: -1, correct: false, formatted: false }
        : await judgeText(verifier, { prompt, answer, response }, { finished, endTokens });
    rewards.push(verdict.reward);
    scores.push(Number(verdict.correct));
    formatted.push(Number(verdict.formatted));
  }
  return { rewards, scores, extra_logs: { correct: scores, formatted }, unknown };
}
