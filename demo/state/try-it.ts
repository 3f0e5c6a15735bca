// Trying the models of a run: whom one can ask, and what their answers have in common.
import type { KeptFolder } from '../../src/entries/browser.ts';
import {
  inTableOrder,
  methodLabel,
  type GeneratedResponse,
  type MethodName,
  type RunView,
  type Verdict,
  type WeightsName,
} from '../../src/index.ts';
import { engineText } from '../strings/engine.ts';
import { tryItText } from '../strings/try-it.ts';
import { groupAnswers } from './answer-groups.ts';
import type { WorkedResponse } from './worked-steps.ts';

/** How many responses are the most frequent one, and how many match the key where that is judged. */
export function agreementText(responses: readonly GeneratedResponse[]): string {
  const of = responses.length;
  const [most] = groupAnswers(responses);
  if (!most) return '';
  const right = responses.filter(({ verdict }) => verdict?.correct).length;
  const judged = responses.every(({ verdict }) => verdict !== undefined);
  const text = tryItText.value;
  const agree = most.count === 1 ? text.noneAgree(of) : text.agree(most.count, of);
  const match = judged ? text.match(right, of) : '';
  return [of === 1 ? '' : agree, match].filter((one) => one !== '').join(' · ');
}

type AskedView = Pick<RunView, 'config' | 'running' | 'stage' | 'updates'>;

const isMethod = (stage: AskedView['stage'], methods: readonly MethodName[]): boolean =>
  (methods as readonly string[]).includes(stage ?? '');

/**
 * The weights that a run can be asked for: of one under way those that are there by now.
 *
 * @param over Whether the run has been trained to its end.
 */
export function offeredWeights(run: AskedView, over: boolean): WeightsName[] {
  const methods = inTableOrder(['full', ...run.config.experiment.methods.filter(isArm)]);
  if (over) return ['base', ...methods];
  const { stage } = run;
  if (stage === undefined || stage === 'base') return [];
  const trained = methods.filter(
    (method) => method !== stage && (run.updates[method]?.length ?? 0) > 0,
  );
  const now = run.running && isMethod(stage, methods);
  return ['base', ...(now ? (['now'] as const) : []), ...trained];
}

/**
 * Of the weights that a run can be asked for those that its files have. The base comes with what was
 * trained from it: where the files lack it, the page or the user has it.
 *
 * @param kept Undefined where nobody has looked.
 */
export function weightsAtHand(
  offered: readonly WeightsName[],
  kept: readonly KeptFolder[] | undefined,
  seed: number,
): readonly WeightsName[] {
  if (!kept) return offered;
  const has = (name: WeightsName): boolean =>
    kept.some((one) => one.of === name && one.seed === seed);
  const trained = offered.some((name) => name !== 'base' && has(name));
  return trained ? offered.filter((name) => name === 'base' || has(name)) : [];
}

const isArm = (method: MethodName): boolean => method !== 'full';

/** The columns that are shown unless the user chooses others: base, FULL and LIM, and the policy as it stands. */
export const usualWeights = (offered: readonly WeightsName[]): WeightsName[] =>
  offered.filter((name) => ['base', 'now', 'full', 'lim'].includes(name));

export const weightsLabel = (name: WeightsName): string =>
  name === 'base'
    ? engineText.value.base
    : name === 'now'
      ? tryItText.value.now
      : methodLabel(name);

/**
 * What stands beside an answer's mark.
 *
 * @param worked The answer step by step; undefined where it has no steps.
 */
export function answerWords(
  verdict: Verdict | undefined,
  worked: WorkedResponse | undefined,
): string {
  const text = tryItText.value;
  if (verdict === undefined) return text.notJudged;
  const words = engineText.value.verdicts[verdict];
  const slip = worked?.steps.find(({ right }) => !right);
  if (worked?.lucky && (verdict === 'right' || verdict === 'right-unpaid')) {
    return text.luck(words, slip?.text, slip?.want ?? '');
  }
  return slip ? text.slip(words, slip.text, slip.want) : words;
}

/**
 * Has one question in work at a time. Of those that come meanwhile only the newest is kept, and it
 * waits until no other has come for a while.
 */
export class Newest<Question> {
  readonly #work: (question: Question) => Promise<void>;
  readonly #join: (waiting: Question, next: Question) => Question;
  #waiting: Question | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;

  /**
   * @param work Tells of its failures itself: its promise is never rejected.
   * @param join The question that stands for two of which the first has not begun.
   */
  constructor(
    work: (question: Question) => Promise<void>,
    join: (waiting: Question, next: Question) => Question,
  ) {
    this.#work = work;
    this.#join = join;
  }

  /** @param rest Milliseconds without another question before this one begins. */
  ask(question: Question, rest: number): void {
    this.#waiting = this.#waiting === undefined ? question : this.#join(this.#waiting, question);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#next();
    }, rest);
  }

  /** Forgets what has not begun. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#waiting = undefined;
  }

  async #next(): Promise<void> {
    if (this.#busy || this.#timer !== undefined || this.#waiting === undefined) return;
    const question = this.#waiting;
    this.#waiting = undefined;
    this.#busy = true;
    await this.#work(question);
    this.#busy = false;
    await this.#next();
  }
}
