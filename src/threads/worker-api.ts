/** A worker posts this message as soon as it serves calls. */
export type ReadyMessage = 'limr-worker-ready';

/** The calls that every worker serves. */
export interface WorkerApi {
  /**
   * Releases the resources that must not die with the thread. A Node thread that is terminated
   * during a GPU readback takes the whole process with it.
   */
  dispose(): void | Promise<void>;
}
