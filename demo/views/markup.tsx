// Small pieces of markup that several views share.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { markPath, type LineLook } from '../../src/look/tokens.ts';
import { runText } from '../strings/run.ts';
import { visibleText } from '../visible-text.ts';

/** Text of a prompt or a model, as code with invisible characters spelled out. */
export function Code({ text }: { readonly text: string }): JSX.Element {
  const pieces = visibleText(text);
  return (
    <code>
      <bdi>
        {pieces.length === 0
          ? runText.value.empty
          : pieces.map((piece) =>
              piece.hidden ? <span class="codepoint">{piece.text}</span> : piece.text,
            )}
      </bdi>
    </code>
  );
}

/** A button that is not a form's. */
export function Button(props: {
  readonly id?: string;
  readonly class?: string;
  readonly label?: string;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { label, pressed, children, ...rest } = props;
  return (
    <button type="button" aria-label={label} aria-pressed={pressed} {...rest}>
      {children}
    </button>
  );
}

/** A piece of a line with its mark, for legends and labels. */
export function Swatch({ look }: { readonly look: LineLook }): JSX.Element {
  return (
    <svg class={`line line-${look.key}`} viewBox="0 0 36 12" aria-hidden="true">
      <path d="M1 6H35" stroke-width={look.width} stroke-dasharray={look.dash.join(' ')} />
      <path d={markPath(look.mark, 18, 6)} class="mark" />
    </svg>
  );
}

/** The width in pixels that an element has; 0 before it is known. */
export function useWidth(): readonly [{ current: HTMLDivElement | null }, number] {
  const host = useRef<HTMLDivElement | null>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const look = new ResizeObserver(() => setWidth(element.clientWidth));
    look.observe(element);
    return () => look.disconnect();
  }, []);
  return [host, width];
}
