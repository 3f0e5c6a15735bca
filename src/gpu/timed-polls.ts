/**
 * For this many milliseconds after a call, the device is polled in every turn of the event loop.
 */
const AT_ONCE_MS = 0.5;
/** Milliseconds between later polls. */
const INTERVAL_MS = 1;

type Callback = (...args: unknown[]) => void;
type Immediates = { setImmediate: (callback: Callback) => unknown };

let lastAsked = 0;

/**
 * Calls into Node's WebGPU, with slower polls. Node's WebGPU polls its device through
 * `setImmediate`, in every turn of the event loop, while an answer is pending: that takes a whole
 * core, and a software adapter runs on the same cores. During this call, and during the polls that
 * follow from it, `setImmediate` is a timer; no other code sees that timer, for no other code runs
 * meanwhile. Polls soon after the call stay immediate, so that a quick answer arrives at once.
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
