import * as Comlink from 'comlink';
import { configHash, parseConfig, type ExperimentConfig } from '../config.ts';
import { parseJson } from '../formats/json.ts';
import { openGpu, type Gpu } from '../gpu/device.ts';
import { useTuned } from '../variants/choices.ts';
import type { ExperimentEvent } from '../results.ts';
import { CONFIG } from '../run-folder/names.ts';
import { digestsOf, readInputs, type RunInputs } from '../run-folder/inputs.ts';
import { parseRunFile } from '../run-folder/run-file.ts';
import { findBase } from '../scheduler/base-file.ts';
import { type GivenInputs, openGivenInputs } from '../scheduler/given-inputs.ts';
import { MemoryStore, type RunStore } from '../scheduler/run-store.ts';
import { BrowserStore } from './browser-store.ts';
import { exposeWorker } from '../threads/expose.ts';
import { FolderStore } from './folder-store.ts';
import { hostName } from '../host-name.ts';
import { type GivenFiles, openFiles } from './given-files.ts';
import { Outbox } from './outbox.ts';
import type { StartRequest, StorePlace, TrainerApi } from './protocol.ts';
import { storeOver, type StoreCalls } from './remote-store.ts';
import { RewardPool } from './reward-pool.ts';
import { TrainingRun } from './training-run.ts';
import { UnreadError, WatchedFiles } from './watched-files.ts';

/** One run and its resources. */
interface Run extends Opening {
  readonly training: TrainingRun;
  readonly inputs: GivenInputs;
  readonly files: GivenFiles;
  readonly verifiers: RewardPool;
  readonly store: RevocableStore;
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
  parts: Omit<Run, 'training' | 'verifiers'>,
): Promise<Run> {
  const { store, inputs, outbox } = parts;
  const { verifiers: workers, frames } = request;
  const verifiers = await RewardPool.open(config.task, {
    files: parts.files,
    frames,
    ...(workers === undefined ? {} : { workers }),
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
  return { ...parts, training, verifiers };
}

async function openTunedGpu({ adapter, tuned }: StartRequest): Promise<Gpu> {
  const gpu = await openGpu({
    adapter: adapter ?? 'auto',
    limits: 'max',
    features: ['subgroups'],
  });
  useTuned(gpu, hostName(), tuned ?? {});
  return gpu;
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
): Promise<{ readonly configHash: string; readonly inputs: RunInputs } | undefined> {
  const textOf = async (name: string): Promise<string | undefined> => {
    const bytes = await store.read(name);
    return bytes && new TextDecoder().decode(bytes);
  };
  const text = await textOf(CONFIG);
  if (text === undefined) return undefined;
  const inputs = await readInputs(textOf);
  const { configHash: hash } = await parseRunFile(parseJson(text, CONFIG), CONFIG, inputs);
  return { configHash: hash, inputs };
}

function openStore(place: StorePlace): RunStore | Promise<RunStore> {
  if (place.kind === 'folder') return new FolderStore(place.path);
  if (place.kind === 'browser') return BrowserStore.open(place.name);
  if (place.kind === 'port') return servedStore(place.port);
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
    opening = (before ? closeRun(before) : Promise.resolve()).then(() => beginRun(request, now));
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
  completions: (prompt) => current().training.completions(prompt),
  readFile: (path) => current().store.read(path),
  async dispose() {
    if (opening) latest?.reading.abort(new UnreadError('the worker ends'));
    const last = (await opening?.catch(() => undefined)) ?? run;
    if (last) await closeRun(last);
  },
};

exposeWorker(api);
