// One lesson, loaded when it is asked for.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { learnText } from '../../strings/learn.ts';
import type { Lesson } from '../../state/lessons.ts';

type View = () => JSX.Element;

/** The lessons, each loaded when it is opened. */
const views: Readonly<Record<Lesson, () => Promise<View>>> = {
  paid: async () => (await import('./paid.tsx')).PaidLesson,
  sampling: async () => (await import('./sampling.tsx')).SamplingLesson,
  credit: async () => (await import('./credit.tsx')).CreditLesson,
  clip: async () => (await import('./clip.tsx')).ClipLesson,
  kl: async () => (await import('./kl.tsx')).KlLesson,
  lim: async () => (await import('./lim.tsx')).LimLesson,
  less: async () => (await import('./less.tsx')).LessLesson,
};

/** A lesson alone, with nothing around it: for this room, and for pages that embed one. */
export function OneLesson({ name }: { readonly name: Lesson }): JSX.Element {
  const [view, setView] = useState<{ readonly View: View }>();
  const [why, setWhy] = useState<string>();
  useEffect(() => {
    let wanted = true;
    views[name]().then(
      (View) => {
        if (wanted) setView({ View });
      },
      (error: unknown) => {
        if (wanted) setWhy(error instanceof Error ? error.message : String(error));
      },
    );
    return () => {
      wanted = false;
    };
  }, [name]);
  if (view) return <view.View />;
  return (
    <p class="quiet">{why === undefined ? learnText.value.coming : learnText.value.failed(why)}</p>
  );
}
