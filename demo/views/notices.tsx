// What happens beside the run, with the one thing to do about it; nothing is done unasked.
import './notices.css';
import type { JSX } from 'preact';
import { newVersion } from '../offline/register.ts';
import { noticesText } from '../strings/notices.ts';
import { offer } from '../tabs/watch.ts';
import { Button } from './markup.tsx';

export function Notices(): JSX.Element {
  const text = noticesText.value;
  const [other, take] = [offer.value, newVersion.value];
  const any = other !== undefined || take !== undefined;
  return (
    // It is there before it says something: so a screen reader hears what comes.
    <div class={any ? 'notices' : ''} role="status" aria-label={text.name}>
      {other?.kind === 'run' && (
        <p>
          {text.otherTab}{' '}
          <Button id="watch" onClick={other.watch}>
            {text.watch}
          </Button>
        </p>
      )}
      {other?.kind === 'other-version' && <p>{text.otherVersion}</p>}
      {take && (
        <p>
          {text.newVersion}{' '}
          <Button id="take-version" onClick={take}>
            {text.reload}
          </Button>
        </p>
      )}
    </div>
  );
}
