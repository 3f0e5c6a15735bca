// The browser's adapter: its facts, or why there is none and what can be done.
import { effect } from '@preact/signals';
import { render, type JSX } from 'preact';
import { bytes } from '../strings/numbers.ts';
import type { AdapterState } from '../adapter.ts';
import { adapter, lostAdapter } from '../state/gpu.ts';
import { gpuText } from '../strings/gpu.ts';

/**
 * Draws both views in their places. Called once.
 *
 * @param unsupported Shown only where the browser offers no adapter.
 */
export function openGpu(unsupported: HTMLElement, facts: HTMLElement): void {
  effect(() => {
    unsupported.hidden = adapter.value?.kind !== 'missing';
  });
  render(<Unsupported />, unsupported);
  render(<Facts />, facts);
}

/** Why an adapter is missing, as a sentence. */
export function reasonOf({ cause, why }: Extract<AdapterState, { kind: 'missing' }>): string {
  const text = gpuText.value;
  switch (cause) {
    case 'insecure':
      return text.insecure(location.origin);
    case 'absent':
      return text.absent;
    case 'refused':
      return text.refused(why);
  }
}

function Unsupported(): JSX.Element | null {
  const now = adapter.value;
  if (now?.kind !== 'missing') return null;
  const text = gpuText.value;
  const advice = text.advice[now.cause];
  return (
    <>
      <h2 id="unsupported-title">{text.title}</h2>
      <p id="unsupported-reason">{reasonOf(now)}</p>
      <details>
        <summary>{text.whatToDo}</summary>
        <ul id="unsupported-advice">
          {(lostAdapter.value ? [text.restart, ...advice] : advice).map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      </details>
    </>
  );
}

function Facts(): JSX.Element {
  const text = gpuText.value;
  return (
    <>
      <h2 id="adapter-title">{text.adapter}</h2>
      <dl id="adapter" class="facts">
        {factsOf(adapter.value).map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
      </dl>
    </>
  );
}

function factsOf(now: AdapterState | undefined): readonly (readonly [string, string])[] {
  const text = gpuText.value;
  if (!now) return [];
  if (now.kind === 'missing') return [[text.adapter, text.none]];
  const { name, software, buffer, binding, subgroups } = now.facts;
  return [
    [text.adapter, name],
    [text.kind, software ? text.software : text.gpu],
    [text.buffer, bytes(buffer)],
    [text.binding, bytes(binding)],
    [text.subgroups, subgroups ? text.used : text.unneeded],
  ];
}
