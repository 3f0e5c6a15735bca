// The process of a verifier module in Deno, which has no permission at all. Calls come as lines of
// JSON and replies go as lines of JSON. The module's thread may loop; this thread stays free, and
// ends the process when the other side is gone.

/** @type {any} */
const deno = /** @type {any} */ (globalThis).Deno;
const encoder = new TextEncoder();

/** @param {object} reply */
const say = (reply) => {
  deno.stdout.writeSync(encoder.encode(`${JSON.stringify(reply)}\n`));
};

/** @type {Worker | undefined} */
let worker;

/** @param {string} line */
const take = (line) => {
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

let rest = '';
for await (const text of deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) take(line);
}
deno.exit();

export {};
