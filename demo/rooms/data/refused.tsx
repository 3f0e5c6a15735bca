// What to do about a link or settings that no tab can run.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { commandOf, faultOf } from '../../link.ts';
import { badLink } from '../../state/stage.ts';
import { plainWish } from '../../state/url.ts';
import { settingsText } from '../../strings/settings.ts';
import { Button } from '../../views/markup.tsx';
import { described, fillControls } from './settings.ts';

/** The banner of a link whose run is not allowed; the message itself stands above. */
export function BadLink(props: { readonly edit: () => void }): JSX.Element | null {
  const t = settingsText.value;
  if (!badLink.value) return null;
  return (
    <div id="bad-link" class="card notice">
      <p>{t.badLink}</p>
      <div class="buttons">
        <Button
          class="primary"
          onClick={() => {
            badLink.value = false;
            fillControls.peek()(plainWish);
          }}
        >
          {t.useQuick}
        </Button>
        <Button
          onClick={() => {
            badLink.value = false;
            props.edit();
          }}
        >
          {t.edit}
        </Button>
      </div>
    </div>
  );
}

/** What would fit in place of what is too large for a tab, and the command that takes it as it is. */
export function TooLarge(): JSX.Element | null {
  const t = settingsText.value;
  const { tooLarge, wish } = described.value;
  const [copied, setCopied] = useState('');
  if (!tooLarge) return null;
  const { part, fit } = tooLarge;
  const command = commandOf(wish);
  return (
    <div id="too-large" class="too-large">
      <p>{t.tooLarge(part)}</p>
      {fit && (
        <div class="buttons">
          <span>
            <code>
              {fit.path} {fit.value}
            </code>{' '}
            {t.fits}
          </span>
          <Button onClick={() => fillControls.peek()(fit.wish)}>{t.useFit(fit.value)}</Button>
        </div>
      )}
      <p>{t.inTerminal}</p>
      <pre class="told" tabIndex={0} aria-label={t.inTerminal}>
        {command}
      </pre>
      <div class="buttons">
        <Button
          onClick={() => {
            navigator.clipboard.writeText(command).then(
              () => setCopied(command),
              () => setCopied(''),
            );
          }}
        >
          {t.copy}
        </Button>
        <span role="status" class="hint">
          {copied === command ? t.copied : ''}
        </span>
      </div>
    </div>
  );
}

/** Puts the focus on the field that is refused, else on the JSON of the settings. */
export function editSettings(): void {
  const panel = document.getElementById('settings');
  if (panel instanceof HTMLDetailsElement) panel.open = true;
  const fault = faultOf(described.peek().refusal);
  // The form is drawn after this turn.
  setTimeout(() => {
    const field = fault && document.getElementById(`setting-${fault.path.replaceAll('.', '-')}`);
    (field ?? document.getElementById('overrides'))?.focus();
  }, 0);
}
