// The report on a pool of prompts that somebody rolled out: no run of ours, and no training at all.
import { percent } from '../look/wording.ts';
import type { LimSummary, ScoredPrompt } from '../results.ts';
import { methodLabel, type MethodName } from '../selection/methods.ts';
import { type Course, courseOf, courses } from './course.ts';
import { pageOf, tableOf } from './document.ts';
import { poolPanels, type Panel } from './paper-figures.ts';
import { inScoreOrder } from './readings.ts';
import {
  courseFigure,
  heatMapFigure,
  histogramFigure,
  figure,
  meanCurveChart,
  meanCurveFigure,
  trajectoryFigure,
  type CurveNames,
  type ScoredPool,
} from './figures.ts';
import { markup, shortened, type Markup } from './markup.ts';
import { average, count, counted, fixed } from './text.ts';

/** What a method would keep of a pool. */
export interface PoolChoice {
  readonly method: MethodName;
  /** Places of the prompts that it keeps. */
  readonly kept: readonly number[];
  readonly rule: string;
}

/** A pool of prompts with their rewards over data epochs. */
export interface ReportedPool {
  /** What the page is called, without a path. */
  readonly name: string;
  /** The prompts in the order of their file; `id` is the place. */
  readonly prompts: readonly ScoredPrompt[];
  readonly lim: LimSummary;
  readonly choices: readonly PoolChoice[];
  /** Answers behind each reward, (prompts, epochs); undefined if the file does not tell. */
  readonly samples: ArrayLike<number> | undefined;
  /** How the files were read, a sentence each. */
  readonly reading: readonly string[];
  /** How far the cut can be trusted, in a sentence. */
  readonly bound: string;
  /** What the prompts' rows say of their benchmark or source; absent if they do not tell. */
  readonly kinds?: {
    /** The field that says it. */
    readonly field: string;
    /** The value of each prompt, in their order. */
    readonly of: readonly string[];
  };
}

/** Longest prompt in a table, in characters, and prompts of each kind. */
const LONGEST_TEXT = 160;
const EXAMPLES = 6;

/** The report on a pool, as one HTML page that loads nothing. The same files give the same bytes. */
export function poolReport(pool: ReportedPool): string {
  const { prompts, lim } = pool;
  const epochs = lim.meanCurve.length;
  const title = `${shortened(pool.name, 60)}: ${counted(prompts.length, 'prompt')} over ${counted(epochs, 'data epoch')}`;
  const ranked = inScoreOrder(prompts);
  const names = namesOf(lim);
  const scored = { ranked, lim };
  const body = markup`<header><p class="kind">LIMR Lab · rollouts</p><h1>${title}</h1></header>
<nav aria-label="Sections"><ul><li><a href="#found">What was sampled</a></li><li><a href="#kept">What would be kept</a></li><li><a href="#curves">Curves</a></li><li><a href="#prompts">Prompts</a></li><li><a href="#read">How it was read</a></li></ul></nav>
<main>
<section id="found"><h2>What was sampled</h2>
<ul>${sentences(pool).map((text) => markup`<li>${text}</li>`)}</ul>
${courseTable(pool)}</section>
<section id="kept"><h2>What would be kept</h2>
${choiceTable(pool)}
<p class="aside">Scores come from the whole pool’s rollouts, so what is saved is saved in the next training: of another model, of more passes, of another seed. ${pool.bound}.</p></section>
<section id="curves"><h2>Curves</h2>
<div class="grid wide">${meanCurveFigure(names, [{ lim }], prompts, 'mean')}${histogramFigure(ranked, lim, 'histogram')}${trajectoryFigure(names, scored, 'kept-curves', true)}${trajectoryFigure(names, scored, 'rejected-curves', false)}${courseFigure(names, scored, 'courses')}</div>
${kindFigures(pool)}${heatMapFigure(ranked, lim, 'heat')}</section>
<section id="prompts"><h2>Prompts</h2>
${exampleTables(ranked, lim)}</section>
<section id="read"><h2>How it was read</h2>
<ul>${pool.reading.map((text) => markup`<li>${text}</li>`)}</ul></section>
</main>`;
  return pageOf(title, body);
}

const namesOf = ({ signal }: LimSummary): CurveNames => ({
  signal: signal === 'reward' ? 'mean reward' : 'share judged right',
  epoch: 'data epoch',
  said: 'data epoch',
});

/** The paper's panels of a pool, for files of their own. */
export function panelsOfPool(pool: ReportedPool): Panel[] {
  const { prompts, lim } = pool;
  return poolPanels(namesOf(lim), { ranked: inScoreOrder(prompts), lim }, poolsByKind(pool));
}

/** The pool's parts by what their rows say, each with a mean curve of its own. */
function poolsByKind({
  prompts,
  lim,
  kinds,
}: ReportedPool): { readonly name: string; readonly pool: ScoredPool }[] {
  if (!kinds) return [];
  const held = new Map<string, number[]>();
  for (const [place, name] of kinds.of.entries()) {
    const places = held.get(name);
    if (places) places.push(place);
    else held.set(name, [place]);
  }
  return [...held].map(([name, places]) => {
    const ranked = inScoreOrder(places.flatMap((place) => prompts[place] ?? []));
    const meanCurve = lim.meanCurve.map((_, k) =>
      average(ranked.flatMap(({ rewards }) => rewards[k] ?? [])),
    );
    return { name, pool: { ranked, lim: { ...lim, meanCurve } } };
  });
}

/** The mean curve of each kind of prompts, as the paper's figure 4 has its benchmarks. */
function kindFigures(pool: ReportedPool): Markup {
  const { kinds, lim } = pool;
  if (!kinds) return markup``;
  return markup`<h3>By ${shortened(kinds.field, 40)}</h3>
<div class="grid wide">${poolsByKind(pool).map(({ name, pool: { ranked, lim: own } }, i) => {
    const { drawing, data } = meanCurveChart(namesOf(lim), [{ lim: own }], ranked, `kind-${i}`);
    return figure(
      drawing,
      markup`<b>${shortened(name === '' ? 'none' : name, 40)}.</b> Mean ${lim.signal} of its ${counted(ranked.length, 'prompt')} in each data epoch. The paper’s figure 4 has a panel for each benchmark.`,
      data,
    );
  })}</div>
`;
}

/** The counts of answers; ones where the file does not tell. */
const answersOf = ({ samples }: ReportedPool, place: number): number => samples?.[place] ?? 1;

/** Answers to some prompts in all data epochs. */
function answersTo(pool: ReportedPool, places: Iterable<number>): number {
  const epochs = pool.lim.meanCurve.length;
  let total = 0;
  for (const place of places) {
    const rewards = pool.prompts[place]?.rewards ?? [];
    for (const [k, value] of rewards.entries()) {
      if (value !== null) total += answersOf(pool, place * epochs + k);
    }
  }
  return total;
}

function sentences(pool: ReportedPool): string[] {
  const { prompts, lim, samples } = pool;
  const { signal, meanCurve } = lim;
  const found: string[] = [];
  const visits = prompts.flatMap(({ rewards }) => rewards.filter((value) => value !== null));
  if (samples) {
    const answers = answersTo(pool, prompts.keys());
    found.push(
      `${counted(answers, 'answer')} in ${counted(visits.length, 'group')}: a group is the answers to one prompt in one data epoch.`,
    );
  }
  const [first, last] = [meanCurve.find(Number.isFinite), meanCurve.findLast(Number.isFinite)];
  if (first !== undefined && last !== undefined) {
    found.push(
      signal === 'accuracy'
        ? `${percent(first)} of the answers were right in the first data epoch, ${percent(last)} in the last.`
        : `The mean reward was ${fixed(first)} in the first data epoch, ${fixed(last)} in the last.`,
    );
  }
  if (signal === 'accuracy' && visits.length > 0) {
    const alike = visits.filter((value) => value === 0 || value === 1).length;
    found.push(
      `In ${percent(alike / visits.length)} of the groups all answers were right, or all were wrong. From such a group a method that compares answers to one prompt (GRPO, RLOO) learns nothing.`,
    );
  }
  const kept = pool.choices.find(({ method }) => method === 'lim');
  if (kept && prompts.length > 0) {
    found.push(
      `LIM would keep ${count(kept.kept.length)} of ${counted(prompts.length, 'prompt')} (${kept.rule}): a pass over them takes ${percent(1 - shareOf(pool, kept))} fewer answers.`,
    );
  }
  return found;
}

/** The share of the pool's answers that the prompts of a choice took. */
function shareOf(pool: ReportedPool, { kept }: PoolChoice): number {
  const all = answersTo(pool, pool.prompts.keys());
  return all === 0 ? 0 : answersTo(pool, kept) / all;
}

function courseTable(pool: ReportedPool): Markup {
  const { prompts, lim } = pool;
  const held = new Map<Course, number[]>();
  for (const [place, prompt] of prompts.entries()) {
    const course = courseOf(prompt, lim.signal);
    const places = held.get(course);
    if (places) places.push(place);
    else held.set(course, [place]);
  }
  const all = answersTo(pool, prompts.keys());
  return tableOf({
    caption: markup`<b>How prompts went.</b> The answers that went into prompts which did not change could have gone elsewhere.`,
    kind: 'words',
    head: ['prompts that', 'are', 'share', 'share of answers', 'mean LIM score', 'because'],
    rows: courses.flatMap(({ course, name, means }) => {
      const places = held.get(course);
      if (!places) return [];
      const scores = places.flatMap((place) => prompts[place]?.score ?? []);
      return [
        [
          name,
          count(places.length),
          percent(places.length / prompts.length),
          all === 0 ? 'none' : percent(answersTo(pool, places) / all),
          scores.length === 0 ? 'none' : fixed(average(scores)),
          means,
        ],
      ];
    }),
  });
}

function choiceTable(pool: ReportedPool): Markup {
  const { prompts, choices, lim } = pool;
  const own = new Set(choices.find(({ method }) => method === 'lim')?.kept ?? []);
  const end = (kept: readonly number[], first: boolean): string => {
    const values = kept.flatMap((place) => {
      const seen = prompts[place]?.rewards.filter((value) => value !== null) ?? [];
      return (first ? seen[0] : seen.at(-1)) ?? [];
    });
    return values.length === 0 ? 'none' : fixed(average(values));
  };
  const moved = (kept: readonly number[]): string => {
    const count = kept.filter((place) => {
      const prompt = prompts[place];
      return prompt !== undefined && courseOf(prompt, lim.signal) === 'moved';
    }).length;
    return kept.length === 0 ? 'none' : percent(count / kept.length);
  };
  const everything = prompts.map((_, place) => place);
  const rows = [
    ...choices.map(({ method, kept, rule }) => ({ name: methodLabel(method), kept, rule })),
    { name: 'all prompts', kept: everything, rule: 'the whole pool' },
  ];
  return tableOf({
    caption: markup`<b>Methods.</b> ${lim.signal === 'accuracy' ? 'Accuracy' : 'Reward'} of the prompts that each would keep, when each was first and last rolled out.`,
    kind: 'words',
    head: ['method', 'keeps', 'answers saved', 'first', 'last', 'moved', 'also of LIM', 'rule'],
    rows: rows.map(({ name, kept, rule }) => [
      name,
      count(kept.length),
      percent(1 - shareOf(pool, { method: 'full', kept, rule })),
      end(kept, true),
      end(kept, false),
      moved(kept),
      count(kept.filter((place) => own.has(place)).length),
      rule,
    ]),
  });
}

function exampleTables(ranked: readonly ScoredPrompt[], lim: LimSummary): Markup {
  const kinds: readonly (readonly [name: string, prompts: readonly ScoredPrompt[]])[] = [
    ['Highest LIM scores', ranked.filter(({ score }) => score !== null)],
    ['Never solved', ranked.filter((prompt) => courseOf(prompt, lim.signal) === 'unsolved')],
    ['Always solved', ranked.filter((prompt) => courseOf(prompt, lim.signal) === 'solved')],
    ['Never moved', ranked.filter((prompt) => courseOf(prompt, lim.signal) === 'still')],
  ];
  return markup`${kinds
    .filter(([, prompts]) => prompts.length > 0)
    .map(([name, prompts]) =>
      tableOf({
        caption: markup`<b>${name}.</b> ${prompts.length > EXAMPLES ? `${EXAMPLES} of ${count(prompts.length)}.` : ''}`,
        head: ['prompt', 'id', 'LIM score', names(lim)],
        kind: 'words',
        rows: prompts
          .slice(0, EXAMPLES)
          .map(({ prompt, rowId, score, rewards }) => [
            shortened(prompt, LONGEST_TEXT),
            rowId === undefined ? '' : shortened(rowId, 40),
            score === null ? 'none' : fixed(score),
            curveText(rewards),
          ]),
      }),
    )}`;
}

const names = ({ signal }: LimSummary): string =>
  signal === 'accuracy' ? 'right, by data epoch' : 'reward, by data epoch';

/** At most twelve numbers of a curve, evenly spaced. */
function curveText(rewards: readonly (number | null)[]): string {
  const most = 12;
  const step = Math.max(1, (rewards.length - 1) / (most - 1));
  const places = Array.from({ length: Math.min(most, rewards.length) }, (_, i) =>
    Math.round(i * step),
  );
  return places
    .map((k) => {
      const value = rewards[k] ?? null;
      return value === null ? '·' : fixed(value, 2);
    })
    .join(' ');
}
