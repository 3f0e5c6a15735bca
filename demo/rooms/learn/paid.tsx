// Lesson: what is paid? An answer is typed, and the verifier of the run judges it.
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import {
  taskJudge,
  mathsJudge,
  type ExplainedVerdict,
  type Judge,
} from '../../../src/lessons/judges.ts';
import { lessonPaidText } from '../../strings/lesson-paid.ts';
import { goTo } from '../../router.ts';
import { chosen, inspected, recording } from '../../state/stage.ts';
import { workedSteps } from '../../state/worked-steps.ts';
import { Code } from '../../views/markup.tsx';
import { Choice, LessonFrame } from './lesson.tsx';
import { exampleOf, problemsOf, type Example, type Problem } from './paid-answers.ts';
import { lessonRun, NoRun, RunSource, type LessonRun } from './source.tsx';

/** Most characters of a typed answer. */
const MOST = 400;
/** The problem of the other verifier. */
const MATHS_KEY = '\\frac{1}{2}';

export function PaidLesson(): JSX.Element {
  const found = lessonRun();
  const kept = recording.value;
  // A run of another task judges by rules that this lesson does not explain.
  const arithmetic =
    found?.run.config.task.name === 'arithmetic'
      ? found
      : kept && kept.origin.kind === 'recorded'
        ? ({ run: kept.film.end, origin: 'recorded', date: kept.origin.date } as const)
        : undefined;
  return arithmetic ? <Typed of={arithmetic} /> : <NoRun />;
}

function Typed({ of }: { readonly of: LessonRun }): JSX.Element {
  const { run } = of;
  const { task } = run.config;
  const words = lessonPaidText.value;
  const wanted = inspected.peek();
  const problems = useMemo(() => problemsOf(run.pool, wanted), [run, wanted]);
  const [rules, setRules] = useState<'arithmetic' | 'maths'>('arithmetic');
  const [place, setPlace] = useState<number>();
  const problem = problems.find((one) => one.place === place) ?? problems[0];
  const modulus = task.name === 'arithmetic' ? task.modulus : 10;
  const [typed, setTyped] = useState<string>();
  const [maths, setMaths] = useState('so it is \\boxed{0.5}');
  const answer =
    rules === 'maths' ? maths : (typed ?? (problem && exampleOf('slip', problem, modulus)) ?? '');
  const verdict = useVerdict(rules, run, problem, answer);
  const set = (example: Example, one = problem): void => {
    if (!one) return;
    setRules('arithmetic');
    setPlace(one.place);
    setTyped(exampleOf(example, one, modulus) ?? exampleOf('right', one, modulus) ?? '');
  };
  const wrong = problems.find(({ truth }) => truth !== undefined);
  const examples: readonly Example[] =
    problem?.truth === undefined
      ? ['right', 'slip', 'malformed', 'open']
      : ['right', 'key', 'slip', 'malformed'];
  return (
    <LessonFrame
      name="paid"
      intro={words.intro}
      tries={[
        { text: words.tries.slip, act: () => set('slip') },
        { text: words.tries.malformed, act: () => set('malformed') },
        { text: words.tries.wrongKey, act: () => set('right', wrong) },
      ]}
      notice={words.notice}
      source={<RunSource of={of} />}
      see={{
        text: words.see,
        go: () => {
          chosen.value = (wrong ?? problem)?.place;
          goTo('run');
        },
      }}
    >
      <Choice
        label={words.rules}
        options={[
          { name: 'arithmetic', text: words.arithmetic },
          { name: 'maths', text: words.maths },
        ]}
        value={rules}
        onChange={setRules}
      />
      {rules === 'arithmetic' && (
        <Choice
          label={words.prompts}
          options={problems.map(({ place: name, text, truth }) => ({
            name,
            text: (
              <>
                <Code text={text.replace(/_+=$/, '=')} />
                {truth === undefined ? '' : ` ${words.wrongKey}`}
              </>
            ),
          }))}
          value={problem?.place}
          onChange={(name) => {
            setPlace(name);
            setTyped(undefined);
          }}
        />
      )}
      <p class="lesson-problem">
        {rules === 'maths' ? (
          <>
            {words.mathsProblem} <span class="quiet">{words.key}</span> <Code text={MATHS_KEY} />
          </>
        ) : (
          problem && (
            <>
              <Code text={problem.text.replace(/_+=$/, '=')} />{' '}
              <span class="quiet">
                {words.key} <Code text={problem.key} />
                {problem.truth !== undefined && (
                  <>
                    , {words.truth} <Code text={problem.truth} />
                  </>
                )}
              </span>
            </>
          )
        )}
      </p>
      <label class="lesson-answer">
        <span>{words.answer}</span>
        <input
          id="paid-answer"
          type="text"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          maxLength={MOST}
          value={answer}
          onInput={({ currentTarget: { value } }) =>
            rules === 'maths' ? setMaths(value) : setTyped(value)
          }
        />
      </label>
      {rules === 'arithmetic' ? (
        <div class="lesson-choice" role="group" aria-label={words.examples}>
          {examples.map((example) => (
            <button key={example} type="button" onClick={() => set(example)}>
              {words.example[example]}
            </button>
          ))}
        </div>
      ) : (
        <div class="lesson-choice" role="group" aria-label={words.examples}>
          {['so it is \\boxed{0.5}', 'so it is \\boxed{2}', 'so it is 0.5'].map((text) => (
            <button key={text} type="button" onClick={() => setMaths(text)}>
              <Code text={text} />
            </button>
          ))}
        </div>
      )}
      <p class="lesson-result" role="status">
        <span class="lesson-number" id="paid-reward">
          {verdict ? paidText(verdict.reward) : '…'}
        </span>{' '}
        {verdict && reasonOf(verdict, rules === 'arithmetic' ? problem : undefined)}
      </p>
      {rules === 'arithmetic' && problem && (
        <Worked problem={problem} answer={answer} modulus={modulus} />
      )}
    </LessonFrame>
  );
}

/** The verdict of the verifier; undefined until there is one. */
function useVerdict(
  rules: 'arithmetic' | 'maths',
  run: LessonRun['run'],
  problem: Problem | undefined,
  answer: string,
): ExplainedVerdict | undefined {
  const { task } = run.config;
  const [judges, setJudges] = useState<Readonly<Record<typeof rules, Judge>>>();
  const [verdict, setVerdict] = useState<ExplainedVerdict>();
  useEffect(() => {
    let wanted = true;
    void Promise.all([taskJudge(task), mathsJudge(task)]).then(([arithmetic, maths]) => {
      if (wanted) setJudges({ arithmetic, maths });
    });
    return () => {
      wanted = false;
    };
  }, [task]);
  useEffect(() => {
    let wanted = true;
    if (!judges || !problem) return undefined;
    const judged =
      rules === 'maths'
        ? judges.maths('', MATHS_KEY, answer)
        : judges.arithmetic(problem.text, problem.key, answer);
    void judged.then((found) => {
      if (wanted) setVerdict(found);
    });
    return () => {
      wanted = false;
    };
  }, [judges, rules, problem, answer]);
  return verdict;
}

const paidText = (reward: number): string =>
  reward > 0 ? `+${reward}` : String(reward).replace('-', '−');

/** Why it was paid so. */
function reasonOf(verdict: ExplainedVerdict, problem: Problem | undefined): string {
  const words = lessonPaidText.value;
  const { correct, formatted, extracted, why } = verdict;
  if (!formatted) return words.broken[why?.broken ?? 'no answer'];
  if (problem?.truth !== undefined) {
    if (correct) return words.matchesWrongKey;
    if (extracted === problem.truth) return words.rightUnpaid(problem.key);
  }
  return correct ? words.matches : words.other;
}

/** The answer as a reader checks it by hand. */
function Worked(props: {
  readonly problem: Problem;
  readonly answer: string;
  readonly modulus: number;
}): JSX.Element {
  const { problem, answer, modulus } = props;
  const words = lessonPaidText.value;
  const worked = workedSteps(problem.text, answer, modulus);
  if (!worked) return <p class="steps quiet">{words.unreadable}</p>;
  return (
    <p class="steps">
      {worked.steps.map(({ text, given, want, right }, i) => (
        <span key={i} class={right ? 'step' : 'step slip'}>
          {text} = {given} <span class="mark">{right ? '✓' : '✗'}</span>
          {!right && <span class="quiet"> {words.itIs(want)}</span>}
        </span>
      ))}
      <span class="quiet">{words.leftToRight(modulus)}</span>
    </p>
  );
}
