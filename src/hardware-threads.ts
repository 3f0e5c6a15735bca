/** Number of threads that the machine runs at once. */
export function hardwareThreads(): number {
  const host = globalThis as {
    readonly navigator?: { readonly hardwareConcurrency?: number };
  };
  // Node has no navigator before version 21.
  const threads = host.navigator?.hardwareConcurrency;
  return threads ?? globalThis.process.getBuiltinModule('node:os').availableParallelism();
}
