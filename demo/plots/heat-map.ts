import { visibleString } from '../visible-text.ts';
import type { RunView } from '../../src/index.ts';
import { cssColor, placeIn, surfaceOf } from './canvas.ts';
import { cutText, type ExperimentConfig } from '../../src/index.ts';
import { hatch } from './hatch.ts';
import { fixed } from '../strings/numbers.ts';
import { matrixText } from '../strings/matrix.ts';
import { hexOf, rampColor, rampNow } from './ramp.ts';

const GUTTER = 74;
const TOP = 18;
const STRIP = 12;
const GAP = 4;
const MARKER = 9;
/** Height below the epochs: strips for origin, wrong key and kept, then the marker. */
const BELOW = 3 * (STRIP + GAP) + MARKER;

/** The page's cursor and choice, for the map. */
export interface HeatMapState {
  /** Config of the run, or of the run that the controls describe. */
  readonly config: ExperimentConfig | undefined;
  readonly selected: number | undefined;
  /** Data epoch that the page's cursor points at. */
  readonly epoch: number | undefined;
  /** How the prompts are shown; the run's own order and cut without it. */
  readonly shown?: ShownPrompts | undefined;
}

/** An order of prompts, and a cut through them. */
export interface ShownPrompts {
  readonly order: readonly number[];
  /** What the first and the last are first and last by. */
  readonly ends: readonly [string, string];
  readonly kept: ReadonlySet<number> | undefined;
  /** The cut in words; undefined where no line through the order is one. */
  readonly cut: string | undefined;
  /** The prompts that stand out; undefined for all. */
  readonly wanted: ReadonlySet<number> | undefined;
}

/** Listeners of the map. */
export interface HeatMapEvents {
  /** Called when pointer or keyboard choose a prompt. */
  readonly onSelect: (prompt: number) => void;
  /** Called with the cell under the pointer; with undefined when the pointer leaves. */
  readonly onPoint: (at: { readonly prompt: number; readonly epoch: number } | undefined) => void;
  /** Called with the prompts over which the pointer was dragged; without it each is chosen in turn. */
  readonly onRange?: (prompts: readonly number[]) => void;
}

/** Pixels from which a press that moves is a drag. */
const DRAG_PX = 5;

/** How long prompts glide into another order: by means as they arrive, and by scores. */
const GLIDE_MS = { mean: 400, score: 1200 } as const;
/** Most prompts that glide: more would be a blur of pixels. */
const MOST_GLIDING = 1500;

/** What a map showed last, to tell what is new. */
interface Seen {
  readonly pool: RunView['pool'];
  readonly order: readonly number[];
  readonly scored: boolean;
}

/** Prompts on their way from one order to another. */
interface Glide {
  /** Ranks before, by prompt. */
  readonly from: Float64Array;
  readonly began: number;
  readonly ms: number;
}

interface Room {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/**
 * The reward matrix, epochs down and prompts across from the highest score, as in the report; also a slider over the
 * ranks. With more prompts than pixels, a pixel shows the mean of its prompts.
 */
export class HeatMap {
  readonly #canvas: HTMLCanvasElement;
  readonly #cells = document.createElement('canvas');
  readonly #events: HeatMapEvents;
  readonly #moves: () => boolean;
  #model: RunView | undefined;
  #selected: number | undefined;
  #state: HeatMapState | undefined;
  #seen: Seen | undefined;
  #glide: Glide | undefined;
  #frame = 0;
  /** Where the pointer was pressed, and whether it has been dragged since. */
  #pressed: { readonly x: number; dragged: boolean } | undefined;

  /** @param moves Whether prompts may glide; otherwise they change places at once. */
  constructor(canvas: HTMLCanvasElement, events: HeatMapEvents, moves: () => boolean) {
    this.#canvas = canvas;
    this.#events = events;
    this.#moves = moves;
    canvas.addEventListener('pointerdown', (event) => {
      this.#pressed = { x: event.clientX, dragged: false };
      this.#point(event);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (event.buttons !== 0) this.#drag(event);
      events.onPoint(this.#under(event));
    });
    canvas.addEventListener('pointerleave', () => events.onPoint(undefined));
    canvas.addEventListener('keydown', (event) => this.#key(event));
  }

  /** The prompts in the order of the picture. */
  get #order(): readonly number[] {
    return this.#state?.shown?.order ?? this.#model?.order ?? [];
  }

  /** Draws the map; returns whether rewards are on the canvas then. */
  draw(model: RunView | undefined, state: HeatMapState): boolean {
    this.#model = model;
    this.#selected = state.selected;
    this.#state = state;
    this.#describe();
    this.#noteOrder(model);
    return this.#paint();
  }

  /** Lets prompts glide where the order has changed since the last drawing. */
  #noteOrder(model: RunView | undefined): void {
    const before = this.#seen;
    if (!model) {
      this.#seen = this.#glide = undefined;
      return;
    }
    const { pool } = model;
    const order = this.#order;
    const scored = model.scores !== undefined;
    this.#seen = { pool, order, scored };
    if (before?.pool !== pool) this.#glide = undefined;
    if (!before || before.pool !== pool || before.order === order || before.order.length === 0)
      return;
    if (order.length > MOST_GLIDING || !this.#moves()) return;
    const from = new Float64Array(order.length);
    before.order.forEach((prompt, rank) => (from[prompt] = rank));
    const ms = scored && !before.scored ? GLIDE_MS.score : GLIDE_MS.mean;
    this.#glide = { from, began: performance.now(), ms };
  }

  /** Asks for another frame while prompts glide. */
  #goOn(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#paint());
  }

  #paint(): boolean {
    const [model, state] = [this.#model, this.#state];
    const surface = surfaceOf(this.#canvas);
    if (!surface || !state) return false;
    const { config, epoch: pointed } = state;
    const words = matrixText.peek();
    const { context, width, height, ratio } = surface;
    const room = { x: GUTTER, y: TOP, w: width - GUTTER, h: height - TOP - BELOW };
    const epochs = config?.experiment.epochs ?? 4;
    const rowHeight = room.h / epochs;
    const text = cssColor('--quiet');

    context.fillStyle = hatch(context, ratio);
    context.fillRect(room.x, room.y, room.w, room.h);
    context.fillStyle = text;
    context.textAlign = 'right';
    const labelEvery = Math.ceil(14 / rowHeight);
    for (let epoch = 0; epoch < epochs; epoch += labelEvery) {
      context.fillText(words.epoch(epoch + 1), GUTTER - 8, room.y + (epoch + 0.5) * rowHeight);
    }
    const strips = words.strips.map((name, i) => {
      const y = room.y + room.h + GAP + i * (STRIP + GAP);
      context.fillText(name, GUTTER - 8, y + STRIP / 2);
      return y;
    });
    context.textAlign = 'left';
    const [first, last] = state.shown?.ends ?? [
      model?.scores ? words.score : words.mean,
      words.lowest,
    ];
    context.fillText(first, room.x, TOP / 2);
    context.textAlign = 'right';
    context.fillText(last, width, TOP / 2);
    if (pointed !== undefined) {
      context.fillStyle = cssColor('--ink');
      context.fillRect(room.x - 6, room.y + pointed * rowHeight, 4, rowHeight);
    }
    if (!model || model.pool.length === 0) return false;
    if (this.#paintGliding(context, model, strips, room, epochs)) {
      this.#goOn();
      return model.columns.length > 0;
    }

    const across = Math.max(1, Math.floor(room.w * ratio));
    if (model.columns.length > 0) {
      this.#paintCells(model, across);
      context.imageSmoothingEnabled = false;
      context.drawImage(
        this.#cells,
        room.x,
        room.y,
        room.w,
        (room.h * model.columns.length) / epochs,
      );
    }
    this.#paintStrips(context, model, strips, room, across);
    const { shown } = state;
    if (shown?.wanted) this.#paintUnwanted(context, shown.wanted, room, across);
    const cut = shown ? shown.cut : model.lim && model.scores && cutText(model.lim);
    if (cut !== undefined) this.#paintCut(context, cut, this.#keptOf(model)?.size ?? 0, room);
    this.#paintSelection(context, room, height);
    return model.columns.length > 0;
  }

  /** Paints prompts on their way; returns false when all have arrived. */
  #paintGliding(
    context: CanvasRenderingContext2D,
    model: RunView,
    [origins = 0, wrong = 0, kept = 0]: readonly number[],
    room: Room,
    epochs: number,
  ): boolean {
    const glide = this.#glide;
    const share = glide ? (performance.now() - glide.began) / glide.ms : 1;
    if (!glide || share >= 1) {
      this.#glide = undefined;
      return false;
    }
    // Slow at both ends.
    const eased = share * share * (3 - 2 * share);
    const low = model.config.lim.signal === 'accuracy' ? 0 : -1;
    const ramp = rampNow();
    const { columns, pool } = model;
    const order = this.#order;
    const keptPrompts = this.#keptOf(model);
    const [one, tall] = [room.w / order.length, room.h / epochs];
    const tones = {
      easy: cssColor('--easy'),
      learnable: cssColor('--learnable'),
      hard: cssColor('--hard'),
    };
    const [wrongColor, keptColor] = [cssColor('--wrong-key'), cssColor('--lim')];
    order.forEach((prompt, rank) => {
      const before = glide.from[prompt] ?? rank;
      const x = room.x + (before + (rank - before) * eased) * one;
      const fill = (color: string, y: number, height: number): void => {
        context.fillStyle = color;
        context.fillRect(x, y, one + 0.3, height);
      };
      columns.forEach((column, epoch) => {
        const value = column[prompt] ?? NaN;
        if (Number.isNaN(value)) return;
        fill(hexOf(rampColor(ramp, (value - low) / (1 - low))), room.y + epoch * tall, tall);
      });
      const { origin, wrongKey = false } = pool[prompt] ?? {};
      if (origin) fill(tones[origin], origins, STRIP);
      if (wrongKey) fill(wrongColor, wrong, STRIP);
      if (keptPrompts?.has(prompt)) fill(keptColor, kept, STRIP);
    });
    return true;
  }

  /** Paints one pixel for each device pixel across and each epoch down. */
  #paintCells(model: RunView, across: number): void {
    const { columns } = model;
    this.#cells.width = across;
    this.#cells.height = columns.length;
    const context = this.#cells.getContext('2d');
    if (!context) return;
    const image = context.createImageData(across, columns.length);
    const low = model.config.lim.signal === 'accuracy' ? 0 : -1;
    const ramp = rampNow();
    columns.forEach((column, epoch) => {
      for (let pixel = 0; pixel < across; pixel++) {
        let sum = 0;
        let count = 0;
        for (const prompt of this.#promptsAt(pixel, across)) {
          const value = column[prompt] ?? NaN;
          if (Number.isNaN(value)) continue;
          sum += value;
          count++;
        }
        if (count === 0) continue;
        const [red, green, blue] = rampColor(ramp, (sum / count - low) / (1 - low));
        image.data.set([red, green, blue, 255], 4 * (epoch * across + pixel));
      }
    });
    context.putImageData(image, 0, 0);
  }

  #keptOf(model: RunView): ReadonlySet<number> | undefined {
    const shown = this.#state?.shown;
    return shown ? shown.kept : model.selections.lim;
  }

  /** Fades the prompts that do not stand out. */
  #paintUnwanted(
    context: CanvasRenderingContext2D,
    wanted: ReadonlySet<number>,
    room: Room,
    across: number,
  ): void {
    const pixel = room.w / across;
    context.fillStyle = cssColor('--card');
    context.globalAlpha = 0.85;
    for (let i = 0; i < across; i++) {
      if (this.#promptsAt(i, across).some((prompt) => wanted.has(prompt))) continue;
      context.fillRect(room.x + i * pixel, room.y, pixel + 0.3, room.h);
    }
    context.globalAlpha = 1;
  }

  #promptsAt(pixel: number, across: number): readonly number[] {
    const order = this.#order;
    const from = Math.floor((pixel * order.length) / across);
    const to = Math.max(from + 1, Math.floor(((pixel + 1) * order.length) / across));
    return order.slice(from, to);
  }

  #paintStrips(
    context: CanvasRenderingContext2D,
    model: RunView,
    [origins = 0, wrong = 0, kept = 0]: readonly number[],
    room: { readonly x: number; readonly w: number },
    across: number,
  ): void {
    const colors = {
      easy: cssColor('--easy'),
      learnable: cssColor('--learnable'),
      hard: cssColor('--hard'),
    };
    const wrongColor = cssColor('--wrong-key');
    const keptColor = cssColor('--lim');
    const lim = this.#keptOf(model);
    // Slightly wider than a pixel, so that neighbours show no seam.
    const pixel = room.w / across;
    for (let i = 0; i < across; i++) {
      const prompts = this.#promptsAt(i, across);
      const x = room.x + i * pixel;
      const [first] = prompts;
      const origin = first === undefined ? undefined : model.pool[first]?.origin;
      if (origin) {
        context.fillStyle = colors[origin];
        context.fillRect(x, origins, pixel + 0.3, STRIP);
      }
      if (prompts.some((prompt) => model.pool[prompt]?.wrongKey)) {
        context.fillStyle = wrongColor;
        context.fillRect(x, wrong, pixel + 0.3, STRIP);
      }
      if (lim && prompts.some((prompt) => lim.has(prompt))) {
        context.fillStyle = keptColor;
        context.fillRect(x, kept, pixel + 0.3, STRIP);
      }
    }
  }

  /**
   * Draws the line between the lowest kept prompt and the highest rejected one, for any rule of the
   * cut.
   */
  #paintCut(context: CanvasRenderingContext2D, text: string, kept: number, room: Room): void {
    if (kept === 0) return;
    const x = room.x + (kept * room.w) / this.#order.length;
    for (const [style, line] of [
      [cssColor('--card'), 4],
      [cssColor('--ink'), 1.5],
    ] as const) {
      context.strokeStyle = style;
      context.lineWidth = line;
      context.beginPath();
      context.moveTo(x, room.y - 4);
      context.lineTo(x, room.y + room.h);
      context.stroke();
    }
    context.fillStyle = cssColor('--ink');
    context.textAlign = 'center';
    const half = context.measureText(text).width / 2;
    // Keeps the label between the two texts at the ends of the line.
    const middle = Math.min(room.x + room.w - 44 - half, Math.max(room.x + 88 + half, x));
    context.fillText(text, middle, TOP / 2);
  }

  #paintSelection(context: CanvasRenderingContext2D, room: Room, height: number): void {
    const order = this.#order;
    const rank = this.#selected === undefined ? -1 : order.indexOf(this.#selected);
    if (rank < 0) return;
    const one = room.w / order.length;
    const x = room.x + rank * one;
    const bottom = height - MARKER;
    for (const [style, grow, line] of [
      [cssColor('--card'), 1, 4],
      [cssColor('--ink'), 1, 2],
    ] as const) {
      context.strokeStyle = style;
      context.lineWidth = line;
      context.strokeRect(x - grow, room.y - grow, one + 2 * grow, bottom - room.y);
    }
    context.fillStyle = cssColor('--ink');
    const middle = x + one / 2;
    context.beginPath();
    context.moveTo(middle, bottom + 1);
    context.lineTo(middle - 6, height);
    context.lineTo(middle + 6, height);
    context.fill();
  }

  /** The cell under the pointer; undefined outside of the map. */
  #under(event: PointerEvent): { prompt: number; epoch: number } | undefined {
    const model = this.#model;
    if (!model || model.pool.length === 0) return undefined;
    const { x, y, width, height } = placeIn(this.#canvas, event);
    const place = (x - GUTTER) / (width - GUTTER);
    const row = (y - TOP) / (height - TOP - BELOW);
    const order = this.#order;
    const prompt = order[Math.floor(place * order.length)];
    const epoch = Math.floor(row * model.config.experiment.epochs);
    if (place < 0 || row < 0 || row >= 1 || prompt === undefined) return undefined;
    return { prompt, epoch };
  }

  #rankAt(clientX: number): number {
    const { x, width } = placeIn(this.#canvas, { clientX, clientY: 0 });
    return Math.floor(((x - GUTTER) / (width - GUTTER)) * this.#order.length);
  }

  #point({ clientX }: PointerEvent): void {
    this.#selectRank(this.#rankAt(clientX));
  }

  #drag(event: PointerEvent): void {
    const { onRange } = this.#events;
    const pressed = this.#pressed;
    if (!onRange || !pressed) {
      this.#point(event);
      return;
    }
    pressed.dragged ||= Math.abs(event.clientX - pressed.x) >= DRAG_PX;
    if (!pressed.dragged) return;
    const ends = [this.#rankAt(pressed.x), this.#rankAt(event.clientX)];
    onRange(this.#order.slice(Math.max(0, Math.min(...ends)), Math.max(0, ...ends) + 1));
  }

  #key(event: KeyboardEvent): void {
    const model = this.#model;
    if (!model || model.pool.length === 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const order = this.#order;
    const last = order.length - 1;
    const rank = this.#selected === undefined ? -1 : order.indexOf(this.#selected);
    const page = Math.max(1, Math.round(order.length / 10));
    const moves: Readonly<Record<string, number>> = {
      ArrowRight: rank + 1,
      ArrowUp: rank + 1,
      ArrowLeft: rank - 1,
      ArrowDown: rank - 1,
      PageUp: rank + page,
      PageDown: rank - page,
      Home: 0,
      End: last,
    };
    const to = Object.hasOwn(moves, event.key) ? moves[event.key] : undefined;
    if (to === undefined) return;
    event.preventDefault();
    this.#selectRank(to);
  }

  #selectRank(rank: number): void {
    const order = this.#order;
    const prompt = order[Math.min(order.length - 1, Math.max(0, rank))];
    if (prompt !== undefined) this.#events.onSelect(prompt);
  }

  #describe(): void {
    const [canvas, model] = [this.#canvas, this.#model];
    const count = model?.pool.length ?? 0;
    const rank =
      this.#selected !== undefined && model ? this.#order.indexOf(this.#selected) + 1 : 0;
    const set = (name: string, value: string) => {
      if (canvas.getAttribute(name) !== value) canvas.setAttribute(name, value);
    };
    set('aria-disabled', String(count === 0));
    set('aria-valuemax', String(Math.max(1, count)));
    set('aria-valuenow', String(Math.max(1, rank)));
    set(
      'aria-valuetext',
      model
        ? describePrompt(model, this.#selected, rank, this.#keptOf(model))
        : matrixText.peek().none,
    );
  }
}

/** A prompt in a sentence, for users who cannot see the map. */
function describePrompt(
  model: RunView,
  prompt: number | undefined,
  rank: number,
  kept: ReadonlySet<number> | undefined,
): string {
  const one = prompt === undefined ? undefined : model.pool[prompt];
  const words = matrixText.peek();
  if (prompt === undefined || !one) return words.unchosen(model.pool.length);
  const score = model.scoreOf(prompt);
  const mean = model.meanOf(prompt);
  return [
    words.rank(visibleString(model.textOf(prompt)), rank, model.pool.length),
    score === undefined || Number.isNaN(score) ? words.noScore : words.scored(fixed(score, 2)),
    ...(Number.isNaN(mean) ? [] : [words.averaged(fixed(mean, 2))]),
    ...(one.origin === undefined ? [] : [words.origins[one.origin]]),
    ...(one.wrongKey ? [words.wrongKey] : []),
    ...(kept ? [kept.has(prompt) ? words.kept : words.rejected] : []),
  ].join(', ');
}
