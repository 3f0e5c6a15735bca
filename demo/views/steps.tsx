// A response to digit arithmetic as a reader checks it by hand: each step, right or a slip.
import './run.css';
import type { JSX } from 'preact';
import type { RunView } from '../../src/index.ts';
import { workedSteps, type WorkedResponse } from '../state/worked-steps.ts';
import { answersText } from '../strings/answers.ts';
import { inspectorText } from '../strings/inspector.ts';

/** A response step by step; undefined where the task is no digit arithmetic, or its form is another. */
export function workedOf(
  run: RunView,
  prompt: number,
  response: string,
): WorkedResponse | undefined {
  const { task } = run.config;
  return task.name === 'arithmetic'
    ? workedSteps(run.textOf(prompt), response, task.modulus)
    : undefined;
}

/** Nothing where the task is no digit arithmetic, or the response has another form. */
export function Steps(props: {
  readonly run: RunView;
  readonly prompt: number;
  readonly response: string;
  /** Places of steps that differ from another answer's. */
  readonly changed?: ReadonlySet<number>;
}): JSX.Element | null {
  const { run, prompt, response, changed } = props;
  const { task } = run.config;
  if (task.name !== 'arithmetic') return null;
  const worked = workedOf(run, prompt, response);
  const text = inspectorText.value;
  if (!worked) return <p class="steps quiet">{text.unreadable}</p>;
  const { steps, answer, lucky } = worked;
  return (
    <p class="steps">
      {steps.map(({ text: step, given, want, right }, i) => (
        <span class={right ? 'step' : 'step slip'}>
          {step} = {given} <span class="mark">{right ? '✓' : '✗'}</span>
          {!right && <span class="quiet"> {text.itIs(want)}</span>}
          {changed?.has(i) && <strong> · {answersText.value.changed}</strong>}
        </span>
      ))}
      <span class="step">
        {answer === undefined ? text.noAnswer : text.answer(answer)}
        {lucky && <span class="quiet"> · {text.byLuck}</span>}
      </span>
      {task.modulus === 10 && <span class="quiet">{text.lastDigits}</span>}
    </p>
  );
}
