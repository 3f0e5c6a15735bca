/** So long after the device was last asked something, it is polled in every turn of the event loop. */
const AT_ONCE_MS = 0.5;
/** Later only every so many milliseconds. */
const INTERVAL_MS = 1;

type Callback = (...args: unknown[]) => void;
type Immediates = { setImmediate: (callback: Callback) => unknown };

let lastAsked = 0;

/**
 * Calls into Node's WebGPU, which polls its device through `setImmediate`, in every turn of the event
 * loop, for as long as it owes anybody an answer: that takes a whole core, and a software adapter runs
 * on the same cores. In this call, and in the polls that follow from it, `setImmediate` is a timer;
 * nobody else sees that, for nothing else runs meanwhile. What is answered at once is heard of at once.
 */
export function withTimedPolls<T>(call: () => T): T {
  lastAsked = performance.now();
  return withTimers(call);
}

function withTimers<T>(call: () => T): T {
  const scope = globalThis as unknown as Immediates;
  const own = scope.setImmediate;
  scope.setImmediate = (poll) =>
    performance.now() - lastAsked < AT_ONCE_MS
      ? own(() => withTimers(poll))
      : setTimeout(() => withTimers(poll), INTERVAL_MS);
  try {
    return call();
  } finally {
    scope.setImmediate = own;
  }
}
