// The figures of lessons: one frame with its axes, and what a drag over it means.
import type { ComponentChildren, JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { useWidth } from '../../views/markup.tsx';
import { linear } from './scale.ts';

/** A range of values, and the ticks that are written beside it. */
export interface Axis {
  /** The values at the axis's low and high end. */
  readonly range: readonly [low: number, high: number];
  readonly ticks?: readonly number[];
  readonly tickText?: (tick: number) => string;
  /** What the axis counts; written below a horizontal one. */
  readonly name?: string;
}

/** Pixels between the figure's edge and its axes. */
export interface Margins {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Where values are drawn, in pixels of the figure. */
export interface Places {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Where a pointer is, in values of the two axes; beyond their ranges outside of the axes. */
export type Dragged = (x: number, y: number) => void;

/**
 * A figure as wide as its place. It draws axes, rules and ticks; `children` draws the data by the
 * places of values.
 */
export function Plot(props: {
  readonly label: string;
  readonly height: number;
  readonly margins: Margins | ((width: number) => Margins);
  readonly x: Axis;
  readonly y: Axis;
  /** Whether parts of the figure are reached on their own, as sliders are. */
  readonly hasParts?: boolean;
  readonly hint?: string;
  readonly onDrag?: Dragged;
  /** What lies under the rules. */
  readonly under?: (at: Places, width: number) => ComponentChildren;
  readonly children: (at: Places, width: number) => ComponentChildren;
}): JSX.Element {
  const { label, height, x, y, hasParts = false, hint, onDrag, under, children } = props;
  const [host, width] = useWidth();
  const dragging = useRef(false);
  const margins = typeof props.margins === 'function' ? props.margins(width) : props.margins;
  const { left, top } = margins;
  const right = Math.max(left + 1, width - margins.right);
  const bottom = height - margins.bottom;
  const at: Places = {
    x: linear(x.range, [left, right]),
    y: linear(y.range, [bottom, top]),
    left,
    right,
    top,
    bottom,
  };
  const drag = (event: PointerEvent & { readonly currentTarget: SVGSVGElement }): void => {
    const box = event.currentTarget.getBoundingClientRect();
    onDrag?.(
      linear([left, right], x.range)(event.clientX - box.left),
      linear([bottom, top], y.range)(event.clientY - box.top),
    );
  };
  const dragged = onDrag && {
    class: 'draws',
    onPointerDown: (event: PointerEvent & { readonly currentTarget: SVGSVGElement }) => {
      dragging.current = true;
      event.currentTarget.setPointerCapture(event.pointerId);
      drag(event);
    },
    onPointerMove: (event: PointerEvent & { readonly currentTarget: SVGSVGElement }) => {
      if (dragging.current) drag(event);
    },
    onPointerUp: () => (dragging.current = false),
    onPointerCancel: () => (dragging.current = false),
  };
  return (
    <div ref={host} class="lesson-plot">
      {width > 0 && (
        <svg
          width={width}
          height={height}
          role={hasParts ? 'group' : 'img'}
          aria-label={label}
          {...dragged}
        >
          {under?.(at, width)}
          {y.ticks?.map((tick) => (
            <g key={tick}>
              <path class="rule" d={`M${left} ${at.y(tick)}H${right}`} />
              <text class="tick-text" x={left - 8} y={at.y(tick) + 4} text-anchor="end">
                {y.tickText?.(tick)}
              </text>
            </g>
          ))}
          {x.ticks?.map((tick) => (
            <text key={tick} class="tick-text" x={at.x(tick)} y={bottom + 18} text-anchor="middle">
              {x.tickText?.(tick)}
            </text>
          ))}
          {x.name !== undefined && (
            <text class="tick-text" x={(left + right) / 2} y={height - 6} text-anchor="middle">
              {x.name}
            </text>
          )}
          {children(at, width)}
        </svg>
      )}
      {hint !== undefined && <p class="hint">{hint}</p>}
    </div>
  );
}

/** An upright line over the whole figure. */
export function Upright({ x, at }: { readonly x: number; readonly at: Places }): JSX.Element {
  return <path class="rule strong" d={`M${at.x(x)} ${at.top}V${at.bottom}`} />;
}
