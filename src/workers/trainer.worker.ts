import * as Comlink from 'comlink';
import { ConfigError } from '../config-error.ts';
import { configHash, parseConfig, type ExperimentConfig } from '../config.ts';
import { parseJson } from '../formats/json.ts';
import { openGpu, type Gpu } from '../gpu/device.ts';
import { InspectionError } from '../inspection/calls.ts';
import { useTuned } from '../variants/choices.ts';
import type { ExperimentEvent } from '../results.ts';
import { CONFIG } from '../run-folder/names.ts';
import { digestsOf, readInputs, type RunInputs } from '../run-folder/inputs.ts';
import { parseRunFile, type RunFile } from '../run-folder/run-file.ts';
import { weightsIn } from '../run-folder/weights.ts';
import { findBase } from '../scheduler/base-file.ts';
import { type GivenInputs, openGivenInputs } from '../scheduler/given-inputs.ts';
import { RunEndedError } from '../scheduler/run-control.ts';
import { MemoryStore, type RunStore } from '../scheduler/run-store.ts';
import { BrowserStore } from './browser-store.ts';
import { modulesOf } from '../tasks/registry.ts';
import { exposeWorker } from '../threads/expose.ts';
import { FolderStore } from './folder-store.ts';
import { hostName } from '../host-name.ts';
import { heldStore } from './held-store.ts';
import { IdleRun } from './idle-run.ts';
import { type GivenFiles, openFiles } from './given-files.ts';
import { Outbox } from './outbox.ts';
import type { OpenRequest, StartRequest, StorePlace, TrainerApi } from './protocol.ts';
import { storeOver, type StoreCalls } from './remote-store.ts';
import { RewardPool } from './reward-pool.ts';
import { TrainingRun } from './training-run.ts';
import { UnreadError, WatchedFiles } from './watched-files.ts';

/** The files of a run, and who judges its responses. */
interface RunParts {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  readonly inputs: GivenInputs;
  readonly files: GivenFiles;
  /** Undefined where a module would judge, which a folder may not have run. */
  readonly verifiers: RewardPool | undefined;
  readonly store: RunStore;
  readonly request: Pick<StartRequest, 'adapter' | 'tuned' | 'bases'>;
}

/** One run and its resources. */
interface Run extends Opening, RunParts {
  readonly training: TrainingRun;
  readonly verifiers: RewardPool;
  readonly store: RevocableStore;
}

/** A run that is asked while none is under way. */
interface Asked {
  /** Undefined for the run that has ended in this worker, whose parts are closed with it. */
  readonly parts: RunParts | undefined;
  readonly idle: Promise<IdleRun>;
}

// At most ten batches of events a second.
const EVENT_INTERVAL_MS = 100;

/** The part of a run that is there before the run is open. */
interface Opening {
  readonly outbox: Outbox<ExperimentEvent>;
  /** Aborted when the files are not wanted any more. */
  readonly reading: AbortController;
}

const newOpening = (): Opening => ({
  outbox: new Outbox<ExperimentEvent>(EVENT_INTERVAL_MS, ({ type }) =>
    type === 'progress' || type === 'compiling' || type === 'loading' ? type : undefined,
  ),
  reading: new AbortController(),
});

let run: Run | undefined;
let opening: Promise<Run> | undefined;
/** Of the run that was started last. */
let latest: Opening | undefined;
let asked: Asked | undefined;

async function beginRun(request: StartRequest, { outbox, reading }: Opening): Promise<Run> {
  const config = parseConfig(request.config, 'config');
  const store = revocable(await openStore(request.store));
  const files = openFiles(request.files);
  try {
    const kept = (request.resume ?? false) ? await keptRun(store) : undefined;
    const watch = new WatchedFiles(files, reading.signal, (loading) =>
      outbox.push({ type: 'loading', ...loading }),
    );
    const inputs = await openGivenInputs(config, watch, { begunWith: kept?.inputs, watch });
    return await openRun(request, config, { store, files, inputs, outbox, reading });
  } catch (error) {
    await files.close();
    throw error;
  }
}

async function openRun(
  request: StartRequest,
  config: ExperimentConfig,
  parts: Omit<Run, 'training' | 'verifiers' | 'config' | 'seeds' | 'request'>,
): Promise<Run> {
  const { store, inputs, outbox } = parts;
  const { verifiers: workers, frames } = request;
  const verifiers = await RewardPool.open(config.task, {
    files: parts.files,
    ...(workers === undefined ? {} : { workers }),
    frames,
  });
  const training = new TrainingRun(
    {
      openGpu: () => openTunedGpu(request),
      hostName: hostName(),
      store,
      verify: (batch) => verifiers.verify(batch),
      resources: inputs.resources,
      given: inputs.given,
      budget: request.memory,
      keepWeights: request.keepWeights,
      shippedBase: (wanted) => Promise.resolve(findBase(request.bases ?? [], wanted)?.numbers()),
      emit: (event) => outbox.push(event),
    },
    {
      config,
      seeds: request.seeds,
      resume: request.resume ?? false,
      paused: request.paused ?? false,
      configHash: async (resume) =>
        (resume ? (await keptRun(store))?.configHash : undefined) ??
        configHash(config, digestsOf(inputs.record)),
    },
  );
  void training.ended.finally(() => outbox.close());
  return { ...parts, config, seeds: request.seeds, request, training, verifiers };
}

async function openTunedGpu({
  adapter,
  tuned,
}: Pick<StartRequest, 'adapter' | 'tuned'>): Promise<Gpu> {
  const gpu = await openGpu({
    adapter: adapter ?? 'auto',
    limits: 'max',
    features: ['subgroups'],
  });
  useTuned(gpu, hostName(), tuned ?? {});
  return gpu;
}

/** The run that questions go to while none is under way. @throws Error if there is none. */
function askedRun(): Promise<IdleRun> {
  asked ??= { parts: undefined, idle: openIdle(current()) };
  const { idle } = asked;
  idle.catch(() => {
    // The next question tries again.
    if (asked?.idle === idle && !asked.parts) asked = undefined;
  });
  return idle;
}

const openIdle = ({ verifiers, request, ...parts }: RunParts): Promise<IdleRun> =>
  IdleRun.open({
    ...parts,
    verify: verifiers && ((batch) => verifiers.verify(batch)),
    bases: request.bases ?? [],
    openGpu: () => openTunedGpu(request),
  });

/** Has a question answered by the run under way, or by one that is not. */
async function answer<Answer>(
  byTraining: (training: TrainingRun) => Promise<Answer>,
  byIdle: (idle: IdleRun) => Promise<Answer>,
): Promise<Answer> {
  if (run && !asked?.parts) {
    const { training } = run;
    try {
      if (!training.control.ended) return await byTraining(training);
    } catch (error) {
      if (!(error instanceof RunEndedError)) throw error;
    }
    // Its device closes first.
    await training.ended;
  }
  return byIdle(await askedRun());
}

async function closeAsked(): Promise<void> {
  const closing = asked;
  asked = undefined;
  const idle = await closing?.idle.catch(() => undefined);
  await idle?.close();
  await closing?.parts?.verifiers?.close();
  await closing?.parts?.files.close();
}

/** Opens the parts of a run that is not under way, as its folder has them. */
async function openParts(request: OpenRequest): Promise<RunParts> {
  const store = await openStore(request.store);
  const file = await keptRun(store);
  if (!file) throw new ConfigError(`${CONFIG}: there is no run in this folder`);
  const { config, seeds } = file;
  const files = openFiles(request.files);
  try {
    const inputs = await openGivenInputs(config, files, { begunWith: file.inputs });
    const judged = modulesOf(config.task).length === 0;
    const verifiers = judged
      ? await RewardPool.open(config.task, { files, workers: 1 })
      : undefined;
    return { config, seeds, store, files, inputs, verifiers, request };
  } catch (error) {
    await files.close();
    throw error;
  }
}

async function closeRun({ training, verifiers, files, reading }: Run): Promise<void> {
  stopRun({ training, reading });
  await training.ended;
  await verifiers.close();
  await files.close();
}

/** Also ends the reading of weights: what they would train is not wanted, and nothing is lost. */
function stopRun({ training, reading }: Pick<Run, 'training' | 'reading'>): void {
  training.control.stop();
  reading.abort(new UnreadError('stopped while the model was read'));
}

/**
 * What the run's folder says of how the run began, by a version that may have known fewer settings.
 * Undefined if the folder has no config.
 */
async function keptRun(
  store: RunStore,
): Promise<(RunFile & { readonly inputs: RunInputs }) | undefined> {
  const textOf = async (name: string): Promise<string | undefined> => {
    const bytes = await store.read(name);
    return bytes && new TextDecoder().decode(bytes);
  };
  const text = await textOf(CONFIG);
  if (text === undefined) return undefined;
  const inputs = await readInputs(textOf);
  return { ...(await parseRunFile(parseJson(text, CONFIG), CONFIG, inputs)), inputs };
}

function openStore(place: StorePlace): RunStore | Promise<RunStore> {
  if (place.kind === 'folder') return new FolderStore(place.path);
  if (place.kind === 'browser') return BrowserStore.open(place.name);
  if (place.kind === 'port') return servedStore(place.port);
  if (place.kind === 'held') return heldStore(place.files);
  return new MemoryStore();
}

type RevocableStore = RunStore & { revoke(why: string): void };

/** A store that can be revoked. After that, every call fails with the reason. */
function revocable(store: RunStore): RevocableStore {
  let reason: string | undefined;
  const revoke = (why: string): void => {
    reason = why;
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === 'revoke') return revoke;
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (reason !== undefined) return Promise.reject(new Error(reason));
        return Reflect.apply(value, target, args);
      };
    },
  }) as RevocableStore;
}

function servedStore(port: MessagePort): RunStore {
  const remote = Comlink.wrap<StoreCalls>(port);
  return storeOver({
    size: async (path) => remote.size(path),
    slice: async (path, start, end) => remote.slice(path, start, end),
    remove: async (path) => remote.remove(path),
    list: async (folder) => remote.list(folder),
    begin: async (path, start) => remote.begin(path, start),
    put: async (handle, bytes) => remote.put(handle, bytes),
    commit: async (handle) => remote.commit(handle),
    abort: async (handle) => remote.abort(handle),
  });
}

function current(): Run {
  if (!run) throw new Error('trainer: no run has been started');
  return run;
}

const api: TrainerApi = {
  async start(request) {
    if (opening || (run && !run.training.control.ended)) {
      throw new Error('trainer: a run is under way');
    }
    const before = run;
    run = undefined;
    const now = newOpening();
    latest = now;
    opening = closeAsked()
      .then(() => before && closeRun(before))
      .then(() => beginRun(request, now));
    let begun: Run | undefined;
    try {
      begun = await opening;
      // From here on the run can be stopped, even while it waits for a device.
      run = begun;
      const adapter = await begun.training.opened;
      const { record, notes } = begun.inputs;
      const layout = begun.training.layoutText;
      const told = layout === undefined ? notes : [...notes, layout];
      return { adapter, host: hostName(), inputs: record, notes: told };
    } catch (error) {
      run = undefined;
      if (begun) await closeRun(begun);
      now.outbox.close();
      throw error;
    } finally {
      opening = undefined;
    }
  },
  pause: () => current().training.control.pause(),
  resume: () => current().training.control.resume(),
  step: () => current().training.control.step(),
  async stop() {
    if (opening && latest) {
      latest.reading.abort(new UnreadError('stopped while files were read'));
      await opening.catch(() => undefined); // whoever called start hears of it
      if (!run) return;
    }
    const stopping = current();
    stopRun(stopping);
    await stopping.training.ended;
  },
  abandon(why) {
    const abandoned = current();
    abandoned.store.revoke(why);
    stopRun(abandoned);
  },
  events() {
    if (!latest) throw new Error('trainer: no run has been started');
    return latest.outbox.next();
  },
  completions: (prompt, method) => current().training.completions(prompt, method),
  async open(request) {
    if (opening || (run && !run.training.control.ended)) {
      throw new Error('trainer: a run is under way');
    }
    await closeAsked();
    const parts = await openParts(request);
    const idle = openIdle(parts);
    asked = { parts, idle };
    try {
      const { adapter } = await idle;
      const { config, seeds, store } = parts;
      const has = async (path: string) => (await store.size(path)) !== undefined;
      const weights = await weightsIn(config, seeds, has);
      return { adapter, config, seeds, weights };
    } catch (error) {
      await closeAsked();
      throw error;
    }
  },
  generate: (call) =>
    answer(
      (training) => training.generate(call),
      (idle) => idle.generate(call),
    ),
  inspect: (call) =>
    answer(
      (training) => training.inspect(call),
      (idle) => idle.inspect(call),
    ),
  rollout: (call) =>
    answer(
      (training) => training.rollout(call),
      () => Promise.reject(new InspectionError('no run is under way, whose rollout could be told')),
    ),
  async attend(call) {
    const told = await answer(
      (training) => training.attend(call),
      (idle) => idle.attend(call),
    );
    return Comlink.transfer(told, [told.weights.buffer]);
  },
  drawLandscape(view, canvas) {
    const { training } = current();
    if (training.control.ended) return Promise.reject(new RunEndedError('the run has ended'));
    return training.drawLandscape(view, canvas);
  },
  readFile: (path) => current().store.read(path),
  async dispose() {
    await closeAsked();
    if (opening) latest?.reading.abort(new UnreadError('the worker ends'));
    const last = (await opening?.catch(() => undefined)) ?? run;
    if (last) await closeRun(last);
  },
};

exposeWorker(api);
