// Links between lessons.
import type { ComponentChildren, JSX } from 'preact';
import { goTo } from '../../router.ts';
import { lesson } from '../../state/stage.ts';
import type { Lesson } from '../../state/lessons.ts';

/** A link to a lesson, or to the overview. */
export function LessonLink(props: {
  readonly to: Lesson | undefined;
  readonly class?: string;
  readonly label?: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { to, label, children } = props;
  return (
    <a
      class={props.class}
      href={to === undefined ? '#/learn' : `#/learn/${to}`}
      aria-label={label}
      aria-current={lesson.value === to ? 'page' : undefined}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        goTo('learn', to);
      }}
    >
      {children}
    </a>
  );
}
