// Says whose numbers a lesson shows, and changes between those recorded and those of the run under way.
import type { JSX } from 'preact';
import { learnText } from '../../strings/learn.ts';
import { asker } from '../../state/asking.ts';
import { follow, live } from '../../state/stage.ts';
import { Button } from '../../views/markup.tsx';
import type { OfUpdate, OwnNumbers } from './own-numbers.ts';

/** The run under way, if it has made an update. */
const runUnderWay = () => {
  const run = live.value;
  return run && Object.keys(follow(run).updates).length > 0 ? run : undefined;
};

/** The numbers of the run under way that a lesson has been given. */
export function ownOf<Numbers>(own: OwnNumbers<Numbers>): Numbers | undefined {
  const found = own.of(live.value);
  return found.state === 'here' ? found.numbers : undefined;
}

export function OwnSource<Numbers extends OfUpdate>(props: {
  readonly own: OwnNumbers<Numbers>;
  /** Whether what the run answered has what the lesson shows. */
  readonly fits?: (numbers: Numbers) => boolean;
  readonly recorded: JSX.Element | undefined;
}): JSX.Element {
  const { own, fits = () => true, recorded } = props;
  const words = learnText.value;
  const run = runUnderWay();
  const ask = asker.value;
  const found = own.of(live.value);
  const take = run?.running && ask ? () => own.take(ask, run) : undefined;
  const here = found.state === 'here' && fits(found.numbers) ? found.numbers : undefined;
  return (
    <>
      {here ? words.ofUpdate(here.method.toUpperCase(), here.update) : recorded}{' '}
      {found.state === 'here' && !here && <>{words.ownLacks} </>}
      {found.state === 'refused' && (
        <>
          {words.ownRefused} <span lang="en">{found.why}</span>{' '}
        </>
      )}
      {found.state === 'asking' ? (
        <span role="status">{words.ownAsked} </span>
      ) : (
        <>
          {take && (
            <>
              <Button id="own-numbers" class="link" onClick={take}>
                {here ? words.takeNewer : words.takeOwn}
              </Button>{' '}
            </>
          )}
          {here && recorded && (
            <>
              <Button class="link" onClick={() => own.leave()}>
                {words.takeRecorded}
              </Button>{' '}
            </>
          )}
        </>
      )}
    </>
  );
}
