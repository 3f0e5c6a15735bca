// An answer token by token: cells coloured by what the networks say of each, and the same as a table.
import type { JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Inspected, InspectedToken } from '../../src/index.ts';
import {
  channelsOf,
  channels,
  numberText,
  placeAfter,
  reachOf,
  stepOf,
  type Channel,
} from '../state/tokens.ts';
import { attentionText } from '../strings/attention.ts';
import { percent } from '../strings/numbers.ts';
import { tokensText, type TokensText } from '../strings/tokens.ts';
import { visibleString } from '../visible-text.ts';
import { Attention, type Attend } from './attention.tsx';
import { Button, Code } from './markup.tsx';

/**
 * The tokens of answers, one answer at a time. The first cell takes the focus when they come.
 *
 * @param props.row The answer that is shown first.
 * @param props.title Whose they are.
 */
export function Tokens(props: {
  readonly inspected: Inspected;
  readonly row: number;
  readonly title: string;
  readonly attend: Attend;
  readonly onClose: () => void;
}): JSX.Element {
  const { inspected, title, attend, onClose } = props;
  const text = tokensText.value;
  const [row, setRow] = useState(props.row);
  const [wanted, setWanted] = useState<Channel['key']>('logprob');
  const [place, setPlace] = useState(0);
  const [pointed, setPointed] = useState<number>();
  const [attends, setAttends] = useState(false);
  const cells = useRef<HTMLOListElement>(null);
  const id = useId();
  useEffect(() => {
    setRow(props.row);
    setPlace(0);
    focusCell(cells.current, 0);
  }, [inspected, props.row]);
  const response = inspected.responses[row];
  const tokens = response?.tokens ?? [];
  const there = channelsOf(tokens);
  const channel = there.find(({ key }) => key === wanted) ?? there[0] ?? channels[0];
  if (!response || !channel) return <p class="quiet">{text.none}</p>;
  const reach = reachOf(channel, tokens);
  const shown = tokens[Math.min(pointed ?? place, tokens.length - 1)];
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { target } = event;
    // Lists and what scrolls have their own use of the arrows.
    const isOwn = target instanceof Element && target.closest('select, .scroll') !== null;
    if (isOwn && event.key !== 'Escape') return;
    const to = placeAfter(event.key, place, tokens.length);
    const chosen = /^[1-7]$/.test(event.key) ? channels[Number(event.key) - 1] : undefined;
    if (to !== undefined) {
      setPlace(to);
      setPointed(undefined);
      focusCell(cells.current, to);
    } else if (chosen) {
      if (there.includes(chosen)) setWanted(chosen.key);
    } else if (event.key === 'Escape') onClose();
    else return;
    event.preventDefault();
  };
  return (
    <section class="tokens" aria-labelledby={id} onKeyDown={onKeyDown}>
      <div class="inspector-head">
        <h3 id={id}>{title}</h3>
        <Button class="link" label={text.closeName} onClick={onClose}>
          {text.close}
        </Button>
      </div>
      {inspected.responses.length > 1 && (
        <label class="sample">
          <span>{text.answer}</span>{' '}
          <select
            value={String(row)}
            onChange={(event) => {
              setRow(Number(event.currentTarget.value));
              setPlace(0);
            }}
          >
            {inspected.responses.map((one, i) => (
              <option value={String(i)}>
                {i + 1}: {visibleString(one.text).slice(0, 60)}
              </option>
            ))}
          </select>
        </label>
      )}
      <div class="rounds" role="group" aria-label={text.colourBy}>
        {channels.map((one, i) => (
          <Button
            key={one.key}
            class="round-button"
            pressed={one === channel}
            disabled={!there.includes(one)}
            onClick={() => setWanted(one.key)}
          >
            <span class="key" aria-hidden="true">
              {i + 1}
            </span>{' '}
            {text.channels[one.key].name}
          </Button>
        ))}
      </div>
      <p class="hint">
        {text.hint(
          text.channels[channel.key].name,
          channel.inNats ? text.nats : '',
          text.channels[channel.key].meaning,
          channel.middle,
          numberText(reach),
        )}
      </p>
      <ol class="cells" ref={cells} onMouseLeave={() => setPointed(undefined)}>
        {tokens.map((token, i) => (
          <li key={i}>
            <Cell
              token={token}
              channel={channel}
              reach={reach}
              reached={i === place}
              onFocus={() => {
                setPlace(i);
                setPointed(undefined);
              }}
              onPoint={() => setPointed(i)}
            />
          </li>
        ))}
      </ol>
      {shown && <Detail token={shown} channel={channel} />}
      <details
        class="token-attention"
        open={attends}
        onToggle={({ currentTarget }) => setAttends(currentTarget.open)}
      >
        <summary>{attentionText.value.title}</summary>
        {attends && (
          <Attention
            key={JSON.stringify([inspected.by, inspected.prompt.text])}
            response={tokens.map(({ id }) => id)}
            attend={attend}
            place={place}
            by={inspected.by}
            onPlace={(to) => {
              setPlace(to);
              setPointed(undefined);
            }}
          />
        )}
      </details>
      <details class="token-table">
        <summary>{text.table}</summary>
        <TokenTable tokens={tokens} />
      </details>
    </section>
  );
}

function focusCell(cells: HTMLElement | null, place: number): void {
  cells?.querySelectorAll('button')[place]?.focus();
}

function Cell(props: {
  readonly token: InspectedToken;
  readonly channel: Channel;
  readonly reach: number;
  readonly reached: boolean;
  readonly onFocus: () => void;
  readonly onPoint: () => void;
}): JSX.Element {
  const { token, channel, reach, reached, onFocus, onPoint } = props;
  const value = token[channel.key];
  const step = stepOf(channel, value, reach);
  const clipped = token.clipped === true;
  const text = tokensText.value;
  const words = text.cell(text.channels[channel.key].name, numberText(value), clipped);
  return (
    <button
      type="button"
      class={clipped ? 'cell clipped' : 'cell'}
      tabIndex={reached ? 0 : -1}
      aria-label={`${visibleString(token.text)}: ${words}`}
      style={{ background: step === undefined ? 'var(--missing)' : `var(--difference-${step})` }}
      onFocus={onFocus}
      onMouseEnter={onPoint}
    >
      <Code text={token.text} />
      <span class="cell-value">{numberText(value)}</span>
    </button>
  );
}

/** The token that is looked at: its value, and what could have stood in its place. */
function Detail(props: { readonly token: InspectedToken; readonly channel: Channel }): JSX.Element {
  const { token, channel } = props;
  const text = tokensText.value;
  return (
    <div class="token-detail">
      <p>
        <Code text={token.text} /> {text.channels[channel.key].within}{' '}
        <strong>{numberText(token[channel.key])}</strong> {channel.inNats && text.nats}
        {token.clipped === true && ` · ${text.heldBack}`}
        <span class="quiet"> · {text.probability(Math.exp(token.logprob))}</span>
      </p>
      {token.alternatives.length > 0 && (
        <>
          <p class="quiet">{text.likely}</p>
          <ol class="likely">
            {token.alternatives.map(({ id, text, probability }) => (
              <li key={id} class={id === token.id ? 'taken' : ''}>
                <Code text={text} />
                <span class="bar">
                  <span style={{ width: `${100 * probability}%` }} />
                </span>
                <span class="number">{percent(probability, 1)}</span>
              </li>
            ))}
          </ol>
        </>
      )}
    </div>
  );
}

const columnsOf = (
  text: TokensText,
): readonly (readonly [string, (token: InspectedToken) => string])[] => [
  [text.channels.logprob.name, ({ logprob }) => numberText(logprob)],
  [text.baseLogprob, ({ baseLogprob }) => numberText(baseLogprob)],
  [text.channels.kl.name, ({ kl }) => numberText(kl)],
  [text.channels.entropy.name, ({ entropy }) => numberText(entropy)],
  [text.channels.value.name, ({ value }) => numberText(value)],
  [text.channels.reward.name, ({ reward }) => numberText(reward)],
  [text.channels.advantage.name, ({ advantage }) => numberText(advantage)],
  [text.return, (token) => numberText(token.return)],
  [text.channels.ratio.name, ({ ratio }) => numberText(ratio)],
  [text.clipped, ({ clipped }) => (clipped === null ? '–' : clipped ? text.yes : text.no)],
];

function TokenTable({ tokens }: { readonly tokens: readonly InspectedToken[] }): JSX.Element {
  const text = tokensText.value;
  const columns = columnsOf(text);
  return (
    <div class="scroll" role="region" aria-label={text.tableName} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{text.token}</th>
            {columns.map(([name]) => (
              <th scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tokens.map((token, i) => (
            <tr key={i}>
              <th scope="row">
                <Code text={token.text} />
              </th>
              {columns.map(([name, told]) => (
                <td key={name} class="number">
                  {told(token)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
