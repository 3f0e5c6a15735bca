// The landscape: the reward matrix as a field of bars, out of the trainer's own buffers while a run is
// under way, and out of the recording's numbers otherwise.
import './prompts.css';
import type { HTMLAttributes, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import {
  boxOf,
  field,
  type FieldShares,
  type LandscapeView,
  meet,
  orderWords,
  ranksOf,
  StandaloneLandscape,
} from '../../../src/entries/browser.ts';
import type { RunView } from '../../../src/index.ts';
import { rampSteps } from '../../../src/look/tokens.ts';
import { firstPicture } from '../../first-picture.ts';
import { cssColor } from '../../plots/canvas.ts';
import { rgbOf } from '../../plots/ramp.ts';
import { type DrawLandscape, liveLandscape } from '../../state/landscape.ts';
import { pointed } from '../../state/pointing.ts';
import { chosen, follow, inspected, live, look } from '../../state/stage.ts';
import { whole } from '../../strings/numbers.ts';
import { engineText } from '../../strings/engine.ts';
import { promptsText } from '../../strings/prompts.ts';
import { Button } from '../../views/markup.tsx';
import { mayMove } from '../../views/stage.tsx';
import { visibleString } from '../../visible-text.ts';
import {
  above,
  between,
  type Camera,
  home,
  matrixOf,
  orbit,
  pan,
  placeOf,
  rayThrough,
  zoom,
} from './camera.ts';
import { keptNow, order, ordered, tried, wantedNow, wantsAll } from './choice.ts';
import { cutWords } from './explorer.tsx';
import { CellText, Matrix, MatrixLegend, useRedraws } from './matrix.tsx';
import { Painter } from './painter.ts';

/** How long prompts glide into another order. */
const GLIDE_MS = 1200;
/** How long the camera flies. */
const FLIGHT_MS = 700;
/** Pixels of a drag that turn the camera by a radian. */
const TURN_PX = 260;
/** Pixels from which a press that moves is a drag. */
const DRAG_PX = 4;
/** Pixels below which a picture has short labels. */
const NARROW_PX = 600;
const KEY_TURN = 0.1;
const KEY_PAN = 0.1;
const KEY_ZOOM = 1.15;
/** Most pixels across and down of a picture. */
const MOST_PIXELS = 4096;
/** Most pixels of a picture that a software adapter draws across. */
const MOST_SOFTWARE = 900;
/** Most bars that a software adapter draws. */
const MOST_SOFTWARE_BARS = 6000;

/** What draws: the run's own worker, or a device of the page's own. */
type Source = 'live' | 'own';

export function Landscape(props: {
  readonly run: RunView;
  /** Whether the heat map was there before: the landscape rises out of it. */
  readonly fromHeat?: boolean;
}): JSX.Element {
  const { run, fromHeat = false } = props;
  const source: Source = live.value && liveLandscape.value ? 'live' : 'own';
  const [failed, setFailed] = useState('');
  useEffect(() => setFailed(''), [source]);
  const text = promptsText.value;
  if (failed !== '') {
    return (
      <>
        <p class="notice-line">
          {text.landNone} <span lang="en">{failed}</span>
        </p>
        <Matrix run={run} />
      </>
    );
  }
  // A canvas belongs to who has drawn on it: another source gets another one.
  return <Field key={source} run={run} source={source} fromHeat={fromHeat} onFailed={setFailed} />;
}

interface FieldProps {
  readonly run: RunView;
  readonly source: Source;
  readonly fromHeat: boolean;
  readonly onFailed: (why: string) => void;
}

/** What a picture shows, kept between pictures: painters ask for the newest. */
interface Shown {
  readonly run: RunView;
  readonly camera: Camera;
  readonly order: readonly number[];
  readonly kept: ReadonlySet<number> | undefined;
  readonly wanted: ReadonlySet<number> | undefined;
  readonly chosen: number | undefined;
  /** Whether the wall of the cut stands. */
  readonly isCut: boolean;
}

function Field({ run, source, fromHeat, onFailed }: FieldProps): JSX.Element {
  follow(run);
  const text = promptsText.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  useRedraws(canvas);
  const { camera, setCamera, fly } = useFlight(fromHeat && mayMove() ? above : home);
  const isCut = order.value === 'score' && (tried.value !== undefined || run.lim !== undefined);
  const shown: Shown = {
    run,
    camera,
    order: ordered(run),
    kept: keptNow(run),
    wanted: wantsAll.value ? undefined : new Set(wantedNow(run)),
    chosen: inspected.value,
    isCut,
  };
  const easel = useRef<Easel>(undefined);
  const [marks, setMarks] = useState<Marks>();
  useEffect(() => {
    if (!canvas.current) return undefined;
    const made = new Easel(canvas.current, source, { onDrawn: setMarks, onFailed });
    easel.current = made;
    return () => {
      easel.current = undefined;
      pointed.value = undefined;
      made.close();
    };
  }, []);
  useLayoutEffect(() => {
    easel.current?.show(shown);
  });
  // The first picture shows where the flight begins.
  const isDrawn = marks !== undefined;
  useEffect(() => {
    if (isDrawn && fromHeat) fly(home);
  }, [isDrawn]);
  const toHeat = (): void => fly(above, () => (look.value = 'heat'));

  const onPointer = usePointer(canvas, setCamera, {
    at: (x, y) => easel.current?.cellAt(x, y),
  });
  const keys = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const [turn, shift] = [KEY_TURN, event.shiftKey];
    const moves: Readonly<Record<string, (camera: Camera) => Camera>> = {
      ArrowLeft: (now) => (shift ? pan(now, -KEY_PAN, 0) : orbit(now, turn, 0)),
      ArrowRight: (now) => (shift ? pan(now, KEY_PAN, 0) : orbit(now, -turn, 0)),
      ArrowUp: (now) => (shift ? pan(now, 0, KEY_PAN) : orbit(now, 0, turn)),
      ArrowDown: (now) => (shift ? pan(now, 0, -KEY_PAN) : orbit(now, 0, -turn)),
      '+': (now) => zoom(now, KEY_ZOOM),
      '=': (now) => zoom(now, KEY_ZOOM),
      '-': (now) => zoom(now, 1 / KEY_ZOOM),
    };
    const move = Object.hasOwn(moves, event.key) ? moves[event.key] : undefined;
    const step = event.key === 'PageDown' ? 1 : event.key === 'PageUp' ? -1 : 0;
    if (move) setCamera(move);
    else if (step !== 0) chooseBeside(shown, step);
    else if (event.key === 'Home') fly(home);
    else if (event.key === 'h') toHeat();
    else return;
    event.preventDefault();
  };
  const moved = (change: (now: Camera) => Camera) => () => setCamera(change);
  const tools = [
    { name: text.turnLeft, sign: '↶', act: moved((now) => orbit(now, 2 * KEY_TURN, 0)) },
    { name: text.turnRight, sign: '↷', act: moved((now) => orbit(now, -2 * KEY_TURN, 0)) },
    { name: text.nearer, sign: '+', act: moved((now) => zoom(now, KEY_ZOOM)) },
    { name: text.farther, sign: '−', act: moved((now) => zoom(now, 1 / KEY_ZOOM)) },
    { name: text.fromAbove, sign: '⊤', act: () => fly(above) },
    { name: text.homeView, sign: '⌂', act: () => fly(home) },
  ];
  return (
    <>
      <p>{text.landText}</p>
      <div class="land">
        <canvas
          id="landscape"
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label={text.landLabel}
          aria-describedby="land-hint land-now"
          onKeyDown={keys}
          {...onPointer}
        />
        <div class="land-marks" aria-hidden="true">
          {marks?.texts.map(({ name, x, y, kind }) => (
            <PlacedMark key={kind + name} name={name} x={x} y={y} kind={kind} />
          ))}
        </div>
        {!marks && <p class="land-wait quiet">{text.landWait}</p>}
      </div>
      <div class="buttons land-tools" role="group" aria-label={text.landTools}>
        {tools.map(({ name, sign, act }) => (
          <Button key={name} label={name} onClick={act}>
            <span aria-hidden="true">{sign}</span>
          </Button>
        ))}
      </div>
      <MatrixLegend run={run} />
      <CellText run={run} />
      <p id="land-now" class="visually-hidden" role="status">
        {chosenText(shown)}
      </p>
      <p id="land-hint" class="hint">
        {text.landHint} {source === 'live' ? text.landLive : text.landOwn}
      </p>
    </>
  );
}

interface Flight {
  readonly camera: Camera;
  /** Moves the camera by hand, which ends a flight. */
  readonly setCamera: (change: (camera: Camera) => Camera) => void;
  /** Flies to a view; `then` is called at its end, and not where a hand ends the flight. */
  readonly fly: (to: Camera, then?: () => void) => void;
}

/** A camera that flies from view to view; it jumps where nothing may move. */
function useFlight(first: Camera): Flight {
  const [camera, set] = useState(first);
  const now = useRef(camera);
  now.current = camera;
  const frame = useRef(0);
  const end = (): void => cancelAnimationFrame(frame.current);
  useEffect(() => end, []);
  return {
    camera,
    setCamera: (change) => {
      end();
      set(change);
    },
    fly: (to, then) => {
      end();
      const from = now.current;
      const began = performance.now();
      const step = (): void => {
        const share = mayMove() ? (performance.now() - began) / FLIGHT_MS : 1;
        set(between(from, to, share));
        if (share < 1) frame.current = requestAnimationFrame(step);
        else then?.();
      };
      step();
    },
  };
}

/** A label that stands where a place of the world is in the picture. */
function PlacedMark({ name, x, y, kind }: Mark): JSX.Element {
  const host = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    // The page's policy allows no style attributes; what a script sets is not one.
    if (!host.current) return;
    host.current.style.left = `${100 * x}%`;
    host.current.style.top = `${100 * y}%`;
  });
  return (
    <span ref={host} class={`land-mark ${kind}`}>
      {name}
    </span>
  );
}

function chosenText({ run, order: prompts, chosen: prompt }: Shown): string {
  const rank = prompt === undefined ? -1 : prompts.indexOf(prompt);
  if (prompt === undefined || rank < 0) return '';
  const { landChosen } = promptsText.value;
  return landChosen(visibleString(run.textOf(prompt)), whole(rank + 1), whole(prompts.length));
}

function chooseBeside({ order: prompts, chosen: prompt }: Shown, step: number): void {
  const rank = prompt === undefined ? -1 : prompts.indexOf(prompt);
  const next = prompts[Math.min(prompts.length - 1, Math.max(0, rank + step))];
  if (next !== undefined) chosen.value = next;
}

interface Mark {
  readonly name: string;
  /** Shares of the picture from the top left. */
  readonly x: number;
  readonly y: number;
  readonly kind: 'epoch' | 'end' | 'cut' | 'chosen';
}

interface Marks {
  readonly texts: readonly Mark[];
}

/** Turns, moves and zooms by pointer and touch, and points at cells. */
function usePointer(
  canvas: { readonly current: HTMLCanvasElement | null },
  setCamera: (change: (camera: Camera) => Camera) => void,
  { at }: { readonly at: (x: number, y: number) => Cell | undefined },
): HTMLAttributes<HTMLCanvasElement> {
  const down = useRef(new Map<number, { x: number; y: number }>());
  const dragged = useRef(false);
  const shareOf = (event: PointerEvent): readonly [number, number] => {
    const { left, top, width, height } = (canvas.current ?? document.body).getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  };
  /** Distance of the two pointers of a pinch. */
  const spread = (): number => {
    const [one, other] = [...down.current.values()];
    return one && other ? Math.hypot(one.x - other.x, one.y - other.y) : 0;
  };
  useEffect(() => {
    const element = canvas.current;
    const wheel = (event: WheelEvent): void => {
      // A page that is scrolled past is not stopped: the wheel zooms where the landscape has the focus.
      if (document.activeElement !== element && !event.ctrlKey) return;
      event.preventDefault();
      setCamera((now) => zoom(now, Math.exp(-event.deltaY / 600)));
    };
    element?.addEventListener('wheel', wheel, { passive: false });
    return () => element?.removeEventListener('wheel', wheel);
  }, []);
  return {
    onPointerDown: (event) => {
      event.currentTarget.setPointerCapture(event.pointerId);
      down.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      dragged.current = false;
    },
    onPointerMove: (event) => {
      const before = down.current.get(event.pointerId);
      if (!before) {
        pointed.value = at(...shareOf(event));
        return;
      }
      const wide = spread();
      const now = { x: event.clientX, y: event.clientY };
      const [x, y] = [now.x - before.x, now.y - before.y];
      if (!dragged.current && Math.hypot(x, y) < DRAG_PX) return;
      dragged.current = true;
      down.current.set(event.pointerId, now);
      if (down.current.size > 1) setCamera((camera) => zoom(camera, spread() / Math.max(1, wide)));
      else if (event.shiftKey || event.buttons > 1) {
        setCamera((camera) =>
          pan(camera, (-x * camera.distance) / 900, (y * camera.distance) / 900),
        );
      } else setCamera((camera) => orbit(camera, -x / TURN_PX, y / TURN_PX));
    },
    onPointerUp: (event) => {
      down.current.delete(event.pointerId);
      if (dragged.current) return;
      const cell = at(...shareOf(event));
      if (cell) chosen.value = cell.prompt;
    },
    onPointerCancel: (event) => void down.current.delete(event.pointerId),
    onPointerLeave: () => (pointed.value = undefined),
    onContextMenu: (event) => event.preventDefault(),
  };
}

interface Cell {
  readonly prompt: number;
  readonly epoch: number;
}

/** What is drawn on the canvas, and what of it is under a pointer. */
class Easel {
  readonly #canvas: HTMLCanvasElement;
  readonly #painter: Painter;
  readonly #draw: DrawLandscape | undefined;
  #own: Promise<StandaloneLandscape> | undefined;
  /** What the own device holds last. */
  #filled: readonly unknown[] = [];
  #offscreen: OffscreenCanvas | undefined;
  #shown: Shown | undefined;
  /** The order that prompts glide from, and since when. */
  #glide: { readonly from: readonly number[]; readonly began: number } | undefined;
  /** What the last order was written of. */
  #written: readonly unknown[] = [];
  #matrix: Float32Array | undefined;
  #software = true;

  constructor(
    canvas: HTMLCanvasElement,
    source: Source,
    told: { readonly onDrawn: (marks: Marks) => void; readonly onFailed: (why: string) => void },
  ) {
    this.#canvas = canvas;
    this.#draw = source === 'live' ? liveLandscape.peek() : undefined;
    if (this.#draw) this.#offscreen = canvas.transferControlToOffscreen();
    this.#painter = new Painter({
      view: () => this.#view(),
      draw: (view) => this.#drawn(view),
      onDrawn: () => {
        firstPicture();
        told.onDrawn(this.#marks());
        if (this.#glide) this.#painter.ask();
      },
      onFailed: (error) => {
        // A run that has no rewards yet, or goes on with another device, has a picture later.
        if (this.#draw && live.peek()?.running) setTimeout(() => this.#painter.ask(), 1000);
        else told.onFailed(error instanceof Error ? error.message : String(error));
      },
    });
  }

  show(shown: Shown): void {
    const before = this.#shown;
    const moved = before && before.order !== shown.order && before.run.pool === shown.run.pool;
    if (moved && mayMove() && binsOf(shown, this.#canvas, this.#software) === shown.order.length) {
      this.#glide = { from: before.order, began: performance.now() };
    }
    this.#shown = shown;
    this.#painter.ask();
  }

  cellAt(x: number, y: number): Cell | undefined {
    const [shown, matrix] = [this.#shown, this.#matrix];
    if (!shown || !matrix) return undefined;
    const bars = sharesOf(shown, binsOf(shown, this.#canvas, this.#software));
    const met = meet(bars, rayThrough(matrix, x, y));
    const prompt = met && shown.order[ranksOf(bars, met.bin)[0]];
    return met && prompt !== undefined ? { prompt, epoch: met.epoch } : undefined;
  }

  close(): void {
    this.#painter.close();
    void this.#own?.then((own) => own.close()).catch(() => undefined);
  }

  async #drawn(view: LandscapeView): Promise<{ readonly software: boolean }> {
    const drawn = this.#draw ? await this.#drawLive(view, this.#draw) : await this.#drawOwn(view);
    this.#software = drawn.software;
    return drawn;
  }

  async #drawLive(
    view: LandscapeView,
    draw: DrawLandscape,
  ): Promise<{ readonly software: boolean }> {
    const canvas = this.#offscreen;
    this.#offscreen = undefined;
    // The canvas has gone with the first call, whatever came of it.
    return draw(view, canvas);
  }

  async #drawOwn(view: LandscapeView): Promise<{ readonly software: boolean }> {
    const { run } = this.#shown ?? {};
    this.#own ??= StandaloneLandscape.open(this.#canvas);
    const own = await this.#own;
    const filled = [run?.pool, run?.columns.length, run?.columns.at(-1)];
    if (run && filled.some((part, i) => part !== this.#filled[i])) {
      await own.fill(run.columns, run.pool.length, run.config.experiment.epochs);
      this.#filled = filled;
    }
    return own.draw(view);
  }

  #view(): LandscapeView | undefined {
    const shown = this.#shown;
    const { clientWidth, clientHeight } = this.#canvas;
    if (!shown || clientWidth === 0 || shown.run.pool.length === 0) return undefined;
    const ratio = this.#software
      ? Math.min(1, MOST_SOFTWARE / clientWidth)
      : Math.min(2, window.devicePixelRatio || 1);
    const pixels = (size: number): number =>
      Math.min(MOST_PIXELS, Math.max(1, Math.round(size * ratio)));
    this.#matrix = matrixOf(shown.camera, clientWidth / clientHeight);
    const { order: prompts, kept, wanted, run } = shown;
    const share = this.#glide ? (performance.now() - this.#glide.began) / GLIDE_MS : 1;
    const from = this.#glide?.from;
    if (share >= 1) this.#glide = undefined;
    const written = [prompts, kept, wanted, this.#glide?.from];
    const isNew =
      this.#written.length === 0 || written.some((part, i) => part !== this.#written[i]);
    this.#written = written;
    const rank = shown.chosen === undefined ? -1 : prompts.indexOf(shown.chosen);
    return {
      width: pixels(clientWidth),
      height: pixels(clientHeight),
      camera: this.#matrix,
      colors: colorsNow(),
      ...(isNew ? { order: orderWords(prompts, { kept, wanted }, from) } : {}),
      bins: binsOf(shown, this.#canvas, this.#software),
      glide: Math.min(1, share),
      cut: shown.isCut ? (kept?.size ?? -1) : -1,
      chosen: rank < 0 ? undefined : rank,
      low: run.config.lim.signal === 'accuracy' ? 0 : -1,
    };
  }

  #marks(): Marks {
    const [shown, matrix] = [this.#shown, this.#matrix];
    if (!shown || !matrix) return { texts: [] };
    const text = promptsText.value;
    const { width, depth } = field;
    const { run, order: prompts } = shown;
    const { epochs } = run.config.experiment;
    const every = Math.ceil(epochs / 6);
    const isNarrow = this.#canvas.clientWidth < NARROW_PX;
    const texts: Mark[] = [];
    const mark = (
      name: string,
      kind: Mark['kind'],
      world: readonly [number, number, number],
    ): void => {
      const { x, y } = placeOf(matrix, world);
      if (x >= 0 && x <= 1 && y >= 0 && y <= 1) texts.push({ name, kind, x, y });
    };
    for (let epoch = 0; epoch < epochs; epoch += every) {
      const z = depth / 2 - ((epoch + 0.5) * depth) / epochs;
      const name = isNarrow ? text.epochColumn : text.epoch;
      mark(name(whole(epoch + 1)), 'epoch', [0.53 * width, 0, z]);
    }
    const ends = text.ends[order.value === 'score' && !run.scores ? 'mean' : order.value];
    const front = (isNarrow ? 0.76 : 0.54) * depth;
    mark(ends.first, 'end', [-0.44 * width, 0, front]);
    mark(ends.last, 'end', [0.44 * width, 0, front]);
    if (shown.isCut && shown.kept) {
      const x = width * (shown.kept.size / prompts.length - 0.5);
      const name = tried.value
        ? cutWords(tried.value)
        : run.lim
          ? engineText.value.cut(run.lim)
          : '';
      mark(name, 'cut', [x, 0, 0.53 * depth]);
    }
    const bins = binsOf(shown, this.#canvas, this.#software);
    const bars = sharesOf(shown, bins);
    const rank = shown.chosen === undefined ? -1 : prompts.indexOf(shown.chosen);
    if (shown.chosen !== undefined && rank >= 0) {
      const bin = Math.floor((rank * bins) / prompts.length);
      const last = Math.max(0, run.columns.length - 1);
      const box = boxOf(bars, bin, last);
      const x = box ? (box.low[0] + box.high[0]) / 2 : ((bin + 0.5) / bins - 0.5) * width;
      const z = depth / 2 - ((last + 0.5) * depth) / epochs;
      mark(visibleString(run.textOf(shown.chosen)), 'chosen', [x, (box?.high[1] ?? 0) + 0.03, z]);
    }
    return { texts };
  }
}

/** As many bins as prompts, unless there are more than can be told apart. */
function binsOf(
  { order: prompts, run }: Shown,
  canvas: HTMLCanvasElement,
  software: boolean,
): number {
  const wide = canvas.clientWidth * (software ? 0.75 : 2);
  const most = software ? Math.min(wide, MOST_SOFTWARE_BARS / run.config.experiment.epochs) : wide;
  return Math.min(prompts.length, Math.max(1, Math.round(most)));
}

/** The bars as the shader draws them. */
function sharesOf({ run, order: prompts, kept }: Shown, bins: number): FieldShares {
  const size = { prompts: prompts.length, bins, epochs: run.config.experiment.epochs };
  const low = run.config.lim.signal === 'accuracy' ? 0 : -1;
  const of = (bin: number): readonly number[] => prompts.slice(...ranksOf(size, bin));
  return {
    ...size,
    share: (bin, epoch) => {
      const values = of(bin)
        .map((prompt) => run.columns[epoch]?.[prompt] ?? NaN)
        .filter((value) => !Number.isNaN(value));
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return Math.min(1, Math.max(0, (mean - low) / (1 - low)));
    },
    isKept: (bin) => of(bin).some((prompt) => kept?.has(prompt) ?? false),
  };
}

/** The page's colours, for the shader. */
function colorsNow(): Float32Array {
  const channels = (name: string, opacity = 1): number[] => [
    ...rgbOf(cssColor(name)).map((channel) => channel / 255),
    opacity,
  ];
  return Float32Array.from([
    ...Array.from({ length: rampSteps }, (_, i) => channels(`--ramp-${i}`)).flat(),
    ...channels('--missing'),
    ...channels('--lim', 0.36),
    ...channels('--lim'),
    ...channels('--ink'),
  ]);
}
