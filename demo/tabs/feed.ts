// A tab that trains tells other tabs of the run. Nothing is told before somebody follows, and what is
// told are the events that the tab itself draws: the run notices nothing of it.
import { toldText, type ExperimentEvent } from '../../src/index.ts';
import type { SoFar } from '../state/so-far.ts';
import type { AnswersOf } from '../state/stage.ts';
import {
  CHANNEL,
  lockOf,
  messageOf,
  readMessage,
  type TabMessage,
  type ToldRun,
} from './messages.ts';

/** Reads what a method answered to a prompt; undefined while nobody can tell. */
export type AnswersNow = () => AnswersOf | undefined;

/** The part of a `BroadcastChannel` that tabs use. */
export type Channel = Pick<
  BroadcastChannel,
  'postMessage' | 'addEventListener' | 'removeEventListener' | 'close'
>;

export class Feed {
  readonly #channel: Channel;
  readonly #run: string;
  readonly #about: ToldRun;
  readonly #soFar: SoFar;
  readonly #answersNow: AnswersNow;
  #followed = false;
  #open = false;

  /** @param soFar Has every event before it is told. */
  constructor(channel: Channel, run: string, about: ToldRun, soFar: SoFar, answersNow: AnswersNow) {
    this.#channel = channel;
    this.#run = run;
    this.#about = about;
    this.#soFar = soFar;
    this.#answersNow = answersNow;
    channel.addEventListener('message', this.#hear);
    this.#open = true;
    this.#say({ type: 'under-way', run });
  }

  /** Tells those who follow what has just happened. */
  tell(events: readonly ExperimentEvent[]): void {
    if (!this.#followed || events.length === 0) return;
    this.#say({ type: 'events', run: this.#run, events: events.map(toldText) });
  }

  close(): void {
    this.#open = false;
    this.#channel.removeEventListener('message', this.#hear);
    this.#channel.close();
  }

  #say(message: TabMessage): void {
    this.#channel.postMessage(messageOf(message));
  }

  /** The trainer reads what it keeps of the run; nothing is computed. */
  async #answer(asked: TabMessage & { readonly type: 'question' }): Promise<void> {
    const { run, question, prompt, method } = asked;
    // Who asked hears that there is nothing to tell: the tab that trains has its own words for why.
    const found = await this.#answersNow()?.(prompt, method).catch(() => undefined);
    const answers = found && {
      epochs: found.epochs,
      ...(found.key === undefined ? {} : { key: found.key }),
    };
    if (this.#open) this.#say({ type: 'answers', run, question, answers });
  }

  readonly #hear = ({ data }: MessageEvent<unknown>): void => {
    let message: TabMessage;
    try {
      message = readMessage(data);
    } catch {
      // A tab that watches says so to its user; this one only tells.
      return;
    }
    const run = this.#run;
    if (message.type === 'question' && message.run === run) void this.#answer(message);
    if (message.type === 'ask') this.#say({ type: 'under-way', run });
    if (message.type !== 'follow' || message.run !== run) return;
    this.#followed = true;
    const events = this.#soFar.events.map(toldText);
    this.#say({ type: 'so-far', run, events, ...this.#about });
  };
}

/**
 * Tells of a run until `close`, which also happens to a tab that is closed or crashes.
 *
 * @returns Undefined where this browser has no channel between tabs, or no locks: without these nobody
 *   could tell a run that is over from one that is slow.
 */
export function openFeed(
  about: ToldRun,
  soFar: SoFar,
  answersNow: AnswersNow,
): Pick<Feed, 'tell' | 'close'> | undefined {
  if (!('BroadcastChannel' in globalThis) || !('locks' in navigator)) return undefined;
  const run = crypto.randomUUID();
  let end = (): void => undefined;
  const over = new Promise<void>((resolve) => (end = resolve));
  let closed = false;
  let feed: Feed | undefined;
  // Whoever hears of the run waits for its lock at once: it is held before anything is said.
  void navigator.locks.request(lockOf(run), () => {
    if (!closed) feed = new Feed(new BroadcastChannel(CHANNEL), run, about, soFar, answersNow);
    return over;
  });
  return {
    tell: (events) => feed?.tell(events),
    close() {
      closed = true;
      feed?.close();
      end();
    },
  };
}
