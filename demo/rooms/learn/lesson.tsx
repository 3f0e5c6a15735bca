// What is around every lesson: its question, what to try, what to notice, and who computed it.
import './learn.css';
import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';
import { fixed } from '../../strings/numbers.ts';
import { learnText } from '../../strings/learn.ts';
import { language } from '../../state/stage.ts';
import type { Lesson } from '../../state/lessons.ts';
import { Button } from '../../views/markup.tsx';
import { device, touched, type Computed } from './computing.ts';

/** Something to try: words, and what their button does to the widget. */
export interface Try {
  readonly text: string;
  readonly act: () => void;
}

/** A lesson with its widget. It takes nothing from what is around it. */
export function LessonFrame(props: {
  readonly name: Lesson;
  readonly intro: ComponentChildren;
  readonly tries: readonly [Try, Try, Try];
  readonly notice: ComponentChildren;
  /** Where a kernel computes: its name, and who computed what is shown. */
  readonly computed?: { readonly kernel: string; readonly by: Computed<unknown>['by'] };
  /** Where the numbers come from. */
  readonly source: ComponentChildren;
  readonly see?: { readonly text: string; readonly go: () => void };
  readonly children: ComponentChildren;
}): JSX.Element {
  const { name, intro, tries, notice, computed, source, see, children } = props;
  const title = useId();
  const words = learnText.value;
  return (
    <article class="lesson" aria-labelledby={title} data-lesson={name}>
      <h2 id={title} class="lesson-question">
        {words.titles[name]}
      </h2>
      <p class="lesson-intro">{intro}</p>
      <div
        class="card lesson-widget"
        onPointerDownCapture={touched}
        onKeyDownCapture={(event) => {
          // Who only passes by with Tab touches nothing.
          if (event.key !== 'Tab') touched();
        }}
      >
        {children}
        <p class="hint lesson-source">
          {source} {computed && <By {...computed} />}
        </p>
      </div>
      <div class="lesson-after">
        <section aria-labelledby={`${title}-tries`}>
          <h3 id={`${title}-tries`}>{words.tries}</h3>
          <ol class="lesson-tries">
            {tries.map(({ text, act }) => (
              <li>
                <Button
                  class="lesson-try"
                  onClick={() => {
                    touched();
                    act();
                  }}
                >
                  {text}
                </Button>
              </li>
            ))}
          </ol>
        </section>
        <section aria-labelledby={`${title}-notice`}>
          <h3 id={`${title}-notice`}>{words.notice}</h3>
          <p>{notice}</p>
          {see && (
            <Button class="link lesson-see" onClick={see.go}>
              {see.text}
            </Button>
          )}
        </section>
      </div>
    </article>
  );
}

/** Who computed what is shown. */
function By({ kernel, by }: { readonly kernel: string; readonly by: 'kernel' | 'float64' }) {
  const words = learnText.value;
  const now = device.value;
  if (by === 'kernel' && now.state === 'open') {
    return (
      <span data-by="kernel">
        {words.byKernel(kernel)} <span lang="en">{now.kernels.adapter}</span>.
      </span>
    );
  }
  return (
    <span data-by="float64">
      {words.byFloat64} {now.state === 'asleep' && words.asleep}
      {now.state === 'opening' && words.opening}
      {now.state === 'refused' && (
        <>
          {words.refused} <span lang="en">{now.why}</span>
        </>
      )}
    </span>
  );
}

/** A slider with its value beside its name. */
export function Slider(props: {
  readonly id?: string;
  readonly name: ComponentChildren;
  readonly low: number;
  readonly high: number;
  readonly step: number;
  readonly value: number;
  readonly shown?: string;
  readonly onInput: (value: number) => void;
}): JSX.Element {
  const { id, name, low, high, step, value, onInput } = props;
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const shown = props.shown ?? fixed(value, digits);
  return (
    <label class="lesson-slider">
      <span>
        {name} <output>{shown}</output>
      </span>
      <input
        id={id}
        type="range"
        min={low}
        max={high}
        step={step}
        value={value}
        aria-valuetext={shown}
        onInput={(event) => onInput(Number(event.currentTarget.value))}
      />
    </label>
  );
}

/** A choice of one of some, as a row of buttons. */
export function Choice<Name extends string | number>(props: {
  readonly label: string;
  readonly options: readonly { readonly name: Name; readonly text: ComponentChildren }[];
  /** Undefined where none is chosen. */
  readonly value: Name | undefined;
  readonly onChange: (name: Name) => void;
}): JSX.Element {
  const { label, options, value, onChange } = props;
  return (
    <div class="lesson-choice" role="group" aria-label={label}>
      {options.map(({ name, text }) => (
        <Button key={name} pressed={name === value} onClick={() => onChange(name)}>
          {text}
        </Button>
      ))}
    </div>
  );
}

/** A day such as `2026-11-30` in the words of the page's language. */
export const dayText = (date: string): string =>
  new Date(`${date}T12:00:00Z`).toLocaleDateString(
    language.value === 'en' ? 'en-GB' : language.value,
    {
      day: 'numeric',
      month: 'long',
      year: 'numeric',
    },
  );
