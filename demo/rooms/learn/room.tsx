// The room of lessons: an overview of the run and of seven questions, or one lesson.
import './learn.css';
import type { JSX } from 'preact';
import { learnText } from '../../strings/learn.ts';
import { lesson } from '../../state/stage.ts';
import { lessons, type Lesson } from '../../state/lessons.ts';
import { LessonLink } from './link.tsx';
import { OneLesson } from './one-lesson.tsx';
import { Overview } from './overview.tsx';

export function LearnRoom(): JSX.Element {
  const now = lesson.value;
  return (
    <div class="learn">
      <Steps />
      {now === undefined ? <Overview /> : <OneLesson key={now} name={now} />}
      {now !== undefined && <Beside name={now} />}
    </div>
  );
}

/** The lessons before and after one. */
function Beside({ name }: { readonly name: Lesson }): JSX.Element {
  const words = learnText.value;
  const at = lessons.indexOf(name);
  const [before, after] = [lessons[at - 1], lessons[at + 1]];
  return (
    <p class="lesson-beside">
      {before && (
        <LessonLink to={before}>
          {words.previous}: {words.titles[before]}
        </LessonLink>
      )}
      {after && (
        <LessonLink to={after}>
          {words.next}: {words.titles[after]}
        </LessonLink>
      )}
    </p>
  );
}

/** Where one is among the lessons. */
function Steps(): JSX.Element {
  const words = learnText.value;
  return (
    <nav class="lesson-steps" aria-label={words.lessons}>
      <ol>
        <li>
          <LessonLink to={undefined}>{words.all}</LessonLink>
        </li>
        {lessons.map((name, i) => (
          <li key={name}>
            <LessonLink to={name} label={`${i + 1}: ${words.titles[name]}`}>
              <span class="number" aria-hidden="true">
                {i + 1}
              </span>
            </LessonLink>
          </li>
        ))}
      </ol>
    </nav>
  );
}
