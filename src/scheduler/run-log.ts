import type { EventOf, ExperimentEvent } from '../results.ts';
import { judging, type Verifier } from './evaluator.ts';
import { advance, freshProgress, type Progress, type ToldRun } from './progress.ts';
import type { RunArchive } from './run-archive.ts';

export type PhaseName = EventOf<'phase'>['phase'];

/** Tells of a run: each event changes its progress, goes into its log and to its observers. */
export class RunLog {
  progress: Progress = freshProgress();
  readonly #run: ToldRun;
  readonly #archive: RunArchive;
  readonly #emit: (event: ExperimentEvent) => void;

  constructor(run: ToldRun, archive: RunArchive, emit: (event: ExperimentEvent) => void) {
    this.#run = run;
    this.#archive = archive;
    this.#emit = emit;
  }

  /** @throws RangeError if the event cannot belong to the run. */
  tell(event: ExperimentEvent): void {
    advance(this.progress, event, this.#run);
    this.#archive.keep(event, this.progress.updates);
    this.#emit(event);
  }

  /** Tells that a phase begins, unless the run was resumed inside it. */
  enter(seed: number, phase: PhaseName, text: string): void {
    const now = this.progress.phase;
    if (now?.seed !== seed || now.phase !== phase) this.tell({ type: 'phase', seed, phase, text });
  }

  /** Tells what readers of the results must know. */
  warn(text: string): void {
    this.tell({ type: 'warning', text, inResults: true });
  }

  /** Has responses judged, and never lets one that could not be pass unnoticed. */
  judging(verify: Verifier, during: 'training' | 'evaluation'): Verifier {
    return judging(verify, ({ responses, of, reason }) => {
      this.tell({
        type: 'warning',
        text: `${responses} of ${of} responses could not be judged: ${reason}`,
        unjudged: { during, responses, reason },
      });
    });
  }
}
