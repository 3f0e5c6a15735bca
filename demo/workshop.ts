// The trainer's side of the page: the form of a new run, the run under way, stored runs and files. It
// is loaded once the first picture is drawn.
import { effect, untracked } from '@preact/signals';
import { transfer } from 'comlink';
import { shippedBases } from '../src/bases/shipped.ts';
import {
  inputTexts,
  KeptModels,
  noLabel,
  NoRoomError,
  openBundledRun,
  type BundledRun,
  StoredRuns,
  type RunClaim,
  type RunFile,
  type RunLabel,
  type StoredRun,
  weightsIn,
} from '../src/entries/browser.ts';
import {
  AdapterError,
  buttonsFor,
  ConfigError,
  connectTrainer,
  eventsOf,
  historyOf,
  MemoryError,
  modulesOf,
  PRETRAINED,
  presets,
  presetSeeds,
  readRun,
  reportOf,
  runFiles,
  runFileText,
  RunView,
  standing,
  startsFromFolder,
  timed,
  type Connection,
  type ExperimentConfig,
  type ExperimentEvent,
  type Keeping,
  type RunFolder,
  type StartedRun,
  type StartRequest,
  type StorePlace,
  type TrainerApi,
} from '../src/index.ts';
import { lookAtAdapter } from './adapter.ts';
import { byId, make, setText } from './dom.ts';
import { clearOffered, download, isOffered, offer } from './files.ts';
import { choose, nearestFit, TooLargeError, wishOf, withoutModule, type Choice } from './link.ts';
import { describeMemory } from './memory.ts';
import { throttled } from './plots/canvas.ts';
import { canTrain, emptyView, isBusy } from './page-view.ts';
import { PretrainedForm } from './pretrained.ts';
import { scheme } from './scheme.ts';
import { asker, type Asker } from './state/asking.ts';
import type { AnswersOf } from './state/stage.ts';
import { listenToDrops } from './rooms/data/drop.ts';
import { openDataRoom } from './rooms/data/room.tsx';
import { unbundle } from './rooms/data/imports.ts';
import { actionsOnKept, downloadBundle } from './rooms/data/kept-actions.ts';
import {
  keptActions,
  keptContext,
  keptRuns,
  lookAtQuota,
  noRoom,
  notKept,
  reportState,
  sentLabel,
  shownLabel,
  takeAway,
} from './rooms/data/kept.ts';
import { described, fillControls as fillFromForm } from './rooms/data/settings.ts';
import { dataText } from './strings/data.ts';
import { keptText as keptWords } from './strings/kept.ts';
import { asked, goTo, keepWish } from './router.ts';
import { Film } from './state/film.ts';
import { liveLandscape } from './state/landscape.ts';
import { SoFar } from './state/so-far.ts';
import { liveActions, livePanel } from './state/live-panel.ts';
import { formText } from './strings/form.ts';
import { liveText } from './strings/live.ts';
import { bytes } from './strings/numbers.ts';
import { fillForm } from './views/form-words.ts';
import { openGpu, reasonOf } from './views/gpu.tsx';
import { openLive } from './views/live.tsx';
import { adapter, lostAdapter } from './state/gpu.ts';
import { pointed } from './state/pointing.ts';
import { shownConfig } from './state/curves.ts';
import {
  badLink,
  changes,
  chosen,
  depends,
  inspected,
  live,
  liveAnswers,
  pinned,
  planned,
  problem,
  room,
  showReel,
  shownRun,
  wantedRun,
  watched,
  workshop,
} from './state/stage.ts';
import type { Wish } from './state/url.ts';
import { openFeed } from './tabs/feed.ts';
import { openFrames } from './verifier-form.ts';
import { visibleString } from './visible-text.ts';

const preset = byId('preset', HTMLSelectElement);
const seed = byId('seed', HTMLInputElement);
const overrides = byId('overrides', HTMLTextAreaElement);
const start = byId('start', HTMLButtonElement);
const memory = byId('memory', HTMLParagraphElement);
const announcer = byId('announcer', HTMLParagraphElement);

/** How long a worker whose run failed is waited for. */
const CLOSE_BROKEN_MS = 2000;

/** How long the settings rest before a run's memory is computed, which takes a tenth of a second. */
const SETTLED_MS = 200;

const view = emptyView();

const redraw = throttled(draw);
const form = new PretrainedForm(consider);
const drops = listenToDrops({
  model: (name, chosenFiles) => forOwnModel(() => form.chooseModel(name, chosenFiles)),
  module: (file) => forOwnModel(() => form.chooseModule(file)),
  prompts: (file) => forOwnModel(() => form.choosePrompts(file.name, file)),
  bundle: openBundle,
  refusal: () => (isBusy(view) ? dataText.peek().busy : undefined),
  noticed() {
    problem.value = '';
    goTo('data');
  },
  complain: (message) => (problem.value = message),
});

/** Takes a part of a run of the user's own model, which the controls then describe. */
function forOwnModel(take: () => Promise<void>): Promise<void> {
  if (preset.value !== PRETRAINED) {
    preset.value = PRETRAINED;
    consider();
  }
  return take();
}

// ---- what the user asks for ------------------------------------------------------------------

const wishNow = (): Wish => ({
  preset: preset.value,
  seeds: seed.value,
  overrides: overrides.value,
});

function complain(error: unknown): void {
  if (error instanceof NoRoomError) noRoom.value = true;
  problem.value = error instanceof Error ? error.message : String(error);
}

/** Checks what the controls hold, shows what it means, and puts it into the address. */
function consider(): void {
  view.choice = undefined;
  problem.value = '';
  seed.placeholder = seedsOf(preset.value);
  const own = preset.value === PRETRAINED;
  form.shown = own;
  let refusal: unknown;
  const given = own ? form.given : undefined;
  try {
    if (!own || given) {
      view.choice = choose(wishNow(), given);
    }
    keepWish(wishNow());
    badLink.value = false;
  } catch (error) {
    refusal = error;
    complain(error);
  }
  describe(refusal);
  considerMemory();
  tellPlan();
  redraw();
}

/** Says what the controls mean. */
function tellPlan(): void {
  const { choice } = view;
  const words = formText.peek();
  const own = preset.value === PRETRAINED;
  const plan = choice ? words.plan(choice) : own && !form.given ? form.missing : '';
  setText(byId('plan', HTMLDivElement), plan);
  const { differences } = choice ?? { differences: [] };
  const count = differences.length;
  setText(
    byId('differences-title', HTMLParagraphElement),
    !choice ? '' : count === 0 ? words.same : words.differ(count),
  );
  byId('differences', HTMLUListElement).replaceChildren(
    ...differences.map(({ field, value, reference }) =>
      make(
        'li',
        '',
        make('code', '', field),
        words.insteadOf(JSON.stringify(value), JSON.stringify(reference)),
      ),
    ),
  );
}

/** Tells the form of settings what the controls hold, and why that is no run if it is none. */
function describe(refusal: unknown): void {
  const wish = wishNow();
  described.value = {
    wish,
    choice: view.choice,
    refusal: refusal instanceof Error ? refusal.message : '',
    tooLarge:
      refusal instanceof TooLargeError
        ? { part: refusal.part, fit: nearestFit(wish, refusal) }
        : undefined,
    busy: isBusy(view),
  };
}

/** Says what GPU memory the chosen run will take, once the settings rest. */
function considerMemory(): void {
  clearTimeout(view.settling);
  const asked = view.choice;
  if (asked) view.settling = setTimeout(() => describeChosenMemory(asked), SETTLED_MS);
  else showMemory('', false);
}

function describeChosenMemory(choice: Choice): void {
  try {
    const limits = view.adapter?.kind === 'ready' ? view.adapter.limits : undefined;
    const needed = describeMemory(choice, limits);
    view.memory = needed?.total;
    showMemory(needed?.sentence ?? '', false);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const small = error instanceof AdapterError;
    const refused = small || error instanceof MemoryError || error instanceof ConfigError;
    const words = formText.peek();
    showMemory(small ? words.tooSmall(why) : words.memoryWhy(why), refused);
  }
}

function showMemory(text: string, refused: boolean): void {
  setText(memory, text);
  view.tooLarge = refused;
  if (refused || text === '') view.memory = undefined;
  memory.classList.toggle('problem', refused);
  redraw();
}

/** The seeds that an empty box means, so that it does not look like none. */
const seedsOf = (name: string): string =>
  (Object.hasOwn(presetSeeds, name) ? presetSeeds[name] : undefined)?.join(', ') ?? '1';

function fillControls(wish: Wish): void {
  preset.value = wish.preset;
  seed.value = wish.seeds;
  overrides.value = wish.overrides;
  consider();
}

/** Fills the controls with what the address asks for; starts nothing. */
function readWish(found: Wish): void {
  try {
    const { wish, module } = withoutModule(found);
    if (!Object.hasOwn(presets, wish.preset) && wish.preset !== PRETRAINED) {
      throw new RangeError(`the address: no preset '${wish.preset}'`);
    }
    if (module !== undefined) form.askForModule(module);
    fillControls(wish);
    // What has still to be chosen is not wrong.
    badLink.value = described.peek().refusal !== '';
  } catch (error) {
    complain(error);
    badLink.value = true;
    return;
  }
  if (overrides.value !== '') byId('settings', HTMLDetailsElement).open = true;
}

// ---- the run ---------------------------------------------------------------------------------

/**
 * Does what leads to a run or away from one, one thing at a time. Undefined where that was refused:
 * the user has heard why.
 */
async function prepare<T>(work: () => Promise<T>): Promise<T | undefined> {
  if (isBusy(view)) return undefined;
  view.preparing = true;
  problem.value = '';
  redraw();
  let result: T | undefined;
  try {
    result = await work();
  } catch (error) {
    // Whoever reads what is wrong can mend it at once: the forms take something else by then.
    view.preparing = false;
    draw();
    complain(error);
  }
  view.preparing = false;
  await lookAtStored();
  return result;
}

async function startRun(): Promise<void> {
  if (!view.choice) return;
  const { config, seeds } = view.choice;
  const memory = view.choice.given?.memory;
  const prepared = await prepare(async () => ({
    given: await form.filesOf(config),
    claim: await view.storage?.create(config, seeds),
  }));
  if (!prepared) return;
  const { claim, given } = prepared;
  await train(
    config,
    seeds,
    { stored: claim !== undefined },
    claim,
    given && { files: given, memory },
  );
}

async function resumeRun({ name, settings }: StoredRun): Promise<void> {
  if (!settings) return;
  const { config, seeds, memory, inputs } = settings;
  const prepared = await prepare(async () => {
    // What was chosen a moment ago may still be looked at.
    await Promise.all([drops.settled(), form.settled()]);
    fillControls(wishOf(config, seeds));
    form.fill(config, memory);
    form.expectModule(config, inputs);
    const given = await form.filesOf(config, await view.storage?.givenFiles(name));
    if (startsFromFolder(config) && !given) {
      const { path } = config.model;
      throw new Error(formText.peek().wantsModel(path));
    }
    return { claim: await view.storage?.claim(name), given };
  });
  if (!prepared?.claim) return;
  const { claim, given } = prepared;
  const asGiven = given && { files: given, memory };
  await train(config, seeds, { stored: true, past: 'resumed' }, claim, asGiven);
}

/** Takes a run as the one that the controls are about. */
function take(run: RunView, name: string | undefined): void {
  view.run = run;
  view.current = name;
  view.stopping = false;
  pinned.value = undefined;
  pointed.value = undefined;
  view.readFile = view.readAnswers = undefined;
  asker.value = undefined;
  sentLabel.value = noLabel;
  reportState.value = 'none';
  clearOffered();
  forgetChosen();
  problem.value = '';
}

/** The files that a run's config names, by their paths, and the memory that it may take. */
interface GivenFiles {
  readonly files: ReadonlyMap<string, Blob>;
  /** Bytes; undefined for no budget. */
  readonly memory: number | undefined;
}

async function train(
  config: ExperimentConfig,
  seeds: readonly number[],
  keeping: Keeping,
  claim: RunClaim | undefined,
  given: GivenFiles | undefined,
): Promise<void> {
  const before = view.run;
  const run = new RunView(config, seeds, keeping);
  take(run, claim?.name);
  live.value = run;
  liveAnswers.value = undefined;
  goTo('run');
  const soFar = new SoFar();
  const feed = openFeed({ config, seeds, keeping, name: claim?.name }, soFar, () =>
    liveAnswers.peek(),
  );
  const tell = (events: readonly ExperimentEvent[]): void => {
    for (const event of events) {
      run.apply(event);
      soFar.add(event);
    }
    feed?.tell(events);
  };
  announce(liveText.peek().begins);
  redraw();
  const ended = new AbortController();
  // The form gives the code of a module alone where its user chose it.
  const frames = given && modulesOf(config.task).length > 0 ? openFrames(ended.signal) : undefined;
  try {
    // A worker whose run failed may have lost its device: the next one gets its own.
    if (before?.state === 'failed') await closeTrainer();
    const from = await trainerOpen();
    const bases = await shippedBases(config);
    const request: StartRequest = {
      config,
      seeds,
      store: claim ? { kind: 'browser', name: claim.name } : { kind: 'memory' },
      resume: keeping.past === 'resumed',
      bases,
      ...(given ? { files: { kind: 'blobs', files: given.files } } : {}),
      ...(given?.memory === undefined ? {} : { memory: given.memory }),
      ...(frames ? { frames } : {}),
    };
    const begun = from.api.start(transfer(request, frames ? [frames] : [])).then((started) => {
      tell(started.notes.map((text) => ({ type: 'warning', text })));
      return noteBegun(run, from, started, claim, given);
    });
    // It is awaited when the events have ended, which they also do if nothing began.
    begun.catch(() => undefined);
    // Not paced by frames or timers: it goes on in a hidden tab, where only the drawing rests.
    for await (const batch of eventsOf(from)) {
      for (const event of batch) {
        const { phase, state, recovery } = run;
        tell([event]);
        // Another seed's pool: the prompt that was chosen is not in it.
        if (event.type === 'pool') forgetChosen();
        if (run.phase !== phase || run.state !== state || run.recovery !== recovery) {
          announce(standing(run, liveText.peek().standing).phase);
        }
      }
      changes.value++;
      redraw();
      await offerFiles(run);
    }
    await begun;
    await offerFiles(run);
    if (run.state === 'done') showFinished(run, soFar.lasting);
    if (claim && run.state === 'done') await view.storage?.dropCheckpoints(claim.name);
  } catch (error) {
    // A worker's error comes as a plain one that keeps its name.
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const stopped = name === 'UnreadError';
    if (run.running) {
      run.state = stopped ? 'stopped' : 'failed';
      run.message = stopped ? '' : `${name}: ${message}`;
      announce(standing(run, liveText.peek().standing).phase);
      feed?.tell([{ type: 'state', state: run.state, message: run.message }]);
    } else if (!stopped) complain(error);
    if (!stopped) {
      await closeTrainer();
      asker.value = undefined;
    }
  }
  liveLandscape.value = undefined;
  changes.value++;
  feed?.close();
  ended.abort();
  await claim?.release();
  // A browser whose GPU process crashed may have no adapter to offer any more.
  if (run.state === 'failed') {
    await lookForAdapter();
    run.gpuGone = !canTrain(view);
  }
  await lookAtStored();
}

/** Shows a finished run as a film at its end, with the prompt that was chosen. */
function showFinished(
  { config, seeds, keeping }: RunView,
  events: readonly ExperimentEvent[],
): void {
  const { readAnswers } = view;
  if (!readAnswers) return;
  const prompt = chosen.peek();
  const film = new Film({ config, seeds, keeping, events: timed(events) });
  showReel({ film, origin: { kind: 'own', name: view.current }, answersOf: readAnswers }, 'end');
  chosen.value = prompt;
}

/** A run has begun: its files can be read, and the folder of a run with a given model is recorded. */
async function noteBegun(
  run: RunView,
  from: Connection<TrainerApi>,
  { adapter, host, inputs }: StartedRun,
  claim: RunClaim | undefined,
  given: GivenFiles | undefined,
): Promise<void> {
  run.adapter = adapter;
  run.host = host;
  const answersOf: AnswersOf = (prompt, method) => from.api.completions(prompt, method);
  view.readAnswers = answersOf;
  liveAnswers.value = answersOf;
  asker.value = askerOf(() => Promise.resolve(from));
  liveLandscape.value = (view, canvas) =>
    from.api.drawLandscape(view, canvas && transfer(canvas, [canvas]));
  const { config, seeds } = run;
  const memory = given?.memory;
  const settings = { config, seeds, ...(memory === undefined ? {} : { memory }) };
  if (claim && given && run.keeping.past === undefined) {
    // The run goes on where there is no room: it only cannot be resumed.
    await view.storage?.record(claim.name, settings, inputs, given.files).catch(complain);
  }
  const text = await runFileText(config, seeds, { ...settings, inputs });
  // What the page writes beside the run where the browser keeps files, and holds where it does not.
  const own = new Map([[runFiles.CONFIG, text], ...inputTexts(inputs)]);
  view.readFile = async (path) => {
    const held = own.get(path);
    return held === undefined ? from.api.readFile(path) : new TextEncoder().encode(held);
  };
  offer(runFiles.CONFIG, new TextEncoder().encode(text));
  redraw();
}

/** The worker that is there, else a new one: a run and a question that want one at once get the same. */
async function trainerOpen(): Promise<Connection<TrainerApi>> {
  if (view.trainer) return view.trainer;
  connecting ??= connectTrainer().finally(() => (connecting = undefined));
  return (view.trainer ??= await connecting);
}

/** The worker that is being opened. */
let connecting: Promise<Connection<TrainerApi>> | undefined;

/** What is left of a worker that failed must not hold the device against the next run. */
async function closeTrainer(): Promise<void> {
  const broken = view.trainer;
  view.trainer = undefined;
  await broken?.close(CLOSE_BROKEN_MS).catch(() => undefined);
}

/** Whoever asks waits for the worker that holds the run. */
const askerOf = (holder: () => Promise<Connection<TrainerApi>>): Asker => ({
  generate: async (call) => (await holder()).api.generate(call),
  inspect: async (call) => (await holder()).api.inspect(call),
  rollout: async (call) => (await holder()).api.rollout(call),
  attend: async (call) => (await holder()).api.attend(call),
});

/** A run of files is opened, with a device, when it is asked first; again if that did not succeed. */
async function filesAsker({ settings, read, store }: FinishedFiles): Promise<Asker> {
  const { config, seeds } = settings;
  let opened: Promise<Connection<TrainerApi>> | undefined;
  const asker = askerOf(() => {
    opened ??= openToAsk(store, config).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  });
  const has = async (path: string) => (await read(path)) !== undefined;
  return { ...asker, weights: await weightsIn(config, seeds, has) };
}

async function openToAsk(
  store: StorePlace,
  config: ExperimentConfig,
): Promise<Connection<TrainerApi>> {
  const kept = store.kind === 'browser' ? await view.storage?.givenFiles(store.name) : undefined;
  const given = await form.filesOf(config, kept);
  if (startsFromFolder(config) && !given) {
    const { path } = config.model;
    throw new Error(formText.peek().wantsModelToAsk(path));
  }
  const from = await trainerOpen();
  const bases = await shippedBases(config);
  await from.api.open({
    store,
    bases,
    ...(given ? { files: { kind: 'blobs', files: given } } : {}),
  });
  return from;
}

async function offerFiles(run: RunView): Promise<void> {
  for (const name of [...run.files, ...trainedFilesOf(run)]) {
    if (isOffered(name)) continue;
    const content = await view.readFile?.(name);
    if (content) offer(name, content);
  }
}

/** Files in the layouts of PEFT and of Hugging Face. */
const trainedNames = {
  adapter: ['adapter_config.json', 'adapter_model.safetensors'],
  model: ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json'],
} as const;

/** What a run has trained of a given model, once it is done. */
function trainedFilesOf({ config, seeds, state }: RunView): string[] {
  if (state !== 'done' || !startsFromFolder(config)) return [];
  const what = config.adapter ? 'adapter' : 'model';
  const folders = seeds.flatMap((one) =>
    config.experiment.methods.map((method) => runFiles.trainedFolder(what, method, one, seeds)),
  );
  return folders.flatMap((folder) => trainedNames[what].map((name) => `${folder}/${name}`));
}

// ---- stored runs -----------------------------------------------------------------------------

async function openStorage(): Promise<void> {
  try {
    view.storage = await StoredRuns.open();
    await view.storage.removeEmpty();
  } catch (error) {
    view.storage = undefined;
    notKept.value = visibleString(error instanceof Error ? error.message : String(error));
  }
  await form.useKept(view.storage && (await KeptModels.open()));
  await lookAtStored();
  const unfinished = view.stored.find(({ checkpoint, claimed }) => checkpoint && !claimed);
  if (unfinished) announce(liveText.peek().unfinished);
}

async function lookAtStored(): Promise<void> {
  try {
    view.stored = (await view.storage?.list()) ?? [];
    keptRuns.value = view.stored;
    if (view.storage) await lookAtQuota();
  } catch (error) {
    complain(error);
  }
  redraw();
}

/** The files of a stored run. @throws FormatError when asked for what is no text. */
const folderOf = (name: string, read: NonNullable<typeof view.readFile>): RunFolder => ({
  name,
  read: async (path) => {
    const content = await read(path);
    return content && new TextDecoder().decode(content);
  },
});

/** A finished run whose files are at hand. */
interface FinishedFiles {
  readonly name: string;
  readonly label: RunLabel;
  readonly settings: Pick<RunFile, 'config' | 'seeds' | 'memory'>;
  readonly read: NonNullable<typeof view.readFile>;
  readonly completions: BundledRun['completions'];
  /** The same files for the trainer's worker; of kind `browser` for a run that this browser keeps. */
  readonly store: StorePlace;
}

/** Shows a finished run as it ended, from its files: no device is needed. */
async function showRun(finished: FinishedFiles, byAddress = false): Promise<void> {
  // An address says the room and the prompt, too.
  const [prompt, cursor] = byAddress ? [chosen.peek(), pinned.peek()] : [];
  const from = room.peek();
  const { name, label, settings, read, completions, store } = finished;
  const kept = store.kind === 'browser';
  const folder = folderOf(name, read);
  const run = await readRun(folder);
  const { config, seeds, memory } = settings;
  const keeping = { stored: kept, past: 'reopened' } as const;
  const opened = new RunView(config, seeds, keeping);
  const told: ExperimentEvent[] = [];
  for await (const event of historyOf(run, folder)) {
    opened.apply(event);
    told.push(event);
  }
  const answersOf = await completions(opened.seed);
  const asks = await filesAsker(finished);
  take(opened, kept ? name : undefined);
  chosen.value = prompt;
  pinned.value = cursor;
  fillControls(wishOf(config, seeds));
  form.fill(config, memory);
  view.readFile = read;
  view.readAnswers = (prompt, method) => Promise.resolve({ epochs: answersOf(prompt, method) });
  showFinished(opened, told);
  asker.value = asks;
  sentLabel.value = label;
  // Whoever went elsewhere meanwhile stays there.
  if (!byAddress && room.peek() === from) goTo('run');
  const file = await read(runFiles.CONFIG);
  if (file) offer(runFiles.CONFIG, file);
  await offerFiles(opened);
  announce(liveText.peek().opened(config.preset));
}

async function openRun({ name, label, settings }: StoredRun, byAddress = false): Promise<void> {
  await prepare(async () => {
    const kept = view.storage;
    if (!kept || !settings) return;
    await showRun(
      {
        name,
        label,
        settings,
        read: (path) => kept.read(name, path),
        completions: (seed) => kept.completions(name, settings.config, seed),
        store: { kind: 'browser', name },
      },
      byAddress,
    );
  });
}

/** Opens the finished run that an address names. */
function openWanted(): void {
  const name = wantedRun.peek()?.run;
  if (name === undefined || name === 'recorded' || name === 'shared' || isBusy(view)) return;
  const found = view.stored.find((one) => one.name === name);
  if (found?.finished && found.settings) {
    void openRun(found, true);
    return;
  }
  wantedRun.value = undefined;
  complain(new Error(`the address: this browser keeps no finished run ${name}`));
}

/** Shows the run of a bundle. @throws Error while a run is under way. */
async function openBundle(file: File): Promise<void> {
  if (isBusy(view)) throw new Error(keptWords.peek().bundleBusy);
  await prepare(async () => {
    const run = await openBundledRun(file.name, await unbundle(file));
    await showRun({ ...run, name: file.name, store: { kind: 'held', files: run.held } });
  });
}

/** What can be taken away of the run that is shown. */
function offerTakeAway(): void {
  const { run, readFile: read } = view;
  const ended = run?.state === 'done' && read !== undefined;
  if (ended === (takeAway.peek().report !== undefined)) return;
  takeAway.value = ended
    ? {
        report: () => void downloadReport(),
        bundle: (weights) => {
          const { run: shown, readFile } = view;
          if (!shown || !readFile) return;
          const bundled = { label: shownLabel.peek(), settings: shown, read: readFile };
          void downloadBundle(bundled, weights, complain);
        },
      }
    : { report: undefined, bundle: undefined };
}

/** @returns Whether the run is gone. */
async function removeRun({ name }: StoredRun): Promise<boolean> {
  const gone = await prepare(async () => {
    await view.storage?.remove(name);
    if (name === view.current) view.current = undefined;
    noRoom.value = false;
    return true;
  });
  return gone ?? false;
}

async function downloadReport(): Promise<void> {
  const [run, read] = [view.run, view.readFile];
  if (!run || !read) return;
  reportState.value = 'making';
  try {
    const page = await reportOf(folderOf('run', read));
    download(runFiles.REPORT, page, 'text/html');
    reportState.value = 'made';
  } catch (error) {
    reportState.value = 'none';
    complain(error);
  }
}

function announce(text: string): void {
  setText(announcer, text);
}

/** A button's request to the trainer; what comes of it is told by the run's events. */
function ask(request: (api: Connection<TrainerApi>['api']) => Promise<unknown>): void {
  if (view.trainer) request(view.trainer.api).catch(complain);
}

// ---- what is seen ----------------------------------------------------------------------------

function forgetChosen(): void {
  chosen.value = undefined;
}

function drawControls(): void {
  const canStart = canTrain(view) && view.choice !== undefined && !view.tooLarge && !view.preparing;
  const buttons = buttonsFor(view.run, canStart);
  start.disabled = !buttons.start;
  preset.disabled = seed.disabled = overrides.disabled = form.disabled = isBusy(view);
  offerTakeAway();

  const watching = live.peek() !== undefined && live.peek() === watched.peek();
  const shown = watching ? live.peek() : view.run;
  const stopping = view.stopping && !watching;
  livePanel.value = {
    run: shown,
    canTrain: view.adapter && canTrain(view),
    stopping,
    buttons,
    watching,
  };
}

function draw(): void {
  drawControls();
  const context = { busy: isBusy(view), canTrain: canTrain(view), current: view.current };
  const before = keptContext.peek();
  if (JSON.stringify(context) !== JSON.stringify(before)) keptContext.value = context;
  const { busy } = context;
  if (described.peek().busy !== busy) described.value = { ...described.peek(), busy };
  drawAbout();
  offerWorkshop();
}

/** Whether the run that is shown starts from the user's model. */
function ownModel(): boolean {
  const config = shownConfig();
  return config ? startsFromFolder(config) : false;
}

/** Tells the room of lessons what the controls ask for, and hides what only made-up prompts have. */
function drawAbout(): void {
  const { choice } = view;
  const own = preset.value === PRETRAINED;
  const touched = own || (choice?.differences.length ?? 0) > 0;
  const wish = !view.run && touched ? { config: choice?.config, own } : undefined;
  const known = planned.peek();
  if (wish?.config !== known?.config || wish?.own !== known?.own) planned.value = wish;
  const drawn = !ownModel();
  for (const one of document.querySelectorAll<HTMLElement>('[data-drawn]')) one.hidden = !drawn;
}

// ---- the page --------------------------------------------------------------------------------

/** Opens the trainer's side of the page. Called once. */
export async function openWorkshop(): Promise<void> {
  preset.replaceChildren(
    ...[...Object.keys(presets), PRETRAINED].map((name) => {
      const option = make('option', '', name);
      option.value = name;
      return option;
    }),
  );
  keptActions.value = actionsOnKept({
    storage: () => view.storage,
    resume: (run) => void resumeRun(run),
    open: (run) => void openRun(run),
    remove: removeRun,
    lookAgain: lookAtStored,
    complain,
  });
  fillFromForm.value = fillControls;
  openDataRoom();
  fillForm(byId('new-run', HTMLElement));
  consider();
  effect(() => {
    depends(formText.value);
    untracked(tellPlan);
    untracked(considerMemory);
  });
  effect(() => {
    const found = asked.value;
    if (found && !isBusy(view)) readWish(found);
  });
  // What all rooms show has changed, or which of them is there to draw in.
  effect(() => {
    shownRun();
    depends(inspected.value, room.value);
    redraw();
  });
  for (const control of [preset, seed, overrides]) control.addEventListener('input', consider);
  start.addEventListener('click', () => void startRun());
  liveActions.value = {
    pause: () => ask((api) => (buttonsFor(view.run, false).resumes ? api.resume() : api.pause())),
    step: () => ask((api) => api.step()),
    stop: () => {
      view.stopping = true;
      redraw();
      ask((api) => api.stop());
    },
  };
  openLive(byId('live', HTMLElement));
  openGpu(byId('unsupported', HTMLElement), byId('adapter-panel', HTMLElement));
  window.addEventListener('beforeunload', (event) => {
    if (view.run?.running) event.preventDefault();
  });
  // Another tab may have begun, ended or removed a run meanwhile; a driver may be back.
  window.addEventListener('focus', () => {
    void lookAtStored();
    if (view.adapter?.kind === 'missing') void lookForAdapter();
  });
  document.addEventListener('visibilitychange', () => void lookAtStored());
  effect(() => {
    depends(scheme.value);
    redraw();
  });
  new ResizeObserver(redraw).observe(document.body);
  redraw();
  await openStorage();
  effect(() => {
    depends(wantedRun.value);
    untracked(openWanted);
  });
  await lookForAdapter();
}

/** Asks the browser what it offers, and shows it or what can be done where it is nothing. */
async function lookForAdapter(): Promise<void> {
  const before = view.adapter;
  view.adapter = await lookAtAdapter();
  if (view.adapter.kind === 'ready') {
    lostAdapter.value = false;
    if (view.run) view.run.gpuGone = false;
    considerMemory();
  } else if (before?.kind === 'ready') lostAdapter.value = true;
  adapter.value = view.adapter;
  redraw();
}

/** Tells the stage what can be begun here. */
function offerWorkshop(): void {
  const unfinished = view.stored.find(({ checkpoint, claimed }) => checkpoint && !claimed);
  const busy = isBusy(view);
  const next = {
    canStart: canTrain(view) && view.choice !== undefined && !view.tooLarge && !busy,
    memory: view.memory === undefined ? '' : bytes(view.memory),
    problem: view.adapter?.kind === 'missing' ? reasonOf(view.adapter) : undefined,
    unfinished: canTrain(view) && !busy ? unfinished?.name : undefined,
  };
  const key = JSON.stringify(next);
  if (key === offered) return;
  offered = key;
  const { unfinished: name, ...rest } = next;
  workshop.value = {
    ...rest,
    start: () => void startRun(),
    resume: name === undefined || !unfinished ? undefined : () => void resumeRun(unfinished),
  };
}

/** What was offered last. */
let offered = '';
