// Who answers questions to the models of the run that is shown.
import { signal } from '@preact/signals';
import type { KeptFolder } from '../../src/entries/browser.ts';
import type {
  Attention,
  AttentionCall,
  GenerateCall,
  Generated,
  InspectCall,
  Inspected,
  LastRollout,
  RolloutCall,
} from '../../src/index.ts';

/** The calls of the trainer's worker; it may have to open the run's folder first. */
export interface Asker {
  readonly generate: (call: GenerateCall) => Promise<Generated>;
  readonly inspect: (call: InspectCall) => Promise<Inspected>;
  readonly rollout: (call: RolloutCall) => Promise<LastRollout>;
  readonly attend: (call: AttentionCall) => Promise<Attention>;
  /** The weights that the run's files have; undefined for all that it has trained. */
  readonly weights?: readonly KeptFolder[];
}

/** Undefined where the shown run has nobody to ask: a recording, or a run that is still opening. */
export const asker = signal<Asker | undefined>(undefined);

/** Counts the wishes to write a prompt: the field takes the focus at each. */
export const wishesToAsk = signal(0);
