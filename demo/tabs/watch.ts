// A tab that watches a run of another tab: the same events go into the same reducer as in the tab that
// trains. Nothing here reaches the run.
import { effect, signal, untracked } from '@preact/signals';
import { StoredRuns } from '../../src/entries/browser.ts';
import {
  readTold,
  RunView,
  timed,
  type ExperimentEvent,
  type MethodName,
} from '../../src/index.ts';
import { asker } from '../state/asking.ts';
import { Film } from '../state/film.ts';
import { SoFar } from '../state/so-far.ts';
import {
  changes,
  chosen,
  live,
  liveAnswers,
  pinned,
  place,
  playing,
  problem,
  reel,
  room,
  showReel,
  wantedRun,
  watched,
  type Answers,
  type Reel,
} from '../state/stage.ts';
import type { Channel } from './feed.ts';
import {
  CHANNEL,
  lockOf,
  messageOf,
  OtherVersionError,
  readMessage,
  type TabMessage,
  type ToldRun,
} from './messages.ts';

/** What this tab could show of another: a run under way, or nothing because its version is another. */
export type Offer =
  { readonly kind: 'run'; readonly watch: () => void } | { readonly kind: 'other-version' };

/** Undefined while no other tab trains, and while the run of one is watched. */
export const offer = signal<Offer | undefined>(undefined);

/** The run that this tab follows. */
interface Followed {
  readonly run: string;
  readonly about: ToldRun;
  readonly view: RunView;
  readonly soFar: SoFar;
  /** Who waits for answers, by question. */
  readonly questions: Map<string, (found: Answers | undefined) => void>;
}

/** Resolves once the tab that tells of a run does so no more. */
export type Over = (run: string) => Promise<void>;

const overByLock: Over = (run) =>
  navigator.locks.request(lockOf(run), { mode: 'shared' }, () => undefined);

export class Watch {
  readonly #channel: Channel;
  readonly #over: Over;
  /** The run that this tab has asked to follow, until its answer is there. */
  #wanted: string | undefined;
  #followed: Followed | undefined;
  /** Runs that other tabs tell of, the latest last. */
  readonly #underWay = new Set<string>();

  constructor(channel: Channel, over: Over) {
    this.#channel = channel;
    this.#over = over;
    channel.addEventListener('message', ({ data }) => this.#hear(data));
    // Whoever shows another run meanwhile watches no more.
    effect(() => {
      const shown = live.value;
      untracked(() => {
        if (this.#followed && shown !== this.#followed.view) this.#leave();
        this.#offer();
      });
    });
    this.#say({ type: 'ask' });
  }

  #say(message: TabMessage): void {
    this.#channel.postMessage(messageOf(message));
  }

  #hear(data: unknown): void {
    try {
      this.#take(readMessage(data));
    } catch (error) {
      if (error instanceof OtherVersionError) offer.value ??= { kind: 'other-version' };
      else this.#complain(error);
    }
  }

  #take(message: TabMessage): void {
    switch (message.type) {
      case 'under-way':
        this.#note(message.run);
        return;
      case 'so-far':
        if (message.run !== this.#wanted) return;
        this.#wanted = undefined;
        this.#begin(message.run, message, message.events);
        return;
      case 'events':
        if (message.run === this.#followed?.run) this.#apply(this.#followed, message.events);
        return;
      case 'answers':
        if (message.run === this.#followed?.run) {
          const { questions } = this.#followed;
          questions.get(message.question)?.(message.answers);
          questions.delete(message.question);
        }
        return;
      default:
        return;
    }
  }

  /** Asks the tab that trains what a method answered to a prompt. @throws Error if it cannot tell. */
  #ask({ run, questions }: Followed, prompt: number, method: MethodName): Promise<Answers> {
    const question = crypto.randomUUID();
    return new Promise((resolve, reject) => {
      questions.set(question, (found) =>
        found ? resolve(found) : reject(new Error('the tab that trains cannot tell')),
      );
      this.#say({ type: 'question', run, question, prompt, method });
    });
  }

  #note(run: string): void {
    if (this.#underWay.has(run)) return;
    this.#underWay.add(run);
    void this.#over(run).then(() => this.#end(run));
    if (watchesBest()) this.#follow(run);
    else this.#offer();
  }

  #follow(run: string): void {
    this.#wanted = run;
    this.#say({ type: 'follow', run });
  }

  #begin(run: string, about: ToldRun, events: readonly string[]): void {
    const { config, seeds, keeping } = about;
    const view = new RunView(config, seeds, keeping);
    const followed = { run, about, view, soFar: new SoFar(), questions: new Map() } as const;
    this.#followed = followed;
    playing.value = false;
    pinned.value = undefined;
    chosen.value = undefined;
    asker.value = undefined;
    liveAnswers.value = (prompt, method) => this.#ask(followed, prompt, method);
    watched.value = view;
    live.value = view;
    this.#apply(followed, events);
  }

  #apply({ view, soFar, about }: Followed, texts: readonly string[]): void {
    for (const text of texts) {
      const event: ExperimentEvent = readTold(text, 'another tab');
      if (event.type === 'pool' && view.pool.length > 0) chosen.value = undefined;
      view.apply(event);
      soFar.add(event);
    }
    changes.value++;
    if (view.state === 'done' && view.results) showReel(filmOf(about, soFar), 'end');
  }

  /** The tab that told of a run is closed, or its run has ended. */
  #end(run: string): void {
    this.#underWay.delete(run);
    if (this.#wanted === run) this.#wanted = undefined;
    const ended = this.#followed?.run === run ? this.#followed : undefined;
    for (const tell of ended?.questions.values() ?? []) tell(undefined);
    ended?.questions.clear();
    if (ended) liveAnswers.value = undefined;
    const view = ended?.view;
    if (view?.running) {
      view.state = 'stopped';
      view.message = '';
      changes.value++;
    }
    this.#offer();
  }

  #leave(): void {
    for (const tell of this.#followed?.questions.values() ?? []) tell(undefined);
    this.#followed = undefined;
    watched.value = undefined;
  }

  /** What is wrong with a message ends the watching: the picture would be a wrong one. */
  #complain(error: unknown): void {
    this.#wanted = undefined;
    if (this.#followed) {
      live.value = undefined;
      place.value = reel.peek()?.film.length ?? 0;
    }
    problem.value = error instanceof Error ? error.message : String(error);
  }

  #offer(): void {
    const run = [...this.#underWay].findLast((one) => one !== this.#followed?.run);
    const busy = live.peek()?.running === true;
    offer.value =
      run === undefined || busy ? undefined : { kind: 'run', watch: () => this.#follow(run) };
  }
}

/**
 * Whether a run under way is more than what the page shows: the recording plays in the rooms of a run,
 * and nobody asked for another.
 */
function watchesBest(): boolean {
  const origin = reel.peek()?.origin.kind;
  return (
    !live.peek() &&
    (origin === undefined || origin === 'recorded') &&
    !wantedRun.peek() &&
    (room.peek() === 'run' || room.peek() === 'prompts')
  );
}

/** A watched run that is done. What its models answered is read where the browser keeps it. */
function filmOf({ config, seeds, keeping, name }: ToldRun, soFar: SoFar): Reel {
  const film = new Film({ config, seeds, keeping, events: timed(soFar.lasting) });
  let reading: ReturnType<StoredRuns['completions']> | undefined;
  return {
    film,
    origin: { kind: 'own', name },
    answersOf: async (prompt, method) => {
      if (name === undefined) return { epochs: [] };
      reading ??= StoredRuns.open().then((kept) => kept.completions(name, config, film.end.seed));
      return { epochs: (await reading)(prompt, method) };
    },
  };
}

/** Watches what other tabs of this page do, where the browser has a channel between tabs. */
export function openWatch(): void {
  if (!('BroadcastChannel' in globalThis) || !('locks' in navigator)) return;
  new Watch(new BroadcastChannel(CHANNEL), overByLock);
}
