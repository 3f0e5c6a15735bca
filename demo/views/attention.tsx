// What a model looks at while it writes an answer: a matrix of the answer's tokens by the tokens before
// them, and the same as a table.
import './attention.css';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Attention as Attended, Inspected } from '../../src/index.ts';
import {
  isWhole,
  mostSeen,
  partAround,
  placesOf,
  seenBefore,
  shareOf,
  type Head,
  type Part,
} from '../state/attention.ts';
import { attentionText } from '../strings/attention.ts';
import { Filled } from './filled.tsx';
import { Button, Code } from './markup.tsx';
import { Scroll } from './table.tsx';

/** Layers or heads that have a button each; more are chosen from a list. */
const MOST_BUTTONS = 8;
/** Tokens that are named for the token that is looked at. */
const NAMED = 5;

/** Asks for the attention of a layer, from 0; of the last one where none is named. */
export type Attend = (response: readonly number[], layer: number | undefined) => Promise<Attended>;

/** What was asked, and what came of it. */
type Found = { readonly key: string } & (
  | { readonly attended: Attended; readonly failed?: never }
  | { readonly failed: string; readonly attended?: never }
);

/**
 * @param props.response Token ids of the answer.
 * @param props.place The token that is looked at.
 * @param props.by Whose tokens are shown.
 */
export function Attention(props: {
  readonly response: readonly number[];
  readonly attend: Attend;
  readonly place: number;
  readonly by: Inspected['by'];
  readonly onPlace: (place: number) => void;
}): JSX.Element {
  const { response, attend, place, by, onPlace } = props;
  const text = attentionText.value;
  const [layer, setLayer] = useState<number>();
  const [head, setHead] = useState<Head>();
  const [found, setFound] = useState<Found>();
  const known = useRef(new Map<string, Attended>());
  const key = `${layer ?? 'last'} ${response.join()}`;
  useEffect(() => {
    let asked = true;
    const settle = (what: Found): void => {
      if (asked) setFound(what);
    };
    const held = known.current.get(key);
    if (held) settle({ key, attended: held });
    else {
      attend(response, layer).then(
        (attended) => {
          known.current.set(key, attended);
          settle({ key, attended });
        },
        (error: unknown) =>
          settle({ key, failed: error instanceof Error ? error.message : String(error) }),
      );
    }
    return () => {
      asked = false;
    };
  }, [key]);
  const now = found?.key === key ? found : undefined;
  const attended = now?.attended;
  const [any] = known.current.values();
  const later = attended?.by.training?.update;
  return (
    <div class="attention">
      <p class="hint">{text.hint}</p>
      {any && (
        <>
          <Choice
            name={text.layer}
            count={any.layers}
            chosen={layer ?? any.layers - 1}
            label={text.layerName}
            onChoose={setLayer}
          />
          <Choice
            name={text.head}
            count={any.heads}
            chosen={head}
            label={text.headName}
            none={text.mean}
            onChoose={setHead}
          />
        </>
      )}
      {!now && <p class="quiet">{text.waiting}</p>}
      {now?.failed !== undefined && (
        <p class="problem">
          <Filled text={text.failed} parts={{ why: <span lang="en">{now.failed}</span> }} />
        </p>
      )}
      {attended && (
        <>
          {later !== undefined && later !== by.training?.update && (
            <p class="hint">{text.later(later)}</p>
          )}
          <Shown attended={attended} head={head} place={place} onPlace={onPlace} />
        </>
      )}
    </div>
  );
}

/** Chooses a layer or a head: by buttons where they are few. */
function Choice(props: {
  readonly name: string;
  readonly count: number;
  readonly chosen: Head;
  readonly label: (one: number) => string;
  /** The name of none of them; left out where one must be chosen. */
  readonly none?: string;
  readonly onChoose: (one: Head) => void;
}): JSX.Element {
  const { name, count, chosen, label, none, onChoose } = props;
  const all = Array.from({ length: count }, (_, one) => one);
  if (count > MOST_BUTTONS) {
    return (
      <label class="sample">
        <span>{name}</span>{' '}
        <select
          value={chosen === undefined ? '' : String(chosen)}
          onChange={({ currentTarget: { value } }) =>
            onChoose(value === '' ? undefined : Number(value))
          }
        >
          {none !== undefined && <option value="">{none}</option>}
          {all.map((one) => (
            <option value={String(one)}>{one + 1}</option>
          ))}
        </select>
      </label>
    );
  }
  return (
    <div class="rounds" role="group" aria-label={name}>
      <span class="quiet">{name}</span>
      {none !== undefined && (
        <Button
          class="round-button"
          pressed={chosen === undefined}
          onClick={() => onChoose(undefined)}
        >
          {none}
        </Button>
      )}
      {all.map((one) => (
        <Button
          key={one}
          class="round-button"
          label={label(one + 1)}
          pressed={chosen === one}
          onClick={() => onChoose(one)}
        >
          {one + 1}
        </Button>
      ))}
    </div>
  );
}

interface ShownProps {
  readonly attended: Attended;
  readonly head: Head;
  readonly place: number;
  readonly onPlace: (place: number) => void;
}

function Shown({ attended, head, place, onPlace }: ShownProps): JSX.Element {
  const text = attentionText.value;
  const { tokens, seen, layer } = attended;
  const token = Math.min(place, tokens.length - 1);
  const part = partAround(attended, token);
  const name = text.matrix(layer + 1, head === undefined ? text.mean : text.headName(head + 1));
  return (
    <>
      <p class="looks" aria-live="polite">
        <Filled text={text.looks} parts={{ token: <Code text={tokens[token] ?? ''} /> }} />{' '}
        {mostSeen(attended, head, token, NAMED).map(({ at, share }) => (
          <span key={at} class="step">
            <span class="quiet">{at + 1}.</span> <Code text={seen[at] ?? ''} /> {text.share(share)}
          </span>
        ))}
      </p>
      {!isWhole(attended, part) && (
        <p class="hint">
          {text.part(part.rows[1] - part.rows[0], tokens.length, part.columns[1] - part.columns[0])}
        </p>
      )}
      <Matrix {...{ attended, head, part, token, name, onPlace }} />
      <details class="attention-table">
        <summary>{text.table}</summary>
        <Shares {...{ attended, head, part, name }} />
      </details>
    </>
  );
}

/** Squares by their shares. Their numbers are in the table below, which is for whoever reads by ear. */
function Matrix(props: {
  readonly attended: Attended;
  readonly head: Head;
  readonly part: Part;
  readonly token: number;
  readonly name: string;
  readonly onPlace: (place: number) => void;
}): JSX.Element {
  const { attended, head, part, token, name, onPlace } = props;
  const text = attentionText.value;
  const columns = placesOf(part.columns);
  return (
    <div class="scroll" role="img" aria-label={name} tabIndex={0}>
      <div class="shares" style={{ gridTemplateColumns: `auto repeat(${columns.length}, 22px)` }}>
        <span class="corner quiet">{text.written}</span>
        {columns.map((at) => (
          <span key={at} class={at < attended.promptTokens ? 'seen' : 'seen own'}>
            <Code text={attended.seen[at] ?? ''} />
          </span>
        ))}
        {placesOf(part.rows).map((row) => (
          <div
            key={row}
            class={row === token ? 'share-row looked' : 'share-row'}
            onClick={() => onPlace(row)}
          >
            <span class="token">
              <Code text={attended.tokens[row] ?? ''} />
            </span>
            {columns.map((at) => {
              if (at >= seenBefore(attended, row)) return <span key={at} class="unseen" />;
              const share = shareOf(attended, head, row, at);
              const side = `${Math.round(100 * Math.sqrt(share))}%`;
              return (
                <span
                  key={at}
                  class="share"
                  title={`${attended.tokens[row] ?? ''} ← ${attended.seen[at] ?? ''}: ${text.share(share)}`}
                >
                  <span style={{ width: side, height: side }} />
                </span>
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}

function Shares(props: {
  readonly attended: Attended;
  readonly head: Head;
  readonly part: Part;
  readonly name: string;
}): JSX.Element {
  const { attended, head, part, name } = props;
  const text = attentionText.value;
  const columns = placesOf(part.columns);
  const ofPrompt = columns.filter((at) => at < attended.promptTokens).length;
  return (
    <Scroll label={name}>
      <table>
        <thead>
          <tr>
            <td />
            {ofPrompt > 0 && (
              <th scope="colgroup" colSpan={ofPrompt}>
                {text.prompt}
              </th>
            )}
            {ofPrompt < columns.length && (
              <th scope="colgroup" colSpan={columns.length - ofPrompt}>
                {text.answer}
              </th>
            )}
          </tr>
          <tr>
            <th scope="col">{text.written}</th>
            {columns.map((at) => (
              <th key={at} scope="col" class="number">
                <Code text={attended.seen[at] ?? ''} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {placesOf(part.rows).map((row) => (
            <tr key={row}>
              <th scope="row">
                <Code text={attended.tokens[row] ?? ''} />
              </th>
              {columns.map((at) => (
                <td key={at} class="number">
                  {at < seenBefore(attended, row)
                    ? text.share(shareOf(attended, head, row, at))
                    : ''}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
