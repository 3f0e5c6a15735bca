// The prompts as a table: the same numbers as the pictures, for reading and for the keyboard.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RunView } from '../../../src/index.ts';
import { chosen, follow, inspected } from '../../state/stage.ts';
import { fixed, whole } from '../../strings/numbers.ts';
import { promptsText } from '../../strings/prompts.ts';
import { Button, Code } from '../../views/markup.tsx';
import { Pager, pageStart, Scroll } from '../../views/table.tsx';
import { keptNow, wantedNow } from './choice.ts';

const PAGE_ROWS = 10;
/** Most epochs that have a column of their own. */
const MOST_EPOCHS = 8;

/** A number of a cell; a dash for none. */
export const numberText = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? '–' : fixed(value, 2);

export function PromptTable({ run }: { readonly run: RunView }): JSX.Element {
  follow(run);
  const text = promptsText.value;
  const [wish, setFirst] = useState(0);
  const wanted = wantedNow(run);
  const first = pageStart(wish, wanted.length, PAGE_ROWS);
  const rows = wanted.slice(first, first + PAGE_ROWS);
  const kept = keptNow(run);
  const drawn = run.pool.some(({ origin }) => origin !== undefined);
  const epochs = run.columns.length <= MOST_EPOCHS ? [...run.columns.keys()] : [];
  return (
    <>
      <Pager first={first} size={PAGE_ROWS} rows={wanted.length} onFirst={setFirst} />
      <Scroll label={text.tableLabel}>
        <table class="prompt-table">
          <thead>
            <tr>
              <th scope="col">{text.prompt}</th>
              <th scope="col" class="number">
                {text.score}
              </th>
              <th scope="col" class="number">
                {text.mean}
              </th>
              {epochs.map((epoch) => (
                <th key={epoch} scope="col" class="number">
                  <abbr title={text.epochLong(whole(epoch + 1))}>
                    {text.epochColumn(whole(epoch + 1))}
                  </abbr>
                </th>
              ))}
              {drawn && <th scope="col">{text.origin}</th>}
              <th scope="col">{text.cut}</th>
            </tr>
          </thead>
          <tbody id="list">
            {rows.length === 0 && (
              <tr>
                <td class="quiet" colSpan={4 + epochs.length + Number(drawn)}>
                  {text.noSuch}
                </td>
              </tr>
            )}
            {rows.map((prompt) => {
              const { origin, wrongKey = false } = run.pool[prompt] ?? {};
              return (
                <tr key={prompt}>
                  <th scope="row">
                    <Button
                      class="prompt"
                      pressed={inspected.value === prompt}
                      onClick={() => (chosen.value = prompt)}
                    >
                      <Code text={run.textOf(prompt)} />
                    </Button>
                  </th>
                  <td class="number">{numberText(run.scoreOf(prompt))}</td>
                  <td class="number">{numberText(run.meanOf(prompt))}</td>
                  {epochs.map((epoch) => (
                    <td key={epoch} class="number">
                      {numberText(run.columns[epoch]?.[prompt])}
                    </td>
                  ))}
                  {drawn && (
                    <td>
                      {origin === undefined ? '' : text.origins[origin]}
                      {wrongKey && `, ${text.withWrongKey}`}
                    </td>
                  )}
                  <td>{kept ? (kept.has(prompt) ? text.kept : '–') : ''}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}
