// Views that stand alone in a frame, by their names in an address. A view of a room is added
// here.
import type { JSX } from 'preact';
import { film } from '../state/stage.ts';
import { lessons } from '../state/lessons.ts';
import { laterPictures } from '../views/later-pictures.ts';
import { Spine } from '../views/spine.tsx';
import { Field, Stage } from '../views/stage.tsx';

/** Drawn once the recording is there. */
export type View = () => JSX.Element | null;

export const embeddedViews: Readonly<Record<string, () => Promise<View>>> = {
  spine: async () => {
    await laterPictures();
    return () => (
      <>
        <Spine />
        <Stage />
      </>
    );
  },
  matrix: () => Promise.resolve(() => <Field />),
  curves: async () => {
    const { EmbeddedCurves } = await import('../rooms/compare/compare.tsx');
    return () => <EmbeddedCurves />;
  },
  finding: async () => {
    const { Finding } = await import('../views/acts.tsx');
    return () => {
      const run = film.value?.end;
      return run ? <Finding run={run} /> : null;
    };
  },
  landscape: async () => {
    const { Landscape } = await import('../rooms/prompts/landscape.tsx');
    return () => {
      const run = film.value?.end;
      return run ? <Landscape run={run} /> : null;
    };
  },
  answers: async () => {
    const { Inspector } = await import('../views/inspector.tsx');
    return () => <Inspector name="inspector" />;
  },
  ...Object.fromEntries(
    lessons.map((name) => [
      `lesson-${name}`,
      async (): Promise<View> => {
        const { OneLesson } = await import('../rooms/learn/one-lesson.tsx');
        return () => <OneLesson name={name} />;
      },
    ]),
  ),
};
