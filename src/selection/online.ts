import type { RandomPurpose } from '../random.ts';
import { RandomStream } from '../random.ts';
import type { OnlineSettings } from './online-settings.ts';

/** The responses to a prompt in one iteration, as they were judged. */
export interface JudgedGroup {
  /** Place of the prompt in the pool. */
  readonly prompt: number;
  readonly samples: number;
  /** Responses that match the key. */
  readonly right: number;
  /** Whether the update trains on the group. */
  readonly trained: boolean;
}

/**
 * The facts of one iteration of an online method. The state of a policy follows from them, in
 * their order, and from nothing else.
 */
export interface OnlineUpdate {
  /** Turns of the method's endless order that the iteration used up. */
  readonly turns: number;
  readonly groups: readonly JudgedGroup[];
  /** The prompts of the pool that the method goes on with, if the iteration narrowed the pool. */
  readonly narrowed?: readonly number[] | undefined;
}

/** The place of a choice within an iteration. */
export interface ChoicePlace {
  /** Iterations of the method before this one. */
  readonly iteration: number;
  /** Rounds of sampling before this one, in the iteration. */
  readonly round: number;
  /** Groups that the rollout still has room for. */
  readonly wanted: number;
  /** Turns that earlier rounds of the iteration used up. */
  readonly turns: number;
  /** Prompts that earlier rounds of the iteration sampled. */
  readonly sampled: ReadonlySet<number>;
}

/** The prompts of one round of sampling. */
export interface Choice {
  /** Places in the pool, at most as many as wanted. None ends the iteration's sampling. */
  readonly prompts: readonly number[];
  /** Turns that the choice used up. */
  readonly turns: number;
}

/** The screening of a prompt before its whole group is sampled. */
export interface Screening {
  /** Responses of the screening, the first of the group. */
  readonly samples: number;
  readonly passes: (right: number, samples: number) => boolean;
}

/** The rule by which an online method chooses prompts, with the state of one training. */
export interface OnlinePolicy {
  /** Most rounds of sampling in an iteration. */
  readonly rounds: number;
  /** Absent if whole groups are sampled at once. */
  readonly screening?: Screening;
  /** Chooses the prompts of a round. Changes no state. */
  readonly choose: (place: ChoicePlace) => Choice;
  /** Whether the update trains on a group. */
  readonly keeps: (right: number, samples: number) => boolean;
  /** Takes in an iteration that is done. */
  readonly learn: (update: OnlineUpdate) => void;
}

/** The training that a policy chooses for. */
export interface OnlineTraining {
  readonly seed: number;
  /** Code of the method, which keys its random numbers. */
  readonly code: number;
  /** Prompts of the pool. */
  readonly pool: number;
  /** Responses to a prompt. */
  readonly samples: number;
  /** Settings of the config; what it leaves out has the defaults of the policy's file. */
  readonly settings: OnlineSettings;
  /**
   * The turns of an iteration in an endless sequence of data epochs of so many prompts, as FULL has
   * them: the first, how many, and the data epoch of the first.
   */
  readonly turnsOf: (
    prompts: number,
    iteration: number,
  ) => { readonly epoch: number; readonly first: number; readonly count: number };
}

/** Whether the responses of a group are neither all right nor all wrong. */
export const varies = (right: number, samples: number): boolean => right > 0 && right < samples;

/** An endless sequence of prompts: data epoch after data epoch, each in an order of its own. */
export class EndlessOrder {
  readonly #prompts: readonly number[];
  readonly #streamOf: (epoch: number) => RandomStream;
  readonly #orders = new Map<number, readonly number[]>();

  /** @param purpose Keys the orders, with the method's code and the data epoch. */
  constructor(
    prompts: readonly number[],
    { seed, code }: Pick<OnlineTraining, 'seed' | 'code'>,
    purpose: RandomPurpose,
  ) {
    this.#prompts = prompts;
    this.#streamOf = (epoch) => new RandomStream(seed, purpose, code, epoch);
  }

  /** The prompt of a turn, from 0. @throws RangeError if there are no prompts. */
  at(turn: number): number {
    const { length } = this.#prompts;
    const epoch = Math.floor(turn / length);
    let order = this.#orders.get(epoch);
    if (!order) {
      // Two orders at a time: iterations go forward.
      if (this.#orders.size > 1) this.#orders.clear();
      order = this.#streamOf(epoch).shuffle([...this.#prompts]);
      this.#orders.set(epoch, order);
    }
    const prompt = order[turn % length];
    if (prompt === undefined) throw new RangeError(`no prompt has turn ${turn} of ${length}`);
    return prompt;
  }
}

/**
 * A walk through the endless order of a whole pool, which remembers how far the iterations have
 * come.
 */
export class Walk {
  readonly #order: EndlessOrder;
  readonly #pool: number;
  #turns = 0;

  constructor(training: OnlineTraining) {
    this.#order = new EndlessOrder(
      Array.from({ length: training.pool }, (_, i) => i),
      training,
      'onlineOrder',
    );
    this.#pool = training.pool;
  }

  /**
   * The next prompts of the order that an iteration may take. A prompt is sampled at most once in
   * an iteration. The walk ends after two data epochs, as everything may have been left out.
   *
   * @param takes Whether the prompt of a turn is taken.
   */
  next(
    { wanted, turns: before, sampled }: ChoicePlace,
    takes: (prompt: number, turn: number) => boolean = () => true,
  ): Choice {
    const chosen = new Set<number>();
    let turns = 0;
    while (chosen.size < wanted && turns < 2 * this.#pool) {
      const turn = this.#turns + before + turns;
      const prompt = this.#order.at(turn);
      turns++;
      if (!sampled.has(prompt) && !chosen.has(prompt) && takes(prompt, turn)) chosen.add(prompt);
    }
    return { prompts: [...chosen], turns };
  }

  /** Turns that the iterations used up. */
  get turns(): number {
    return this.#turns;
  }

  advance({ turns }: OnlineUpdate): void {
    this.#turns += turns;
  }
}
