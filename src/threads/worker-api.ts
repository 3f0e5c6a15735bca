/** Posted by a worker once it serves calls. */
export type ReadyMessage = 'limr-worker-ready';

/** What every worker serves. */
export interface WorkerApi {
  /**
   * Lets go of what must not die with the thread. A Node thread that is terminated while a GPU
   * readback is pending takes the whole process with it.
   */
  dispose(): void | Promise<void>;
}
