// Tables that are wider or longer than their place.
import './table.css';
import type { ComponentChildren, JSX } from 'preact';
import { whole } from '../strings/numbers.ts';
import { tableText } from '../strings/table.ts';
import { Button } from './markup.tsx';

/** A place that scrolls sideways by itself, reached by the keyboard. */
export function Scroll(props: {
  /** What it holds, for those who hear it. */
  readonly label: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div
      class={props.class === undefined ? 'scroll' : `scroll ${props.class}`}
      role="region"
      aria-label={props.label}
      tabIndex={0}
    >
      {props.children}
    </div>
  );
}

/** The first row of the page that holds a row; of the last page for a row past the end. */
export const pageStart = (row: number, rows: number, size: number): number =>
  Math.floor(Math.max(0, Math.min(row, rows - 1)) / size) * size;

/** Turns the pages of a long table. */
export function Pager(props: {
  /** The first row that is shown, from 0. */
  readonly first: number;
  /** Rows of a page. */
  readonly size: number;
  readonly rows: number;
  readonly onFirst: (first: number) => void;
}): JSX.Element {
  const { first, size, rows, onFirst } = props;
  const text = tableText.value;
  const end = Math.min(rows, first + size);
  return (
    <div class="buttons pages" role="group" aria-label={text.pages}>
      <Button class="previous" disabled={first === 0} onClick={() => onFirst(first - size)}>
        {text.previous}
      </Button>
      <span class="page quiet" role="status">
        {rows === 0 ? text.none : text.rows(whole(first + 1), whole(end), whole(rows))}
      </span>
      <Button class="next" disabled={end >= rows} onClick={() => onFirst(first + size)}>
        {text.next}
      </Button>
    </div>
  );
}
