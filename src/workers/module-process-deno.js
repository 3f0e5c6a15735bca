// The process of a verifier module in Deno, which has no permission at all. Calls come as lines of
// JSON and replies go as lines of JSON. The module's thread may loop; this thread stays free, and
// ends the process when the other side is gone.

/**
 * @type {{ readonly Deno: {
 *   readonly stdin: { readonly readable: ReadableStream<Uint8Array<ArrayBuffer>> },
 *   readonly stdout: { writeSync(bytes: Uint8Array): number },
 *   exit(code?: number): never,
 * } }}
 */
const { Deno: deno } = /** @type {never} */ (globalThis);
const encoder = new TextEncoder();

/** @param {object} reply */
const say = (reply) => {
  deno.stdout.writeSync(encoder.encode(`${JSON.stringify(reply)}\n`));
};

/** @type {Worker | undefined} */
let worker;

/** @param {string} line */
const take = (line) => {
  /** @type {{ readonly harness: string }} */
  const call = JSON.parse(line);
  if (worker) {
    worker.postMessage(call);
    return;
  }
  const started = new Worker(`data:text/javascript,${encodeURIComponent(call.harness)}`, {
    type: 'module',
  });
  started.addEventListener('message', ({ data }) => say(data));
  started.addEventListener('error', (event) => {
    event.preventDefault();
    say({ died: event.message });
    deno.exit(1);
  });
  worker = started;
};

const reader = deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();
let rest = '';
for (;;) {
  const { value, done } = await reader.read();
  if (done) break;
  const lines = (rest + value).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) take(line);
}
deno.exit();

export {};
