// What the banner has beside the rooms, loaded after the first picture: language, colours, the list of keys.
import './choices.css';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { scheme } from '../scheme.ts';
import { chooseLanguage, chooseTheme } from '../preferences.ts';
import { language } from '../state/stage.ts';
import { languages, type Language } from '../state/url.ts';
import { keysText } from '../strings/keys.ts';
import { runText } from '../strings/run.ts';
import { keysShown } from './banner.tsx';

/** Each language by its own name. */
const names: Readonly<Record<Language, string>> = { en: 'English', de: 'Deutsch', zh: '中文' };

export function Choices(): JSX.Element {
  const text = runText.value;
  const dark = scheme.value === 'dark';
  return (
    <>
      <label class="language">
        <span class="visually-hidden">{text.language}</span>
        <select
          id="language"
          value={language.value}
          onChange={({ currentTarget }) => {
            const chosen = languages.find((one) => one === currentTarget.value);
            if (chosen) chooseLanguage(chosen);
          }}
        >
          {languages.map((one) => (
            <option key={one} value={one} lang={one}>
              {names[one]}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        id="theme"
        class="round"
        aria-label={text.dark}
        aria-pressed={dark}
        onClick={() => chooseTheme(dark ? 'light' : 'dark')}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M12 4a8 8 0 1 0 0 16z" class="filled" />
          <circle cx="12" cy="12" r="8" />
        </svg>
      </button>
      <Keys />
    </>
  );
}

function Keys(): JSX.Element {
  const text = keysText.value;
  const dialog = useRef<HTMLDialogElement>(null);
  const open = keysShown.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      class="keys"
      aria-labelledby="keys-title"
      onClose={() => (keysShown.value = false)}
    >
      <h2 id="keys-title">{text.title}</h2>
      <dl>
        {text.keys.map(([key, does]) => (
          <>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </>
        ))}
      </dl>
      <p class="hint">{text.harmless}</p>
      <button type="button" onClick={() => (keysShown.value = false)}>
        {text.close}
      </button>
    </dialog>
  );
}
