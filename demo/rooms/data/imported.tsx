// Rollouts and scores of the user's own: read, looked at, cut, and taken away.
import './data.css';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import {
  exportFormats,
  rolloutFormats,
  type ExportFormat,
  type ImportedRow,
  type ImportedScores,
  type ImportSettings,
} from '../../../src/entries/browser.ts';
import { pickedFolder } from '../../dropped.ts';
import { problem } from '../../state/stage.ts';
import { fixed, whole } from '../../strings/numbers.ts';
import { dataText } from '../../strings/data.ts';
import { Button, Code, useWidth } from '../../views/markup.tsx';
import { Pager, Scroll } from '../../views/table.tsx';
import { visibleString } from '../../visible-text.ts';
import { folderSource, takeChosen } from './drop.ts';
import { MatrixMap } from './matrix-map.tsx';
import {
  cut,
  downloadScores,
  downloadSubset,
  forgetImport,
  importFiles,
  importing,
  keptPlaces,
  pool,
  readAgain,
  rowsAt,
  settings,
} from './imports.ts';
import {
  histogram,
  HISTOGRAM_FLOOR,
  keptAt,
  odditiesOf,
  placesByScore,
  sortedScores,
  thresholdOf,
  typedNumber,
} from './import-model.ts';

export function Imports(): JSX.Element {
  const t = dataText.value;
  const now = importing.value;
  return (
    <section class="card imports" aria-labelledby="imports-title">
      <h2 id="imports-title">{t.title}</h2>
      <p>{t.lead}</p>
      <Choosing />
      {now.kind === 'reading' && (
        <div class="reading" role="status">
          <p>
            {t.reading(visibleString(now.source.name))} ·{' '}
            {now.of > 0 && now.read >= now.of
              ? t.scoring
              : t.read(now.of > 0 ? now.read / now.of : 0)}
          </p>
          <progress
            max={1}
            value={now.of > 0 ? now.read / now.of : 0}
            aria-label={t.reading(visibleString(now.source.name))}
          />
          <Button onClick={() => void forgetImport()}>{t.cancel}</Button>
        </div>
      )}
      {now.kind === 'failed' && (
        <div role="alert">
          <p class="problem">{t.failed(visibleString(now.source.name))}</p>
          <p class="problem" lang="en">
            {visibleString(now.message)}
          </p>
          <p class="hint">{t.mend}</p>
        </div>
      )}
      {now.kind === 'ready' && (
        <Scored data={now.data} name={now.source.name} key={now.source.name} />
      )}
      {(now.kind === 'failed' || now.kind === 'ready') && <Ways open={now.kind === 'failed'} />}
    </section>
  );
}

/** The buttons that choose what is read. */
function Choosing(): JSX.Element {
  const t = dataText.value;
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const chosen = (list: FileList | null): void => {
    if (list && list.length > 0) void takeChosen([...list]);
  };
  return (
    <div class="buttons">
      <Button id="choose-rollouts" onClick={() => files.current?.click()}>
        {t.chooseFiles}
      </Button>
      <Button onClick={() => folder.current?.click()}>{t.chooseFolder}</Button>
      <input
        ref={files}
        id="rollout-files"
        type="file"
        multiple
        hidden
        aria-label={t.files}
        accept=".jsonl,.json,.parquet,.arrow,.safetensors,.limr"
        onChange={(event) => {
          chosen(event.currentTarget.files);
          event.currentTarget.value = '';
        }}
      />
      <input
        ref={(element) => {
          folder.current = element;
          element?.setAttribute('webkitdirectory', '');
        }}
        id="rollout-folder"
        type="file"
        hidden
        aria-label={t.folder}
        onChange={(event) => {
          const { files: list } = event.currentTarget;
          try {
            const found = list && pickedFolder(list);
            if (found?.kind === 'folder') void importFiles(folderSource(found.name, found.files));
          } catch (error) {
            problem.value = error instanceof Error ? error.message : String(error);
          }
          event.currentTarget.value = '';
        }}
      />
    </div>
  );
}

/** The kept places of the cut as `limr select` decides them; undefined while they are computed. */
function useKept(data: ImportedScores): readonly number[] | undefined {
  const at = cut.value;
  const [found, setFound] = useState<readonly [object, readonly number[]]>();
  useEffect(() => {
    let asked = true;
    keptPlaces(at).then(
      (places) => {
        if (asked) setFound([at, places]);
      },
      (error: unknown) => {
        if (asked) problem.value = error instanceof Error ? error.message : String(error);
      },
    );
    return () => {
      asked = false;
    };
  }, [at, data]);
  return found?.[0] === at ? found[1] : undefined;
}

/** What came of an import. */
function Scored(props: { readonly data: ImportedScores; readonly name: string }): JSX.Element {
  const { data, name } = props;
  const t = dataText.value;
  const sorted = useMemo(() => sortedScores(data.scores), [data]);
  const order = useMemo(() => placesByScore(data.scores), [data]);
  const at = cut.value;
  const exact = useKept(data);
  // The number moves with the hand; float64 decides on what is close once the cut rests.
  const kept =
    exact?.length ??
    ('count' in at ? Math.min(at.count, sorted.length) : keptAt(sorted, at.threshold));
  const threshold = 'threshold' in at ? at.threshold : thresholdOf(sorted, at.count);
  const hopeless = data.bound?.neverSolvedScore;
  return (
    <div class="scored">
      <div class="scored-head">
        <p>
          <strong>{visibleString(name)}</strong>
        </p>
        <Button label={t.closed} onClick={() => void forgetImport()}>
          {t.close}
        </Button>
      </div>
      <p class="kept-count" id="kept-count" role="status">
        {t.kept(kept, data.prompts)}
        <span class="quiet"> · {t.share(data.prompts > 0 ? kept / data.prompts : 0)}</span>
      </p>
      <p class="quiet">
        {data.kind === 'scores' ? t.scoresAlone(data.prompts) : t.size(data.prompts, data.epochs)}
        {data.unscored > 0 && ` · ${t.unscored(data.unscored)}`}
        {data.adapter !== undefined && (
          <>
            {' · '}
            {t.computedOn(data.adapter)}
          </>
        )}
      </p>
      {data.noAdapter !== undefined && <p>{t.computedHere(data.noAdapter)}</p>}
      <Cutting sorted={sorted} kept={kept} threshold={threshold} />
      <Downloads />
      {hopeless !== undefined && threshold !== undefined && hopeless >= threshold && (
        <p class="problem" id="hopeless">
          {t.hopeless(hopeless)}
        </p>
      )}
      <figure>
        <figcaption>{t.histogram}</figcaption>
        <Histogram sorted={sorted} threshold={threshold} />
      </figure>
      {data.kind === 'matrix' && (
        <>
          <figure>
            <figcaption>{t.matrix(data.signal)}</figcaption>
            <MatrixMap data={data} order={order} kept={kept} />
          </figure>
          <figure>
            <figcaption>{t.meanCurve}</figcaption>
            <MeanCurve data={data} />
          </figure>
        </>
      )}
      {data.kind === 'matrix' && <Oddities data={data} />}
      <Tables data={data} order={order} kept={exact} />
    </div>
  );
}

/** Where the selection is cut: by a threshold, or by a number. */
function Cutting(props: {
  readonly sorted: Float64Array;
  readonly kept: number;
  readonly threshold: number | undefined;
}): JSX.Element {
  const { sorted, kept, threshold } = props;
  const t = dataText.value;
  const byCount = 'count' in cut.value;
  const theta = threshold ?? 1;
  const setThreshold = (value: number): void => {
    if (Number.isFinite(value)) cut.value = { threshold: value };
  };
  const setCount = (value: number): void => {
    if (Number.isInteger(value) && value >= 0) {
      cut.value = { count: Math.min(value, sorted.length) };
    }
  };
  return (
    <fieldset class="cutting">
      <legend>{t.cutLegend}</legend>
      <label class={byCount ? 'quiet' : ''}>
        <span>{t.threshold}</span>
        <input
          id="cut-threshold"
          type="range"
          min={HISTOGRAM_FLOOR}
          max={1}
          step={0.01}
          value={Math.max(HISTOGRAM_FLOOR, theta)}
          aria-valuetext={`θ ${fixed(theta, 2)}`}
          onInput={(event) => setThreshold(event.currentTarget.valueAsNumber)}
        />
        <input
          class="cut-number"
          type="number"
          max={1}
          step={0.01}
          aria-label={`θ: ${t.threshold}`}
          value={Number(theta.toFixed(4))}
          onChange={(event) => setThreshold(event.currentTarget.valueAsNumber)}
        />
      </label>
      <label class={byCount ? '' : 'quiet'}>
        <span>{t.count}</span>
        <input
          id="cut-count"
          type="range"
          min={0}
          max={sorted.length}
          step={1}
          value={kept}
          aria-valuetext={whole(kept)}
          onInput={(event) => setCount(event.currentTarget.valueAsNumber)}
        />
        <input
          class="cut-number"
          type="number"
          min={0}
          max={sorted.length}
          step={1}
          aria-label={`N: ${t.count}`}
          value={kept}
          onChange={(event) => setCount(event.currentTarget.valueAsNumber)}
        />
      </label>
    </fieldset>
  );
}

const BINS = 80;
const HISTOGRAM_HEIGHT = 120;
const AXIS = 22;

/** Counts of scores, those that are kept in LIM's colour. */
function Histogram(props: {
  readonly sorted: Float64Array;
  readonly threshold: number | undefined;
}): JSX.Element {
  const { sorted, threshold } = props;
  const t = dataText.value;
  const [host, width] = useWidth();
  const counts = useMemo(() => histogram(sorted, BINS), [sorted]);
  const most = Math.max(1, ...counts);
  const x = (score: number): number =>
    ((Math.max(HISTOGRAM_FLOOR, score) - HISTOGRAM_FLOOR) / (1 - HISTOGRAM_FLOOR)) * width;
  const bar = width / BINS;
  return (
    <div ref={host}>
      <svg
        width={width}
        height={HISTOGRAM_HEIGHT + AXIS}
        viewBox={`0 0 ${Math.max(1, width)} ${HISTOGRAM_HEIGHT + AXIS}`}
        role="img"
        aria-label={t.histogram}
        class="histogram"
      >
        {width > 0 &&
          counts.map((count, bin) => {
            const height = (HISTOGRAM_HEIGHT - 4) * (count / most);
            const least = HISTOGRAM_FLOOR + (bin * (1 - HISTOGRAM_FLOOR)) / BINS;
            const in_ = threshold !== undefined && least >= threshold - 1e-9;
            return (
              <rect
                class={in_ ? 'kept' : 'rejected'}
                x={bin * bar + 0.5}
                width={Math.max(0.5, bar - 1)}
                y={HISTOGRAM_HEIGHT - height}
                height={height}
              />
            );
          })}
        {threshold !== undefined && width > 0 && (
          <line class="cut-line" x1={x(threshold)} x2={x(threshold)} y1={0} y2={HISTOGRAM_HEIGHT} />
        )}
        {[-1, -0.5, 0, 0.5, 1].map((tick) => (
          <text
            class="tick-text"
            x={x(tick)}
            y={HISTOGRAM_HEIGHT + 16}
            text-anchor={tick === -1 ? 'start' : tick === 1 ? 'end' : 'middle'}
          >
            {tick === -1 ? t.below : fixed(tick, 1)}
          </text>
        ))}
      </svg>
    </div>
  );
}

const CURVE_HEIGHT = 150;
const CURVE_LEFT = 40;

/** The mean over the epochs, which scores are measured by. */
function MeanCurve({ data }: { readonly data: ImportedScores }): JSX.Element {
  const t = dataText.value;
  const [host, width] = useWidth();
  const { meanCurve, epochs, signal } = data;
  const [least, most] = signal === 'accuracy' ? [0, 1] : rangeOf(meanCurve);
  const x = (epoch: number): number =>
    CURVE_LEFT + 6 + (epochs < 2 ? 0.5 : epoch / (epochs - 1)) * (width - CURVE_LEFT - 16);
  const y = (mean: number): number =>
    8 + (1 - (mean - least) / (most - least || 1)) * (CURVE_HEIGHT - 16);
  const points = [...meanCurve].flatMap((mean, epoch) =>
    Number.isNaN(mean) ? [] : [`${x(epoch).toFixed(1)},${y(mean).toFixed(1)}`],
  );
  const ticks = [least, (least + most) / 2, most];
  return (
    <div ref={host}>
      <svg
        width={width}
        height={CURVE_HEIGHT + AXIS}
        viewBox={`0 0 ${Math.max(1, width)} ${CURVE_HEIGHT + AXIS}`}
        role="img"
        aria-label={t.meanCurve}
        class="mean-curve"
      >
        {width > 0 && (
          <>
            {ticks.map((tick) => (
              <>
                <line class="grid-line" x1={CURVE_LEFT} x2={width} y1={y(tick)} y2={y(tick)} />
                <text class="tick-text" x={CURVE_LEFT - 6} y={y(tick) + 4} text-anchor="end">
                  {fixed(tick, 2)}
                </text>
              </>
            ))}
            <polyline class="mean-line" points={points.join(' ')} />
            {points.length <= 40 &&
              points.map((point) => {
                const [cx, cy] = point.split(',');
                return <circle class="mean-dot" cx={cx} cy={cy} r={3} />;
              })}
            <text class="tick-text" x={x(0)} y={CURVE_HEIGHT + 16} text-anchor="start">
              {t.epoch(1)}
            </text>
            {epochs > 1 && (
              <text class="tick-text" x={width - 4} y={CURVE_HEIGHT + 16} text-anchor="end">
                {t.epoch(epochs)}
              </text>
            )}
          </>
        )}
      </svg>
    </div>
  );
}

function rangeOf(curve: Float64Array): readonly [number, number] {
  const known = curve.filter((mean) => !Number.isNaN(mean));
  if (known.length === 0) return [-1, 1];
  return [Math.min(-1, ...known), Math.max(1, ...known)];
}

const PAGE_ROWS = 20;

/** The figures as tables, and the prompts by score. */
function Tables(props: {
  readonly data: ImportedScores;
  readonly order: Uint32Array;
  readonly kept: readonly number[] | undefined;
}): JSX.Element {
  const { data, order, kept } = props;
  const t = dataText.value;
  const [opened, setOpened] = useState(false);
  const [first, setFirst] = useState(0);
  const [rows, setRows] = useState<readonly ImportedRow[]>([]);
  const isKept = useMemo(() => new Set(kept), [kept]);
  useEffect(() => setFirst(0), [data]);
  useEffect(() => {
    if (!opened) return undefined;
    let asked = true;
    const places = [...order.subarray(first, first + PAGE_ROWS)];
    rowsAt(places).then(
      (found) => {
        if (asked) setRows(found);
      },
      (error: unknown) => {
        if (asked) problem.value = error instanceof Error ? error.message : String(error);
      },
    );
    return () => {
      asked = false;
    };
  }, [opened, order, first]);
  return (
    <details class="tables" onToggle={(event) => setOpened(event.currentTarget.open)}>
      <summary>{t.table}</summary>
      {opened && (
        <div class="tables-body">
          {data.kind === 'matrix' && (
            <Scroll label={t.meanCurve}>
              <table>
                <thead>
                  <tr>
                    <th scope="col">{t.epochColumn}</th>
                    <th scope="col" class="number">
                      {t.meanColumn}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {[...data.meanCurve].map((mean, epoch) => (
                    <tr>
                      <td>{whole(epoch + 1)}</td>
                      <td class="number">{Number.isNaN(mean) ? t.missing : fixed(mean, 3)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scroll>
          )}
          <div>
            <h3>{t.prompts}</h3>
            <Pager first={first} size={PAGE_ROWS} rows={order.length} onFirst={setFirst} />
            <Scroll label={t.prompts}>
              <table id="imported-rows">
                <thead>
                  <tr>
                    <th scope="col">{t.prompt}</th>
                    <th scope="col" class="number">
                      {t.score}
                    </th>
                    {data.kind === 'matrix' &&
                      Array.from({ length: Math.min(data.epochs, 12) }, (_, epoch) => (
                        <th scope="col" class="number">
                          {t.epoch(epoch + 1)}
                        </th>
                      ))}
                    <th scope="col">{t.keptColumn}</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map(({ place, prompt, score }) => (
                    <tr>
                      <td>
                        <Code text={prompt.length > 300 ? `${prompt.slice(0, 300)} …` : prompt} />
                      </td>
                      <td class="number">{Number.isNaN(score) ? t.noScore : fixed(score, 4)}</td>
                      {data.kind === 'matrix' &&
                        Array.from({ length: Math.min(data.epochs, 12) }, (_, epoch) => {
                          const value = data.values[place * data.epochs + epoch] ?? NaN;
                          return (
                            <td class="number">{Number.isNaN(value) ? '–' : fixed(value, 2)}</td>
                          );
                        })}
                      <td>{kept ? (isKept.has(place) ? t.yes : t.no) : '…'}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scroll>
          </div>
        </div>
      )}
    </details>
  );
}

/** What did not fit together, and all that the command says. */
function Oddities({ data }: { readonly data: ImportedScores }): JSX.Element {
  const t = dataText.value;
  const found = odditiesOf(data.summary);
  return (
    <div class="oddities">
      {found.length === 0 ? (
        <p>{t.clean}</p>
      ) : (
        <>
          <h3>{t.odd}</h3>
          <ul>
            {found.map(([name, count]) => (
              <li data-oddity={name}>{t.oddities[name](count)}</li>
            ))}
          </ul>
        </>
      )}
      <details>
        <summary>{t.told}</summary>
        <pre lang="en" tabIndex={0} aria-label={t.told} class="told">
          {data.text
            .trim()
            .split('\n')
            .map((line) => visibleString(line))
            .join('\n')}
        </pre>
      </details>
    </div>
  );
}

/** The files that leave the page. */
function Downloads(): JSX.Element {
  const t = dataText.value;
  const [format, setFormat] = useState<ExportFormat>();
  return (
    <div class="downloads" role="group" aria-label={t.downloads}>
      <Button id="download-scores" onClick={() => void downloadScores()}>
        {t.downloadScores}
      </Button>
      <label>
        <span>{t.subset}</span>
        <select
          value={format ?? ''}
          onChange={(event) =>
            setFormat(exportFormats.find((one) => one === event.currentTarget.value))
          }
        >
          <option value="">{t.subsetSame}</option>
          {exportFormats.map((name) => (
            <option value={name}>{name}</option>
          ))}
        </select>
      </label>
      <Button id="download-subset" class="primary" onClick={() => void downloadSubset(format)}>
        {t.downloadSubset}
      </Button>
    </div>
  );
}

/** The options of `limr score`, as one types them. */
const options = {
  signal: '--signal',
  compat: '--compat',
  format: '--format',
  reward: '--reward',
  epochs: '--epochs',
  stepsPerEpoch: '--steps-per-epoch',
  allowPartial: '--allow-partial',
  prompts: '--prompts',
} as const;

/** How the files are read: the options of `limr score`. */
function Ways({ open }: { readonly open: boolean }): JSX.Element {
  const t = dataText.value;
  const now = settings.value;
  const prompts = pool.value;
  const file = useRef<HTMLInputElement>(null);
  const [epochs, setEpochs] = useState(now.epochs === undefined ? '' : String(now.epochs));
  const [steps, setSteps] = useState(
    now.stepsPerEpoch === undefined ? '' : String(now.stepsPerEpoch),
  );
  const [reward, setReward] = useState(now.reward ?? '');
  const [wrong, setWrong] = useState('');
  const change = (changed: Partial<ImportSettings>): void => readAgain(changed);
  const typed = (): void => {
    let field = t.epochs;
    try {
      const given = { epochs: wholeOf(epochs), stepsPerEpoch: undefined as number | undefined };
      field = t.stepsPerEpoch;
      given.stepsPerEpoch = wholeOf(steps);
      setWrong('');
      change({ ...given, reward: reward.trim() === '' ? undefined : reward.trim() });
    } catch {
      setWrong(t.outOfRange(field));
    }
  };
  return (
    <details class="ways" open={open}>
      <summary>{t.ways}</summary>
      <div class="controls">
        <label>
          <span>
            {t.signal} <code>{options.signal}</code>
          </span>
          <select
            value={now.signal}
            onChange={(event) =>
              change({ signal: event.currentTarget.value === 'reward' ? 'reward' : 'accuracy' })
            }
          >
            <option value="accuracy">{t.signals.accuracy}</option>
            <option value="reward">{t.signals.reward}</option>
          </select>
        </label>
        <label>
          <span>
            {t.rule} <code>{options.compat}</code>
          </span>
          <select
            value={now.rule}
            onChange={(event) =>
              change({ rule: event.currentTarget.value === 'limr' ? 'limr' : 'corrected' })
            }
          >
            <option value="corrected">{t.rules.corrected}</option>
            <option value="limr">{t.rules.limr}</option>
          </select>
        </label>
        <label>
          <span>
            {t.format} <code>{options.format}</code>
          </span>
          <select
            value={now.format}
            onChange={(event) => change({ format: event.currentTarget.value })}
          >
            <option value="auto">{t.formatAuto}</option>
            {[...rolloutFormats, 'safetensors'].map((name) => (
              <option value={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          <span>
            {t.reward} <code>{options.reward}</code>
          </span>
          <input
            type="text"
            value={reward}
            placeholder={t.byFile}
            title={t.rewardHint}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => setReward(event.currentTarget.value)}
          />
        </label>
        <label>
          <span>
            {t.epochs} <code>{options.epochs}</code>
          </span>
          <input
            type="text"
            inputMode="numeric"
            value={epochs}
            placeholder={t.byFile}
            onInput={(event) => setEpochs(event.currentTarget.value)}
          />
        </label>
        <label>
          <span>
            {t.stepsPerEpoch} <code>{options.stepsPerEpoch}</code>
          </span>
          <input
            type="text"
            inputMode="numeric"
            value={steps}
            placeholder={t.byFile}
            onInput={(event) => setSteps(event.currentTarget.value)}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={now.allowPartial}
            onChange={(event) => change({ allowPartial: event.currentTarget.checked })}
          />
          <span>
            {t.allowPartial} <code>{options.allowPartial}</code>
          </span>
        </label>
        <Button onClick={typed}>{t.readAgain}</Button>
      </div>
      {wrong !== '' && (
        <p class="problem" role="alert">
          {wrong}
        </p>
      )}
      <div class="chosen">
        <p>
          {t.pool} <code>{options.prompts}</code>:{' '}
          {prompts ? (
            <strong>{visibleString(prompts.name)}</strong>
          ) : (
            <span class="quiet">{t.poolNone}</span>
          )}
        </p>
        <div class="buttons">
          <Button onClick={() => file.current?.click()}>{t.choosePool}</Button>
          {prompts && (
            <Button
              onClick={() => {
                pool.value = undefined;
                readAgain({});
              }}
            >
              {t.dropPool}
            </Button>
          )}
        </div>
        <input
          ref={file}
          type="file"
          hidden
          aria-label={t.pool}
          accept=".jsonl,.json,.parquet,.arrow"
          onChange={(event) => {
            const [one] = event.currentTarget.files ?? [];
            if (one) {
              pool.value = { name: one.name, file: one };
              readAgain({});
            }
            event.currentTarget.value = '';
          }}
        />
      </div>
    </details>
  );
}

const wholeOf = (text: string): number | undefined => {
  const value = typedNumber(text, 1, 1_000_000);
  if (value === undefined || Number.isInteger(value)) return value;
  throw new RangeError(text);
};
