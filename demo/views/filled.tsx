// Texts with markup in them.
import type { ComponentChild, JSX } from 'preact';

/** A text in which each `{name}` stands for a piece of markup. */
export const Filled = (props: {
  readonly text: string;
  readonly parts: Readonly<Record<string, ComponentChild>>;
}): JSX.Element => (
  <>{props.text.split(/\{(\w+)\}/).map((piece, i) => (i % 2 === 0 ? piece : props.parts[piece]))}</>
);
