// Runs a user's verifier module for the host that loaded this text, in a thread of its own: a thread
// of a process in Node, a worker of a process without permissions in Deno, a worker of a sandboxed
// frame in a page. It trusts nobody and is not trusted: the other side checks every answer.

/**
 * @typedef {{ readonly prompt: unknown, readonly answer: unknown, readonly response: string,
 *   readonly finished: boolean }} Item
 * @typedef {(prompt: unknown, answer: unknown, response: string,
 *   end: { readonly finished: boolean }) => unknown} Judge
 * @typedef {{ readonly id: number, readonly load?: string, readonly item?: Item }} Call
 */

/** @type {Judge | undefined} */
let judge;

/** @param {unknown} error */
const textOf = (error) =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/**
 * A value that every host can send; of others, what they are.
 *
 * @param {unknown} value
 */
const sent = (value) =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value)
    ? { value }
    : { is: Array.isArray(value) ? 'an array' : value === undefined ? 'missing' : typeof value };

/** @param {string} url */
async function load(url) {
  /** @type {{ readonly default?: unknown }} */
  const module = await import(/* @vite-ignore */ url);
  if (typeof module.default !== 'function') throw new Error('it has no default function');
  judge = /** @type {Judge} */ (module.default);
}

/** @param {Item} item */
async function verdictOn({ prompt, answer, response, finished }) {
  if (!judge) throw new Error('no module is loaded');
  const verdict = await judge(prompt, answer, response, { finished });
  if (typeof verdict !== 'object' || verdict === null) return { verdict: sent(verdict) };
  const { reward, correct, formatted, extracted } = /** @type {Record<string, unknown>} */ (
    verdict
  );
  return {
    reward: sent(reward),
    correct: sent(correct),
    formatted: sent(formatted),
    extracted: sent(extracted),
  };
}

/** @param {(reply: object) => void} post @returns {(call: Call) => Promise<void>} */
const serve =
  (post) =>
  async ({ id, load: url, item }) => {
    try {
      if (url !== undefined) await load(url);
      post({ id, ...(item ? await verdictOn(item) : {}) });
    } catch (error) {
      post({ id, failed: textOf(error) });
    }
  };

const threads =
  'Deno' in globalThis ? undefined : globalThis.process?.getBuiltinModule?.('node:worker_threads');
const outside = threads?.parentPort;
if (outside) {
  const answer = serve((reply) => outside.postMessage(reply));
  outside.on('message', (call) => void answer(call));
} else {
  const answer = serve((reply) => globalThis.postMessage(reply));
  globalThis.addEventListener('message', (event) => void answer(event.data));
}
