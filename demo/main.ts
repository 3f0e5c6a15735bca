import { shippedBases } from '../src/bases/shipped.ts';
import { StoredRuns, type RunClaim, type StoredRun } from '../src/entries/browser.ts';
import {
  AdapterError,
  buttonsFor,
  connectTrainer,
  eventsOf,
  historyOf,
  keptText,
  metric,
  presets,
  presetSeeds,
  readoutUnit,
  readRun,
  reportOf,
  restartAdvice,
  runFiles,
  runFileText,
  RunView,
  standing,
  type Connection,
  type ExperimentConfig,
  type Keeping,
  type MetricKey,
  type RunFolder,
  type TrainerApi,
} from '../src/index.ts';
import { lineLooks, type LineName } from '../src/look/tokens.ts';
import { counted } from '../src/look/wording.ts';
import { lookAtAdapter, showFacts, type AdapterState } from './adapter.ts';
import { epochAt, updateEnding, updateOf, type Cursor } from './cursor.ts';
import { byId, make, setText } from './dom.ts';
import { download, FileList } from './files.ts';
import {
  choose,
  describePlan,
  fullUpdatesOf,
  readLink,
  wishOf,
  writeLink,
  type Choice,
  type Wish,
} from './link.ts';
import { describeMemory } from './memory.ts';
import { throttled } from './plots/canvas.ts';
import { HeatMap } from './plots/heat-map.ts';
import { digitsOf, LineChart } from './plots/line-chart.ts';
import { lineSwatch } from './plots/line-swatch.ts';
import { lineNames, type Lines, type Points } from './plots/readings.ts';
import { drawTrajectories, epochUnder, MOST_LINES } from './plots/trajectories.ts';
import { PromptList, pointAtEpoch, showCompletions } from './prompts.ts';
import { drawFinding, drawResults } from './results-table.ts';
import { StoredList } from './stored-list.ts';
import { visibleString } from './visible-text.ts';

const preset = byId('preset', HTMLSelectElement);
const seed = byId('seed', HTMLInputElement);
const overrides = byId('overrides', HTMLTextAreaElement);
const start = byId('start', HTMLButtonElement);
const pause = byId('pause', HTMLButtonElement);
const step = byId('step', HTMLButtonElement);
const stop = byId('stop', HTMLButtonElement);
const problem = byId('problem', HTMLParagraphElement);
const memory = byId('memory', HTMLParagraphElement);
const progress = byId('progress', HTMLProgressElement);
const answers = byId('answers', HTMLDivElement);
const slider = byId('cursor', HTMLInputElement);
const report = byId('report', HTMLButtonElement);
const announcer = byId('announcer', HTMLParagraphElement);

/** What a prompt was answered, and its key where that is known. */
type Answers = Parameters<typeof showCompletions>[3];

/** How long a worker whose run failed is waited for. */
const CLOSE_BROKEN_MS = 2000;

/** How long the settings rest before a run's memory is computed, which takes a tenth of a second. */
const SETTLED_MS = 200;

/** Undefined until the browser has answered. */
let adapter: AdapterState | undefined;
/** There was one, and now there is none. */
let lostAdapter = false;
/** What the views point at. */
let cursor: Cursor = {};
/** The cell of the matrix under the pointer. */
let pointedCell: { readonly prompt: number; readonly epoch: number } | undefined;
/** What is chosen does not fit the adapter. */
let tooLarge = false;
let settling: ReturnType<typeof setTimeout> | undefined;
let stopping = false;
let choice: Choice | undefined;
let model: RunView | undefined;
let trainer: Connection<TrainerApi> | undefined;
let selected: number | undefined;
/** Undefined where the browser keeps no files for this page: runs are then in memory alone. */
let storage: StoredRuns | undefined;
let stored: readonly StoredRun[] = [];
/** The stored run that the page shows. */
let current: string | undefined;
/** A run is being claimed, opened or removed. */
let preparing = false;
let readFile: ((path: string) => Promise<Uint8Array | undefined>) | undefined;
let readAnswers: ((prompt: number) => Promise<Answers>) | undefined;

const redraw = throttled(draw);
const repoint = throttled(drawCursor);
const heatMap = new HeatMap(byId('matrix', HTMLCanvasElement), {
  onSelect: select,
  onPoint: (at) => {
    pointedCell = at;
    pointAt(at === undefined ? undefined : epochToUpdate(at.epoch));
  },
});
const list = new PromptList(select);
const storedList = new StoredList({
  resume: (run) => void resumeRun(run),
  open: (run) => void openRun(run),
  remove: (run) => void removeRun(run),
});
const files = new FileList(byId('files', HTMLUListElement));

const charts = byId('charts', HTMLDivElement);
const chartOf = (key: MetricKey, digits: number, empty: readonly [number, number]): LineChart => {
  const { name, meaning, unit } = metric(key);
  const options = { title: name, meaning, unit: unit || name.toLowerCase() };
  return new LineChart(charts, { ...options, format: digitsOf(digits), empty }, pointAt);
};
const rewardChart = chartOf('reward_mean', 2, [-1, 1]);
const accuracyChart = new LineChart(
  charts,
  {
    title: 'Held-out accuracy',
    meaning:
      'Greedy answers to prompts that no pool holds, mean of the tiers. Dashed rule: the read-out fixed before the run; past it FULL goes on alone, dimmed.',
    unit: 'share right',
    format: (share) => `${(100 * share).toFixed(1)} %`,
    axisFormat: (share) => `${Math.round(100 * share)} %`,
    points: true,
    empty: [0, 0.4],
    holds: true,
  },
  pointAt,
);
const klChart = chartOf('kl_mean', 4, [0, 0.1]);
const lengthChart = chartOf('response_length_mean', 1, [0, 10]);

// ---- what the user asks for ------------------------------------------------------------------

const wishNow = (): Wish => ({
  preset: preset.value,
  seeds: seed.value,
  overrides: overrides.value,
});

function complain(error: unknown): void {
  setText(problem, error instanceof Error ? error.message : String(error));
}

/** Checks what the controls hold, shows what it means, and puts it into the address. */
function consider(): void {
  choice = undefined;
  setText(problem, '');
  seed.placeholder = seedsOf(preset.value);
  try {
    choice = choose(wishNow());
    history.replaceState(null, '', writeLink(wishNow()));
  } catch (error) {
    complain(error);
  }
  considerMemory();
  setText(byId('plan', HTMLDivElement), choice ? describePlan(choice) : '');
  const { differences } = choice ?? { differences: [] };
  const count = differences.length;
  setText(
    byId('differences-title', HTMLParagraphElement),
    count === 0
      ? 'Nothing differs from the preset.'
      : `${count} ${count === 1 ? 'setting differs' : 'settings differ'} from the preset:`,
  );
  byId('differences', HTMLUListElement).replaceChildren(
    ...differences.map(({ field, value, reference }) =>
      make(
        'li',
        '',
        make('code', '', field),
        `: ${JSON.stringify(value)} instead of ${JSON.stringify(reference)}`,
      ),
    ),
  );
  redraw();
}

/** Says what GPU memory the chosen run will take, once the settings rest. */
function considerMemory(): void {
  clearTimeout(settling);
  const asked = choice;
  if (asked) settling = setTimeout(() => describeChosenMemory(asked), SETTLED_MS);
  else showMemory('', false);
}

function describeChosenMemory({ config }: Choice): void {
  try {
    showMemory(
      describeMemory(config, adapter?.kind === 'ready' ? adapter.limits : undefined),
      false,
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const refused = error instanceof AdapterError;
    showMemory(refused ? `This adapter is too small: ${why}.` : `GPU memory: ${why}.`, refused);
  }
}

function showMemory(text: string, refused: boolean): void {
  setText(memory, text);
  tooLarge = refused;
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

/** Fills the controls from the address; starts nothing. */
function readAddress(): void {
  try {
    const wish = readLink(location.hash);
    if (!Object.hasOwn(presets, wish.preset)) {
      throw new RangeError(`the address: no preset '${wish.preset}'`);
    }
    fillControls(wish);
  } catch (error) {
    complain(error);
    return;
  }
  if (choice && choice.differences.length > 0) byId('settings', HTMLDetailsElement).open = true;
}

// ---- the run ---------------------------------------------------------------------------------

const busy = (): boolean => preparing || (model?.running ?? false);

/**
 * Does what leads to a run or away from one, one thing at a time. Undefined where that was refused:
 * the user has heard why.
 */
async function prepare<T>(work: () => Promise<T>): Promise<T | undefined> {
  if (busy()) return undefined;
  preparing = true;
  setText(problem, '');
  redraw();
  let result: T | undefined;
  try {
    result = await work();
  } catch (error) {
    complain(error);
  }
  preparing = false;
  await lookAtStored();
  return result;
}

async function startRun(): Promise<void> {
  if (!choice) return;
  const { config, seeds } = choice;
  const prepared = await prepare(async () => ({ claim: await storage?.create(config, seeds) }));
  if (!prepared) return;
  const { claim } = prepared;
  await train(config, seeds, { stored: claim !== undefined }, claim);
}

async function resumeRun({ name, settings }: StoredRun): Promise<void> {
  if (!settings) return;
  const { config, seeds } = settings;
  const claim = await prepare(async () => {
    const found = await storage?.claim(name);
    fillControls(wishOf(config, seeds));
    return found;
  });
  if (claim) await train(config, seeds, { stored: true, past: 'resumed' }, claim);
}

/** Shows another run from its beginning. */
function show(run: RunView, name: string | undefined): void {
  model = run;
  current = name;
  stopping = false;
  cursor = {};
  pointedCell = undefined;
  readFile = readAnswers = undefined;
  files.clear();
  forgetChosen();
  byId('about', HTMLDetailsElement).open = false;
  setText(problem, '');
}

async function train(
  config: ExperimentConfig,
  seeds: readonly number[],
  keeping: Keeping,
  claim: RunClaim | undefined,
): Promise<void> {
  const before = model;
  const run = new RunView(config, seeds, keeping);
  show(run, claim?.name);
  announce('Starting');
  redraw();
  try {
    // A worker whose run failed may have lost its device: the next one gets its own.
    if (before?.state === 'failed') await closeTrainer();
    const from = (trainer ??= await connectTrainer());
    const bases = await shippedBases();
    const { adapter, host } = await from.api.start({
      config,
      seeds,
      store: claim ? { kind: 'browser', name: claim.name } : { kind: 'memory' },
      resume: keeping.past === 'resumed',
      bases,
    });
    run.adapter = adapter;
    run.host = host;
    readFile = (path) => from.api.readFile(path);
    readAnswers = (prompt) => from.api.completions(prompt);
    files.add(runFiles.CONFIG, new TextEncoder().encode(await runFileText(config, seeds)));
    // Not paced by frames or timers: it goes on in a hidden tab, where only the drawing rests.
    for await (const batch of eventsOf(from)) {
      for (const event of batch) {
        const { phase, state, recovery } = run;
        run.apply(event);
        // Another seed's pool: the prompt that was chosen is not in it.
        if (event.type === 'pool') forgetChosen();
        if (run.phase !== phase || run.state !== state || run.recovery !== recovery) {
          announce(standing(run).phase);
        }
        if (event.type === 'column' && selected !== undefined) void showAnswers(selected);
      }
      redraw();
      await offerFiles(run);
    }
    if (claim && run.state === 'done') await storage?.dropCheckpoints(claim.name);
  } catch (error) {
    if (run.running) {
      run.state = 'failed';
      // A worker's error comes as a plain one that keeps its name.
      run.message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      announce(standing(run).phase);
    } else complain(error);
    await closeTrainer();
  }
  await claim?.release();
  // A browser whose GPU process crashed may have no adapter to offer any more.
  if (run.state === 'failed') {
    await lookForAdapter();
    run.gpuGone = !canTrain();
  }
  await lookAtStored();
}

/** What is left of a worker that failed must not hold the device against the next run. */
async function closeTrainer(): Promise<void> {
  const broken = trainer;
  trainer = undefined;
  await broken?.close(CLOSE_BROKEN_MS).catch(() => undefined);
}

async function offerFiles(run: RunView): Promise<void> {
  for (const name of run.files) {
    if (files.has(name)) continue;
    const content = await readFile?.(name);
    if (content) files.add(name, content);
  }
}

// ---- stored runs -----------------------------------------------------------------------------

async function openStorage(): Promise<void> {
  let text = 'Kept in this browser until the run is deleted or the data of this site is cleared.';
  try {
    storage = await StoredRuns.open();
    await storage.removeEmpty();
  } catch (error) {
    storage = undefined;
    const why = error instanceof Error ? error.message : String(error);
    text = `Nothing can be stored: ${why}. Runs are in this tab's memory alone, so download what you want before you close it.`;
  }
  setText(byId('storage', HTMLParagraphElement), text);
  await lookAtStored();
  const unfinished = stored.find(({ checkpoint, claimed }) => checkpoint && !claimed);
  if (unfinished) announce('There is an unfinished run that can be resumed');
}

async function lookAtStored(): Promise<void> {
  try {
    stored = (await storage?.list()) ?? [];
  } catch (error) {
    complain(error);
  }
  redraw();
}

/** The files of a stored run. @throws FormatError when asked for what is no text. */
const folderOf = (name: string, read: NonNullable<typeof readFile>): RunFolder => ({
  name,
  read: async (path) => {
    const content = await read(path);
    return content && new TextDecoder().decode(content);
  },
});

/** Shows a finished run as it ended, from its files: no device is needed. */
async function openRun({ name, settings }: StoredRun): Promise<void> {
  await prepare(async () => {
    const kept = storage;
    if (!kept || !settings) return;
    const read = (path: string) => kept.read(name, path);
    const folder = folderOf(name, read);
    const run = await readRun(folder);
    const { config, seeds } = settings;
    const opened = new RunView(config, seeds, { stored: true, past: 'reopened' });
    for await (const event of historyOf(run, folder)) opened.apply(event);
    const answersOf = await kept.completions(name, config, opened.seed);
    show(opened, name);
    fillControls(wishOf(config, seeds));
    readFile = read;
    readAnswers = (prompt) => Promise.resolve({ epochs: answersOf(prompt) });
    files.add(runFiles.CONFIG, new TextEncoder().encode(await runFileText(config, seeds)));
    await offerFiles(opened);
    announce(`The run of preset ${config.preset} is open`);
  });
}

async function removeRun({ name, finished }: StoredRun): Promise<void> {
  const what = finished ? 'Delete this run and its files?' : 'Discard this unfinished run?';
  if (!window.confirm(what)) return;
  await prepare(async () => {
    await storage?.remove(name);
    if (name === current) current = undefined;
  });
}

async function downloadReport(): Promise<void> {
  const [run, read] = [model, readFile];
  if (!run || !read) return;
  const text = byId('report-text', HTMLElement);
  setText(text, 'Making the report …');
  try {
    const page = await reportOf(folderOf('run', read));
    download(runFiles.REPORT, page, 'text/html');
    setText(text, 'One page that loads nothing from elsewhere.');
  } catch (error) {
    setText(text, '');
    complain(error);
  }
}

function announce(text: string): void {
  setText(announcer, text);
}

/** A button's request to the trainer; what comes of it is told by the run's events. */
function ask(request: (api: Connection<TrainerApi>['api']) => Promise<unknown>): void {
  if (trainer) request(trainer.api).catch(complain);
}

// ---- what is seen ----------------------------------------------------------------------------

function select(prompt: number): void {
  selected = prompt;
  redraw();
  void showAnswers(prompt);
}

function forgetChosen(): void {
  selected = undefined;
  const text = 'Choose a prompt to read what FULL sampled for it, epoch by epoch.';
  answers.replaceChildren(make('p', 'quiet', text));
}

async function showAnswers(prompt: number): Promise<void> {
  const [run, answersOf] = [model, readAnswers];
  if (!run || !answersOf) return;
  try {
    const completions = await answersOf(prompt);
    // Another one may have been chosen while this one was on its way.
    if (run !== model || prompt !== selected) return;
    showCompletions(answers, run, prompt, completions);
    pointAtEpoch(answers, pointedEpoch());
  } catch (error) {
    complain(error);
  }
}

const canTrain = (): boolean => adapter?.kind === 'ready';

/** What the page is at while no run is. */
const idle = (): string =>
  adapter === undefined
    ? 'Looking for a GPU'
    : canTrain()
      ? 'Ready'
      : 'No GPU here: it cannot train';

function drawControls(): void {
  const canStart = canTrain() && choice !== undefined && !tooLarge && !preparing;
  const buttons = buttonsFor(model, canStart);
  start.disabled = !buttons.start;
  pause.disabled = !buttons.pause || stopping;
  setText(pause, buttons.resumes ? 'Resume' : 'Pause');
  step.disabled = !buttons.step || stopping;
  stop.disabled = !buttons.stop || stopping;
  const running = model?.running ?? false;
  preset.disabled = seed.disabled = overrides.disabled = busy();
  report.disabled = model?.state !== 'done' || readFile === undefined;

  const where = model
    ? standing(model)
    : {
        phase: idle(),
        pace: '',
        detail:
          adapter?.kind === 'missing'
            ? 'Runs that are stored in this browser can be opened; why, and what to do, stands above.'
            : 'Nothing starts until you press Start.',
        fraction: 0,
      };
  const waiting = stopping && running;
  setText(
    byId('phase', HTMLParagraphElement),
    waiting ? 'Stopping after this update' : where.phase,
  );
  setText(byId('pace', HTMLParagraphElement), waiting ? '' : where.pace);
  setText(byId('detail', HTMLParagraphElement), where.detail);
  if (where.fraction === undefined) progress.removeAttribute('value');
  else progress.value = where.fraction;
  progress.classList.toggle('failed', model?.state === 'failed');
  document.title =
    running && where.fraction !== undefined
      ? `${Math.round(100 * where.fraction)} % · LIMR Lab`
      : 'LIMR Lab';
}

function drawCharts(): void {
  const config = model?.config ?? choice?.config;
  const end = config ? Math.max(fullUpdatesOf(config), armEnd(config)) : 10;
  const lineOf = (key: MetricKey): Lines =>
    Object.fromEntries(
      Object.entries(model?.updates ?? {}).map(([name, records]) => [
        name,
        records.map(({ update, metrics: values }) => [update, values[key] ?? NaN] as const),
      ]),
    );
  const { budget, tableReadout, methods = [] } = config?.experiment ?? {};
  const equal = budget === 'updates';
  const trained = lineNames.filter(
    (name) => name === 'full' || methods.some((one) => one === name),
  );
  const state = {
    names: trained,
    end,
    fixed: model?.fixedReadout,
    rule: equal ? tableReadout : undefined,
    alone:
      config && equal && trained.length > 1
        ? Math.max(armEnd(config), tableReadout ?? 0)
        : undefined,
    cursor: updateOf(cursor),
  };
  rewardChart.draw({ ...state, lines: lineOf('reward_mean') });
  klChart.draw({ ...state, lines: lineOf('kl_mean') });
  lengthChart.draw({ ...state, lines: lineOf('response_length_mean') });

  const held: Partial<Record<LineName, Points>> = {};
  const base = model?.evaluations.base?.at(-1)?.mean;
  for (const name of lineNames) {
    const points = (model?.evaluations[name] ?? [])
      .filter((one) => name !== 'base' && one.seed === model?.seed)
      .map(({ update, mean }) => [update, mean] as const);
    if (points.length > 0) held[name] = base === undefined ? points : [[0, base], ...points];
  }
  if (base !== undefined) {
    held.base = [
      [0, base],
      [end, base],
    ];
  }
  accuracyChart.draw({ ...state, names: ['base', ...trained], lines: held });
  const of = model && model.seeds.length > 1 ? `, seed ${model.seed}` : '';
  setText(
    byId('curves-title', HTMLHeadingElement),
    `Learning, over the updates of each method${of}`,
  );
  slider.max = String(end);
  drawCursor();
}

/** Everything that the page's one cursor points at, and nothing else. */
function drawCursor(): void {
  const config = model?.config ?? choice?.config;
  const update = updateOf(cursor);
  for (const chart of [rewardChart, accuracyChart, klChart, lengthChart]) chart.point(update);
  const epoch = pointedEpoch();
  drawMatrix();
  drawCurves();
  pointAtEpoch(answers, epoch);
  const fixed = config?.experiment.budget === 'updates' ? config.experiment.tableReadout : 0;
  slider.value = String(update ?? fixed);
  const text =
    update === undefined
      ? config
        ? `${readoutUnit(config)} ${config.experiment.tableReadout}, the fixed read-out`
        : 'the fixed read-out'
      : `update ${update}${epoch === undefined ? '' : `, FULL’s data epoch ${epoch + 1}`}`;
  setText(byId('cursor-text', HTMLOutputElement), text);
  slider.ariaValueText = text;
  byId('cursor-reset', HTMLButtonElement).disabled = cursor.pinned === undefined;
}

const pointedEpoch = (): number | undefined => {
  const config = model?.config ?? choice?.config;
  return pointedCell?.epoch ?? (config && epochAt(config, updateOf(cursor)));
};

/** The last update of a data epoch of FULL; none without a run. */
function epochToUpdate(epoch: number): number | undefined {
  const config = model?.config ?? choice?.config;
  return config && updateEnding(config, epoch);
}

/** A view is pointed at, or no more. */
function pointAt(update: number | undefined): void {
  const { pinned } = cursor;
  cursor = {
    ...(pinned === undefined ? {} : { pinned }),
    ...(update === undefined ? {} : { pointed: update }),
  };
  // Charts move a line; the canvases are painted again, ten times a second at most.
  for (const chart of [rewardChart, accuracyChart, klChart, lengthChart])
    chart.point(updateOf(cursor));
  repoint();
}

const armEnd = ({ experiment }: Choice['config']): number =>
  experiment.methods.length > 1 && experiment.budget === 'updates' ? experiment.armLength : 0;

function drawMatrix(): void {
  const config = model?.config ?? choice?.config;
  heatMap.draw(model, { config, selected, epoch: pointedEpoch() });
  const signal = config?.lim.signal ?? 'accuracy';
  setText(byId('matrix-cell', HTMLParagraphElement), cellText());
  setText(
    byId('ramp-text', HTMLElement),
    signal === 'accuracy' ? 'share of answers that match the key, 0 to 1' : 'mean reward, −1 to 1',
  );
  const order = model?.scores
    ? `in order of LIM score: ${keptText(model)}`
    : 'in order of mean reward so far; in order of LIM score once FULL is done';
  setText(
    byId('matrix-text', HTMLParagraphElement),
    `What FULL earned: prompts from left to right, ${order}. Epochs from top to bottom.`,
  );
}

/** The cell under the pointer in words. */
function cellText(): string {
  if (!model || !pointedCell) return '';
  const { prompt, epoch } = pointedCell;
  const value = model.columns[epoch]?.[prompt];
  const known = value === undefined || Number.isNaN(value) ? 'no value yet' : value.toFixed(2);
  const wrong = model.pool[prompt]?.wrongKey ? ', wrong key on purpose' : '';
  return `Epoch ${epoch + 1}, ${visibleString(model.textOf(prompt))}${wrong}: ${known}`;
}

function drawCurves(): void {
  const config = model?.config ?? choice?.config;
  const frame = {
    epochs: config?.experiment.epochs ?? 4,
    signal: config?.lim.signal ?? 'accuracy',
    pointed: pointedEpoch(),
  };
  const lim = model?.selections.lim;
  const all = model?.pool.map((_, prompt) => prompt) ?? [];
  const panels = [
    {
      id: 'kept',
      title: lim ? 'Kept by LIM' : 'All prompts so far',
      color: lim ? '--lim' : '--rejected',
      prompts: lim ? all.filter((prompt) => lim.has(prompt)) : all,
      before: 'Once FULL is done they part: those that LIM keeps here, the others there.',
    },
    {
      id: 'rejected',
      title: 'Rejected',
      color: '--rejected',
      prompts: lim ? all.filter((prompt) => !lim.has(prompt)) : [],
      before: 'Known once FULL is done.',
    },
  ] as const;
  for (const { id, title, color, prompts, before } of panels) {
    setText(byId(`${id}-title`, HTMLHeadingElement), title);
    drawTrajectories(
      byId(id, HTMLCanvasElement),
      model && {
        prompts,
        columns: model.columns,
        meanCurve: model.meanCurve,
        selected,
        color,
      },
      frame,
    );
    const shown =
      prompts.length > MOST_LINES ? `${MOST_LINES} of ${prompts.length}` : `${prompts.length}`;
    setText(
      byId(`${id}-text`, HTMLElement),
      lim
        ? `${shown} ${prompts.length === 1 ? 'prompt' : 'prompts'}, the pool's mean curve in red.${chosenText(prompts)}`
        : before,
    );
  }
}

const chosenText = (prompts: readonly number[]): string =>
  selected !== undefined && prompts.includes(selected) ? ' The chosen prompt stands out.' : '';

function draw(): void {
  drawControls();
  storedList.draw(stored, { busy: busy(), canTrain: canTrain(), current });
  drawCharts();
  list.draw(model, selected);
  const config = model?.config ?? choice?.config;
  if (!config) return;
  drawFinding(config, model);
  drawResults(config, model);
  const { lim } = config;
  const rule =
    lim.count === undefined
      ? `the prompts with a score of at least θ = ${lim.theta}`
      : `the ${counted(lim.count, 'prompt')} with the highest scores`;
  const kept = model?.lim ? `: here ${model.lim.kept} of ${model.pool.length}` : '';
  setText(byId('lim-rule', HTMLElement), `${rule}${kept};`);
}

// ---- the page --------------------------------------------------------------------------------

function drawLegend(): void {
  byId('methods-legend', HTMLUListElement).replaceChildren(
    ...lineNames.map((name) =>
      make('li', `line-${name}`, lineSwatch(name), ` ${lineLooks[name].label}`),
    ),
  );
}

function drawInjected(): void {
  byId('injected', HTMLUListElement).replaceChildren(
    ...[
      'The base’s slips: how often a step is right depends on its operator and operand.',
      'Three strata of prompts: easy, learnable and too hard for the base, nothing between.',
      'A share of the answer keys is wrong on purpose, to see whether LIM rejects them.',
    ].map((text) => make('li', '', text)),
  );
}

async function openPage(): Promise<void> {
  preset.replaceChildren(
    ...Object.keys(presets).map((name) => {
      const option = make('option', '', name);
      option.value = name;
      return option;
    }),
  );
  drawLegend();
  drawInjected();
  readAddress();
  for (const control of [preset, seed, overrides]) control.addEventListener('input', consider);
  window.addEventListener('hashchange', () => {
    if (!busy()) readAddress();
  });
  start.addEventListener('click', () => void startRun());
  pause.addEventListener('click', () =>
    ask((api) => (buttonsFor(model, false).resumes ? api.resume() : api.pause())),
  );
  step.addEventListener('click', () => ask((api) => api.step()));
  stop.addEventListener('click', () => {
    stopping = true;
    redraw();
    ask((api) => api.stop());
  });
  window.addEventListener('beforeunload', (event) => {
    if (model?.running) event.preventDefault();
  });
  report.addEventListener('click', () => void downloadReport());
  slider.addEventListener('input', () => {
    cursor = { pinned: Number(slider.value) };
    drawCursor();
  });
  byId('cursor-reset', HTMLButtonElement).addEventListener('click', () => {
    cursor = {};
    drawCursor();
    slider.focus();
  });
  for (const id of ['kept', 'rejected']) {
    const canvas = byId(id, HTMLCanvasElement);
    canvas.addEventListener('pointermove', ({ clientX }) => {
      const epochs = (model?.config ?? choice?.config)?.experiment.epochs;
      if (epochs !== undefined) pointAt(epochToUpdate(epochUnder(canvas, clientX, epochs)));
    });
    canvas.addEventListener('pointerleave', () => pointAt(undefined));
  }
  // Another tab may have begun, ended or removed a run meanwhile; a driver may be back.
  window.addEventListener('focus', () => {
    void lookAtStored();
    if (adapter?.kind === 'missing') void lookForAdapter();
  });
  document.addEventListener('visibilitychange', () => void lookAtStored());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  new ResizeObserver(redraw).observe(document.body);
  redraw();
  await openStorage();

  await lookForAdapter();
}

/** Asks the browser what it offers, and shows it or what can be done where it is nothing. */
async function lookForAdapter(): Promise<void> {
  const before = adapter;
  adapter = await lookAtAdapter();
  byId('unsupported', HTMLElement).hidden = adapter.kind === 'ready';
  if (adapter.kind === 'ready') {
    lostAdapter = false;
    if (model) model.gpuGone = false;
    considerMemory();
    showFacts(byId('adapter', HTMLElement), adapter.facts);
  } else {
    setText(byId('unsupported-reason', HTMLParagraphElement), adapter.reason);
    // It had one a moment ago.
    if (before?.kind === 'ready') lostAdapter = true;
    const advice = lostAdapter ? [restartAdvice, ...adapter.advice] : adapter.advice;
    byId('unsupported-advice', HTMLUListElement).replaceChildren(
      ...advice.map((text) => make('li', '', text)),
    );
    showFacts(byId('adapter', HTMLElement), [['Adapter', 'none: see the top of the page']]);
  }
  redraw();
}

void openPage();
