import * as Comlink from 'comlink';
import { parseConfig, type ExperimentConfig } from '../config.ts';
import { parseJson } from '../formats/json.ts';
import { readSafetensors, toFloat32 } from '../formats/safetensors.ts';
import { openGpu, type Gpu } from '../gpu/device.ts';
import { useTuned } from '../gpu/matmul-choices.ts';
import type { ExperimentEvent } from '../results.ts';
import { CONFIG } from '../run-folder/names.ts';
import { parseRunFile } from '../run-folder/run-file.ts';
import { baseIdentity } from '../scheduler/base.ts';
import { Experiment } from '../scheduler/experiment.ts';
import { RunControl } from '../scheduler/run-control.ts';
import { MemoryStore, type RunStore } from '../scheduler/run-store.ts';
import { BrowserStore } from './browser-store.ts';
import { exposeWorker } from '../threads/expose.ts';
import { FolderStore } from './folder-store.ts';
import { hostName } from '../host-name.ts';
import { Outbox } from './outbox.ts';
import type { StartRequest, StorePlace, TrainerApi } from './protocol.ts';
import { storeOver, type StoreCalls } from './remote-store.ts';
import { RewardPool } from './reward-pool.ts';

/** One run and what it holds. */
interface Run {
  readonly gpu: Gpu;
  readonly verifiers: RewardPool;
  readonly experiment: Experiment;
  readonly store: RevocableStore;
  readonly control: RunControl;
  readonly outbox: Outbox<ExperimentEvent>;
  /** Settles, never rejects, when the loop has ended. */
  readonly ended: Promise<void>;
}

// At most ten batches of events a second.
const EVENT_INTERVAL_MS = 100;

let run: Run | undefined;
let opening: Promise<Run> | undefined;

async function openRun(request: StartRequest): Promise<Run> {
  const config = parseConfig(request.config, 'config');
  const store = revocable(await openStore(request.store));
  const gpu = await openGpu({
    adapter: request.adapter ?? 'auto',
    limits: 'max',
    features: ['subgroups'],
  });
  useTuned(gpu, hostName(), request.tuned ?? {});
  let verifiers: RewardPool | undefined;
  try {
    const { verifiers: workers } = request;
    const pool = await RewardPool.open(config.task, workers === undefined ? {} : { workers });
    verifiers = pool;
    const outbox = new Outbox<ExperimentEvent>(EVENT_INTERVAL_MS, ({ type }) =>
      type === 'progress' || type === 'compiling' ? type : undefined,
    );
    const emit = (event: ExperimentEvent) => outbox.push(event);
    const control = new RunControl((state, message) => emit({ type: 'state', state, message }));
    const experiment = await Experiment.open(
      {
        gpu,
        hostName: hostName(),
        store,
        verify: (batch) => pool.verify(batch),
        shippedBase: (wanted) => Promise.resolve(findBase(request.bases ?? [], wanted)),
        emit,
      },
      config,
      request.seeds,
      { resume: request.resume ?? false, configHash: await knownHash(store, request) },
    );
    if (request.paused) control.pause();
    const ended = experiment
      .run(control)
      .then(
        (results) => {
          if (results) control.finish();
          else control.stopped();
        },
        (error: unknown) => control.fail(describe(error)),
      )
      .finally(() => outbox.close());
    return { gpu, verifiers, experiment, store, control, outbox, ended };
  } catch (error) {
    await verifiers?.close();
    await gpu.close();
    throw error;
  }
}

async function closeRun({ gpu, verifiers, control, ended }: Run): Promise<void> {
  control.stop();
  await ended;
  await verifiers.close();
  await gpu.close();
}

/** Of the config as the run's folder has it: the version that wrote it may have known fewer settings. */
async function knownHash(store: RunStore, { resume }: StartRequest): Promise<string | undefined> {
  const bytes = resume ? await store.read(CONFIG) : undefined;
  if (!bytes) return undefined;
  const text = new TextDecoder().decode(bytes);
  return (await parseRunFile(parseJson(text, CONFIG), CONFIG)).configHash;
}

function openStore(place: StorePlace): RunStore | Promise<RunStore> {
  if (place.kind === 'folder') return new FolderStore(place.path);
  if (place.kind === 'browser') return BrowserStore.open(place.name);
  if (place.kind === 'port') return servedStore(place.port);
  return new MemoryStore();
}

type RevocableStore = RunStore & { revoke(why: string): void };

/** A store until it is taken away; then every call fails with the reason. */
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

function findBase(
  files: readonly Uint8Array[],
  config: ExperimentConfig,
): ReadonlyMap<string, Float32Array> | undefined {
  const identity = baseIdentity(config);
  for (const [i, bytes] of files.entries()) {
    const where = `base ${i}`;
    const { tensors, metadata } = readSafetensors(bytes, where);
    if (metadata.get('identity') !== identity) continue;
    return new Map([...tensors].map(([name, entry]) => [name, toFloat32(entry, where)]));
  }
  return undefined;
}

const describe = (error: unknown) =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

function current(): Run {
  if (!run) throw new Error('trainer: no run has been started');
  return run;
}

const api: TrainerApi = {
  async start(request) {
    if (opening || (run && !run.control.ended)) throw new Error('trainer: a run is under way');
    const before = run;
    run = undefined;
    opening = (before ? closeRun(before) : Promise.resolve()).then(() => openRun(request));
    try {
      run = await opening;
      return { adapter: run.gpu.name, host: hostName() };
    } finally {
      opening = undefined;
    }
  },
  pause: () => current().control.pause(),
  resume: () => current().control.resume(),
  step: () => current().control.step(),
  async stop() {
    const { control, ended } = current();
    control.stop();
    await ended;
  },
  abandon(why) {
    const { store, control } = current();
    store.revoke(why);
    control.stop();
  },
  events: () => current().outbox.next(),
  completions: (prompt) => current().experiment.completions(prompt),
  readFile: (path) => current().store.read(path),
  async dispose() {
    const last = (await opening?.catch(() => undefined)) ?? run;
    if (last) await closeRun(last);
  },
};

exposeWorker(api);
