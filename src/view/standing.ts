// Where a run stands, in words: those of English, or others of the same form.
import { bytes, duration } from '../look/wording.ts';
import { failureIn, type Loading } from '../results.ts';
import type { RunView } from './run-view.ts';

/** Where a run stands, for the line under the progress bar and, without numbers, for listeners. */
export interface Standing {
  readonly phase: string;
  readonly pace: string;
  readonly detail: string;
  /** In [0, 1]; undefined while nobody knows. */
  readonly fraction: number | undefined;
}

/** After crashes of its GPU process a browser may give no adapter until it is started again. */
export const restartAdvice =
  'The browser gives this page no GPU any more, as after crashes of its GPU process: restart the browser, with all its windows.';

/** What is said of a run's standing, in English. */
export const standingWords = {
  starting: 'Opening the device',
  first: 'The first kernels are being compiled.',
  compiling: (compiled: number, of: number, label: string) =>
    `Compiling kernel ${compiled} of ${of}, once: ${label}`,
  compiled: (kernels: number) => `${kernels} kernels compiled.`,
  /** What a run reads its files for. */
  reading: { check: 'Checking the files', weights: 'Loading the model' } as Readonly<
    Record<Loading['stage'], string>
  >,
  amount: (read: number, of: number) => `${bytes(read)} of ${bytes(of)}`,
  stopsAtOnce: 'Stop ends this at once.',
  /** Before what the run is at, where it is not simply going on. */
  pausing: 'Pausing after this update… ',
  stepping: 'Stepping… ',
  paused: 'Paused. ',
  stopping: 'Stopping after this update… ',
  /** A phase of the run as its event tells it. */
  phase: (_stage: RunView['stage'], told: string) => told,
  seed: (seed: number) => ` (seed ${seed})`,
  pretraining: 'Pre-training the base',
  loss: (update: number, of: number, loss: number) =>
    `update ${update} of ${of}, loss ${loss.toFixed(2)}`,
  update: (update: number) => `update ${update} · `,
  pace: (eta: number, tokensPerSecond: number, stepMs: number) =>
    `about ${duration(eta)} left · ${Math.round(tokensPerSecond)} tokens/s · ` +
    `${duration(stepMs / 1000)} an update`,
  lost: 'The GPU was lost',
  noGpu: 'The browser gives no GPU',
  failed: 'The run failed',
  lostWhy: (why: string) => `The browser's GPU process or the driver stopped: ${why}.`,
  again: (seconds: number, attempt: number, most: number) =>
    `Opening a device again in ${seconds} s (${attempt} of ${most} within an hour)`,
  stopped: 'Stopped',
  done: 'Done',
  took: (seconds: number) => `in ${duration(seconds)}`,
  restart: restartAdvice,
  memoryAlone: 'It was kept in memory alone: it cannot go on.',
  resumesThen: 'Its last checkpoint is kept: Resume then goes on from there.',
  beginsThen: 'Start then begins it again.',
  resumes: 'Its last checkpoint is kept: Resume, below, goes on from there bit for bit.',
  begins: 'It had no checkpoint yet: Start begins it again.',
};

export type StandingWords = typeof standingWords;

/** Where a run stands. Messages of errors, and kernels, are named in English in any words. */
export function standing(model: RunView, words: StandingWords = standingWords): Standing {
  const { state, message, pretraining, progress, compiling, recovery, results } = model;
  const compiled = compiling
    ? words.compiling(compiling.compiled, compiling.of, compiling.label)
    : model.compiled > 0
      ? words.compiled(model.compiled)
      : '';
  switch (state) {
    case 'starting':
      if (model.loading) return reading(model.loading, '', words);
      return { phase: words.starting, pace: '', detail: words.first, fraction: undefined };
    case 'failed': {
      const { name, words: why } = failureIn(message);
      const lost = name === 'DeviceLostError';
      return {
        phase: lost ? words.lost : model.gpuGone ? words.noGpu : words.failed,
        pace: rescueOf(model, words),
        detail: lost ? words.lostWhy(why.replace(/\.+$/, '')) : why,
        fraction: progress?.fraction ?? 0,
      };
    }
    case 'stopped':
      return {
        phase: words.stopped,
        pace: rescueOf(model, words),
        detail: message,
        fraction: progress?.fraction ?? 0,
      };
    case 'done': {
      const pace = results ? words.took(results.seconds) : '';
      return { phase: words.done, pace, detail: compiled, fraction: 1 };
    }
    default: {
      const intent = state === 'running' ? '' : words[state];
      if (recovery) {
        const { reason, seconds, attempt, most } = recovery;
        return {
          phase: `${intent}${words.lost}`,
          pace: words.again(seconds, attempt, most),
          detail: reason,
          fraction: progress?.fraction,
        };
      }
      if (model.loading) return reading(model.loading, intent, words);
      if (pretraining) {
        const { update, of, loss } = pretraining;
        return {
          phase: `${intent}${words.pretraining}`,
          pace: words.loss(update, of, loss),
          detail: compiled,
          fraction: update / of,
        };
      }
      const update = model.lastUpdate ? words.update(model.lastUpdate.update) : '';
      const seed = model.seeds.length > 1 ? words.seed(model.seed) : '';
      return {
        phase: `${intent}${words.phase(model.stage, model.phase)}${seed}`,
        pace: progress
          ? `${update}${words.pace(progress.eta, progress.tokensPerSecond, progress.stepMs)}`
          : '',
        detail: compiled,
        fraction: progress?.fraction,
      };
    }
  }
}

const reading = (
  { stage, bytes: read, of }: Loading,
  intent: string,
  words: StandingWords,
): Standing => ({
  phase: `${intent}${words.reading[stage]}`,
  pace: words.amount(read, of),
  detail: words.stopsAtOnce,
  fraction: of > 0 ? read / of : undefined,
});

/** What is left of a run that ended before its end. */
function rescueOf({ keeping, checkpointed, gpuGone }: RunView, words: StandingWords): string {
  if (!keeping.stored) return words.memoryAlone;
  if (gpuGone) return `${words.restart} ${checkpointed ? words.resumesThen : words.beginsThen}`;
  return checkpointed ? words.resumes : words.begins;
}
