// The room that compares runs: what was found, the runs, their curves, and how sure a difference is.
import { render, type JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { methodLabel, type MethodName } from '../../../src/index.ts';
import { lineLook } from '../../../src/look/tokens.ts';
import { pointsOf } from '../../../src/sweep/readings.ts';
import '../../views/curves.css';
import '../../../src/report/plot.css';
import './compare.css';
import { compareText } from '../../strings/compare.ts';
import { fixed, percent, whole } from '../../strings/numbers.ts';
import { axis, language, pinned, room } from '../../state/stage.ts';
import { axes } from '../../state/url.ts';
import { Button, Swatch, useWidth } from '../../views/markup.tsx';
import { Scroll } from '../../views/table.tsx';
import { visibleString } from '../../visible-text.ts';
import { curvesOf, drawCurves, endsOf, lastValues } from './curves.ts';
import { exploratoryContrasts, fixedContrasts, sideOf, type Contrast } from './differences.ts';
import { Found, Results } from './results.tsx';
import { differingSettings, groupsOf, type Group } from './runs.ts';
import {
  followStored,
  offers,
  pick,
  pickedIds,
  pickedRuns,
  shownOne,
  stored,
  unread,
  type Offer,
} from './sources.ts';
import { Sweep } from './sweep.tsx';

/** Draws the room, which rests while another one is shown. */
export function openCompare(host: HTMLElement): void {
  followStored();
  render(<Room />, host);
}

function Room(): JSX.Element | null {
  if (room.value !== 'compare') return null;
  return <Comparison />;
}

/** The curves of the shown run alone. */
export function EmbeddedCurves(): JSX.Element {
  const run = shownOne.value;
  const groups = useMemo(() => (run ? groupsOf([run]) : []), [run]);
  return <Curves groups={groups} />;
}

function Comparison(): JSX.Element {
  const runs = pickedRuns.value;
  const groups = useMemo(() => groupsOf(runs), [runs]);
  return (
    <div class="compare">
      <Found />
      <Runs />
      <Curves groups={groups} />
      <Sure groups={groups} />
      <Makeups groups={groups} />
      <Results />
      <Sweep />
    </div>
  );
}

/** Days before months, as everywhere on the page. */
const locale = (): string => (language.value === 'en' ? 'en-GB' : language.value);

const dateText = (date: Date): string =>
  date.toLocaleDateString(locale(), { day: 'numeric', month: 'long', year: 'numeric' });

const timeText = (date: Date): string =>
  date.toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'short' });

function nameOf({ kind, date, title = '' }: Offer): string {
  const text = compareText.value;
  if (title !== '') return visibleString(title);
  if (kind === 'shared') return text.shared;
  if (kind === 'recorded' && date) return text.recorded(dateText(date));
  return kind === 'stored' && date ? text.stored(timeText(date)) : text.shown;
}

function Runs(): JSX.Element {
  const text = compareText.value;
  const [all, ids, runs] = [offers.value, pickedIds.value, pickedRuns.value];
  const differing = differingSettings(runs);
  const twice = groupsOf(runs).flatMap((group) => group.twice);
  return (
    <section class="card" aria-labelledby="runs-title">
      <h2 id="runs-title">{text.runs}</h2>
      <p class="quiet">{text.runsHint}</p>
      <Scroll label={text.runsTable}>
        <table id="runs-table">
          <thead>
            <tr>
              <th scope="col">{text.include}</th>
              <th scope="col">{text.run}</th>
              <th scope="col">{text.seedsHead}</th>
              <th scope="col">{text.adapter}</th>
              {differing.map(({ field }) => (
                <th scope="col">
                  <code>{field}</code>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {all.map((offer) => {
              const place = runs.findIndex(({ id }) => id === offer.id);
              const name = nameOf(offer);
              return (
                <tr key={offer.id}>
                  <td>
                    <input
                      type="checkbox"
                      aria-label={text.compareRun(name)}
                      checked={ids.includes(offer.id)}
                      onChange={({ currentTarget }) => pick(offer.id, currentTarget.checked)}
                    />
                  </td>
                  <th scope="row">
                    {name}
                    {offer.running && <span class="badge">{text.running}</span>}
                  </th>
                  <td>{offer.seeds.join(', ')}</td>
                  <td class="adapter">{visibleString(offer.adapter)}</td>
                  {differing.map(({ values }) => (
                    <td>
                      {place === -1 ? '' : <code>{cut(values[place] ?? text.noSetting)}</code>}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
      {runs.length > 1 && differing.length === 0 && <p>{text.same}</p>}
      {twice.length > 0 && <p>{text.twice(twice.join(', '))}</p>}
      {stored.value === undefined && <p class="quiet">{text.reading}</p>}
      {stored.value?.length === 0 && <p class="quiet">{text.noStored}</p>}
      {unread.value !== '' && (
        <p class="problem" lang="en">
          {visibleString(unread.value)}
        </p>
      )}
    </section>
  );
}

const cut = (value: string): string => {
  const shown = visibleString(value);
  return shown.length > 40 ? `${shown.slice(0, 39)}…` : shown;
};

const titleOf = (group: Group, number: number, of: number): string => {
  const text = compareText.value;
  const seeds = text.seedsOf(group.condition.cells.map(({ seed }) => seed).join(', '));
  return of === 1 ? seeds : `${text.settingsOf(number)} · ${seeds}`;
};

/** Read-outs that any method of any group has, in order. */
const readoutsOf = (groups: readonly Group[]): number[] =>
  [
    ...new Set(
      groups.flatMap(({ condition, methods }) =>
        methods.flatMap((method) => pointsOf(condition, method).map(({ readout }) => readout)),
      ),
    ),
  ].sort((a, b) => a - b);

const unitOf = ({ config }: Group): string =>
  config.experiment.budget === 'updates' ? compareText.value.update : compareText.value.ownEpoch;

const HEIGHT = 300;

function Curves({ groups }: { readonly groups: readonly Group[] }): JSX.Element {
  const text = compareText.value;
  const on = axis.value;
  const ends = endsOf(groups, on);
  const readouts = readoutsOf(groups);
  const [first] = groups;
  const most = Math.max(0, ...groups.map(({ condition }) => condition.cells.length));
  const names = [...new Set(groups.flatMap(({ methods }) => methods))];
  return (
    <section class="card" id="compare-curves" aria-labelledby="compare-curves-title">
      <h2 id="compare-curves-title">{text.curves}</h2>
      {!first || readouts.length === 0 ? (
        <p class="quiet">{text.noCurves}</p>
      ) : (
        <>
          <fieldset class="choices">
            <legend>{text.axis}</legend>
            {axes.map((one) => (
              <label>
                <input
                  type="radio"
                  name="compare-axis"
                  value={one}
                  checked={on === one}
                  onChange={() => (axis.value = one)}
                />
                <span>{text.axes[one]}</span>
              </label>
            ))}
          </fieldset>
          <p class="quiet">{text.axisTexts[on]}</p>
          <ul class="legend" aria-label={text.method}>
            {names.map((name) => (
              <li class={`line-${lineLook(name, names).key}`}>
                <Swatch look={lineLook(name, names)} /> {methodLabel(name)}
              </li>
            ))}
          </ul>
          <div class={groups.length > 1 ? 'curve-panels' : ''}>
            {groups.map((group, i) => (
              <figure>
                {groups.length > 1 && (
                  <figcaption>{titleOf(group, i + 1, groups.length)}</figcaption>
                )}
                <Drawn group={group} ends={ends} />
              </figure>
            ))}
          </div>
          <p class="hint">
            {text.rule} {text.bands(most)}
          </p>
          <Values groups={groups} readouts={readouts} />
          <CurveNumbers groups={groups} />
        </>
      )}
    </section>
  );
}

function Drawn(props: {
  readonly group: Group;
  readonly ends: ReturnType<typeof endsOf>;
}): JSX.Element {
  const { group, ends } = props;
  const text = compareText.value;
  const [host, width] = useWidth();
  const on = axis.value;
  const cursor =
    on === 'updates' && group.config.experiment.budget === 'updates'
      ? (pinned.value ?? group.config.experiment.tableReadout)
      : undefined;
  const svg =
    width === 0
      ? ''
      : drawCurves(
          group,
          on,
          ends,
          {
            label: text.curvesLabel(
              text.axes[on],
              lastValues(group, (share) => percent(share, 1)),
            ),
            x: text.axes[on],
            y: text.shareRight,
            count: (value) => whole(value),
            percent: (share) => percent(share, 0),
          },
          { width: Math.max(260, width), height: HEIGHT },
          cursor,
        );
  // Its own drawing: every name in it is escaped.
  return <div class="drawn" ref={host} dangerouslySetInnerHTML={{ __html: svg }} />;
}

/** All methods at one read-out, never at unequal ones. */
function Values(props: {
  readonly groups: readonly Group[];
  readonly readouts: readonly number[];
}): JSX.Element | null {
  const { groups, readouts } = props;
  const text = compareText.value;
  const [first] = groups;
  if (!first) return null;
  const { tableReadout } = first.config.experiment;
  const now = pinned.value ?? tableReadout;
  const place = Math.max(
    0,
    readouts.findLastIndex((one) => one <= now),
  );
  const readout = readouts[place] ?? tableReadout;
  const isFixed = readout === tableReadout;
  const shown = `${text.at(unitOf(first), whole(readout))}${isFixed ? `, ${text.fixedReadout}` : ''}`;
  return (
    <>
      <div class="cursor">
        <label for="compare-cursor">{text.cursor}</label>
        <input
          id="compare-cursor"
          type="range"
          min={0}
          max={readouts.length - 1}
          step={1}
          value={place}
          aria-valuetext={shown}
          onInput={({ currentTarget }) => (pinned.value = readouts[Number(currentTarget.value)])}
        />
        <output for="compare-cursor">{shown}</output>
        <Button disabled={pinned.value === undefined} onClick={() => (pinned.value = undefined)}>
          {text.backToReadout}
        </Button>
      </div>
      {groups.map((group, i) => (
        <ul
          class="readout at-cursor"
          aria-label={`${titleOf(group, i + 1, groups.length)}, ${shown}`}
        >
          {groups.length > 1 && <li class="quiet">{titleOf(group, i + 1, groups.length)}</li>}
          {group.methods.map((method) => {
            const look = lineLook(method, group.methods);
            const found = pointsOf(group.condition, method).find((one) => one.readout === readout);
            return (
              <li class={`line-${look.key}`}>
                <Swatch look={look} /> {look.label}{' '}
                <span>{found ? percent(found.accuracy.mean, 1) : text.none}</span>
              </li>
            );
          })}
        </ul>
      ))}
    </>
  );
}

function CurveNumbers({ groups }: { readonly groups: readonly Group[] }): JSX.Element {
  const text = compareText.value;
  return (
    <details class="numbers">
      <summary>{text.numbers}</summary>
      <Scroll label={text.numbers}>
        <table>
          <thead>
            <tr>
              {groups.length > 1 && <th scope="col">{text.run}</th>}
              {[
                text.method,
                text.updatesHead,
                text.epochsHead,
                text.samplesHead,
                text.chargedHead,
                text.accuracy,
                text.interval,
              ].map((head, i) => (
                <th scope="col" class={i === 0 ? '' : 'number'}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {groups.map((group, i) =>
              curvesOf(group).map(({ method, points }) =>
                points.map(({ at, trained, accuracy }) => (
                  <tr>
                    {groups.length > 1 && <td>{titleOf(group, i + 1, groups.length)}</td>}
                    <th scope="row">{methodLabel(method)}</th>
                    <td class="number">{whole(at.updates)}</td>
                    <td class="number">{fixed(at.epochs, 2)}</td>
                    <td class="number">{whole(trained)}</td>
                    <td class="number">{whole(at.samples)}</td>
                    <td class="number">{percent(accuracy.mean, 1)}</td>
                    <td class="number">
                      {accuracy.interval
                        ? `${percent(accuracy.interval[0], 1)} – ${percent(accuracy.interval[1], 1)}`
                        : text.none}
                    </td>
                  </tr>
                )),
              ),
            )}
          </tbody>
        </table>
      </Scroll>
    </details>
  );
}

const points = (share: number): string => `${share > 0 ? '+' : ''}${fixed(100 * share, 1)}`;

const rangeText = ({ low, high }: Contrast['estimate']): string =>
  Number.isNaN(low) || low === high ? '' : `${points(low)} … ${points(high)}`;

function verdictOf({ one, estimate }: Contrast): string {
  const text = compareText.value;
  if (Number.isNaN(estimate.low) || estimate.low === estimate.high) return text.oneSeed;
  const side = sideOf(estimate);
  if (side === 0) return text.level;
  return side > 0 ? text.above(methodLabel(one)) : text.below(methodLabel(one));
}

const pairText = ({ one, other }: Contrast): string =>
  `${methodLabel(one)} − ${methodLabel(other)}`;

function Sure({ groups }: { readonly groups: readonly Group[] }): JSX.Element {
  const text = compareText.value;
  return (
    <section class="card" id="compare-sure" aria-labelledby="compare-sure-title">
      <h2 id="compare-sure-title">{text.sure}</h2>
      {groups.map((group, i) => (
        <Differences
          group={group}
          title={groups.length > 1 ? titleOf(group, i + 1, groups.length) : ''}
        />
      ))}
      {groups.length === 0 && <p class="quiet">{text.noDifferences}</p>}
    </section>
  );
}

function Differences(props: { readonly group: Group; readonly title: string }): JSX.Element {
  const { group, title } = props;
  const text = compareText.value;
  const before = fixedContrasts(group);
  const others = exploratoryContrasts(group);
  const seeds = Math.max(0, ...before.map(({ bySeed }) => bySeed.length));
  const { tableReadout } = group.config.experiment;
  if (before.length === 0) {
    return (
      <>
        {title !== '' && <h3>{title}</h3>}
        <p class="quiet">{text.noDifferences}</p>
      </>
    );
  }
  const reach =
    1.1 *
    Math.max(
      0.02,
      ...before.flatMap(({ estimate, bySeed }) =>
        [estimate.low, estimate.high, ...bySeed].filter(Number.isFinite).map(Math.abs),
      ),
    );
  return (
    <>
      {title !== '' && <h3>{title}</h3>}
      <h3>{text.fixedTitle}</h3>
      <p class="quiet">{text.fixedText(unitOf(group), whole(tableReadout))}</p>
      <ul class="contrasts">
        {before.map((contrast) => (
          <li>
            <strong class="pair-name">{pairText(contrast)}</strong>
            <Strip contrast={contrast} reach={reach} methods={group.methods} />
            <span>
              <strong>{verdictOf(contrast)}</strong>{' '}
              <span class="quiet numbers-of">
                {points(contrast.estimate.mean)}
                {rangeText(contrast.estimate) !== '' && ` (${rangeText(contrast.estimate)})`},{' '}
                {contrast.estimate.over === 'seeds'
                  ? text.over.seeds(contrast.bySeed.length)
                  : text.over.prompts}
              </span>
            </span>
          </li>
        ))}
      </ul>
      <p class="quiet">{seeds > 2 ? text.manySeeds(seeds) : text.onePromptSeed}</p>
      {others.length > 0 && (
        <details>
          <summary>
            {text.exploratory}: {text.exploratoryCount(others.length)}
          </summary>
          <p class="quiet">{text.exploratoryText}</p>
          <Scroll label={title === '' ? text.exploratory : `${text.exploratory}, ${title}`}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{text.comparison}</th>
                  <th scope="col">{text.where}</th>
                  <th scope="col" class="number">
                    {text.difference}
                  </th>
                  <th scope="col" class="number">
                    {text.interval}
                  </th>
                  <th scope="col">{text.verdict}</th>
                </tr>
              </thead>
              <tbody>
                {others.map((contrast) => (
                  <tr>
                    <th scope="row">{pairText(contrast)}</th>
                    <td>
                      {contrast.readout === undefined
                        ? text.equalSamples
                        : text.at(unitOf(group), whole(contrast.readout))}
                    </td>
                    <td class="number">{points(contrast.estimate.mean)}</td>
                    <td class="number">{rangeText(contrast.estimate) || text.none}</td>
                    <td>{verdictOf(contrast)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </details>
      )}
    </>
  );
}

/** A difference on a line: 0 in its middle, the interval, the mean, the seeds as dots. */
function Strip(props: {
  readonly contrast: Contrast;
  readonly reach: number;
  readonly methods: readonly MethodName[];
}): JSX.Element {
  const { contrast, reach, methods } = props;
  const { estimate, bySeed } = contrast;
  const { mean, low, high } = estimate;
  const x = (share: number): number => 150 + (share / reach) * 142;
  const label = compareText.value.stripLabel(
    pairText(contrast),
    points(mean),
    points(low),
    points(high),
  );
  return (
    <svg
      class={`strip line-${lineLook(contrast.one, methods).key}`}
      viewBox="0 0 300 30"
      role="img"
      aria-label={label}
    >
      <path class="rule" d="M8 15H292" />
      <path class="zero" d="M150 1V29" />
      {Number.isFinite(low) && low !== high && (
        <path class="stroke" d={`M${x(low)} 15H${x(high)}`} stroke-width={4} />
      )}
      {bySeed.length > 1 &&
        bySeed.map((value) => <circle class="seed" cx={x(value)} cy={25} r={2.5} />)}
      <path class="dot" d={`M${x(mean)} 7l8 8l-8 8l-8 -8Z`} />
    </svg>
  );
}

const strata = ['easy', 'learnable', 'hard'] as const;

/** What each method trains on, of the first seed that says so. */
function Makeups({ groups }: { readonly groups: readonly Group[] }): JSX.Element {
  const text = compareText.value;
  const rows = groups.flatMap((group, i) =>
    group.condition.cells.flatMap(({ seed, results }) => {
      const found = results.seeds.find((one) => one.seed === seed);
      const made = found ? [found.pool, ...Object.values(found.selections)] : [];
      if (!found || !made.some((one) => one?.byOrigin)) return [];
      const where = [
        ...(groups.length > 1 ? [text.settingsOf(i + 1)] : []),
        ...(group.condition.cells.length > 1 || groups.length > 1
          ? [text.seedsOf(String(seed))]
          : []),
      ].join(' · ');
      return [
        ...(found.pool.byOrigin ? [{ where, name: 'full' as MethodName, made: found.pool }] : []),
        ...(Object.entries(found.selections) as [MethodName, typeof found.pool][]).map(
          ([name, selected]) => ({ where, name, made: selected }),
        ),
      ];
    }),
  );
  const most = Math.max(1, ...rows.map(({ made }) => made.prompts));
  const pending = groups.some(({ condition }) =>
    condition.cells.some(({ results }) => results.seeds.every(({ lim }) => lim === null)),
  );
  return (
    <section class="card" id="compare-makeup" aria-labelledby="compare-makeup-title">
      <h2 id="compare-makeup-title">{text.makeup}</h2>
      {rows.length === 0 ? (
        <p class="quiet">{pending ? text.selectionPending : text.noMakeup}</p>
      ) : (
        <>
          <p class="quiet">{text.makeupText}</p>
          <ul class="legend">
            {strata.map((kind) => (
              <li>
                <span class={`swatch ${kind}`} /> {text[kind]}
              </li>
            ))}
            <li>
              <span class="swatch wrong-keys-swatch" /> {text.wrongKeys}
            </li>
          </ul>
          <ul class="makeups">
            {rows.map(({ where, name, made }) => (
              <MakeupRow where={where} name={name} made={made} most={most} />
            ))}
          </ul>
          <details class="numbers">
            <summary>{text.makeupNumbers}</summary>
            <Scroll label={text.makeupNumbers}>
              <table>
                <thead>
                  <tr>
                    <th scope="col">{text.method}</th>
                    {[
                      text.promptsHead,
                      text.easyHead,
                      text.learnableHead,
                      text.hardHead,
                      text.wrongHead,
                    ].map((head) => (
                      <th scope="col" class="number">
                        {head}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {rows.map(({ where, name, made }) => (
                    <tr>
                      <th scope="row">
                        {methodLabel(name)} {where}
                      </th>
                      <td class="number">{whole(made.prompts)}</td>
                      {strata.map((kind) => (
                        <td class="number">{whole(made.byOrigin?.[kind] ?? 0)}</td>
                      ))}
                      <td class="number">{whole(made.wrongKeys ?? 0)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scroll>
          </details>
        </>
      )}
    </section>
  );
}

function MakeupRow(props: {
  readonly where: string;
  readonly name: MethodName;
  readonly made: Group['condition']['cells'][number]['results']['seeds'][number]['pool'];
  readonly most: number;
}): JSX.Element {
  const { where, name, made, most } = props;
  const text = compareText.value;
  const counts = strata.map((kind) => ({ kind, count: made.byOrigin?.[kind] ?? 0 }));
  const wrong = made.wrongKeys ?? 0;
  const scale = 600 / most;
  let before = 0;
  const label = text.makeupRow(
    methodLabel(name),
    whole(made.prompts),
    ...(counts.map(({ count }) => whole(count)) as [string, string, string]),
    whole(wrong),
  );
  return (
    <li>
      <span class="pair-name">
        {methodLabel(name)} <span class="quiet">{where}</span>
      </span>
      <svg viewBox="0 0 600 26" preserveAspectRatio="none" role="img" aria-label={label}>
        {counts.map(({ kind, count }) => {
          const x = before;
          before += count * scale;
          return <rect class={kind} x={x} y={0} width={count * scale} height={18} />;
        })}
        <rect class="wrong-keys" x={0} y={20} width={wrong * scale} height={6} />
      </svg>
      <span class="number">{whole(made.prompts)}</span>
    </li>
  );
}
