// Every setting of a run, as the schema of configs knows it: the JSON of the controls field by field.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { SettingField } from '../../../src/entries/browser.ts';
import { presets, presetSeeds, PRETRAINED, pretrained } from '../../../src/index.ts';
import { faultOf, settingAt, withSetting, workOf } from '../../link.ts';
import { plain, whole } from '../../strings/numbers.ts';
import { settingsText } from '../../strings/settings.ts';
import { Button } from '../../views/markup.tsx';
import { visibleString } from '../../visible-text.ts';
import { described, fillControls, sentenceOf, settingsShown } from './settings.ts';

/** The settings that the controls replace; undefined while their JSON cannot be read. */
function replacedSettings(text: string): object | undefined {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function SettingsForm(): JSX.Element | null {
  const t = settingsText.value;
  const { wish, choice, refusal, busy } = described.value;
  const [search, setSearch] = useState('');
  const own = wish.preset === PRETRAINED;
  const trained = choice?.config.adapter === null ? 'full' : 'lora';
  const reference: unknown = own ? pretrained[trained] : presets[wish.preset];
  const shown = choice?.config ?? (own ? undefined : presets[wish.preset]);
  const over = replacedSettings(wish.overrides);
  if (!shown) return <p class="quiet">{t.chooseFirst}</p>;
  if (!over) return <p class="problem">{t.jsonFirst}</p>;
  const fault = faultOf(refusal);
  const words = search.trim().toLowerCase();
  const fields = settingsShown(shown, own).filter(
    ({ path }) =>
      words === '' ||
      path.toLowerCase().includes(words) ||
      sentenceOf(path).toLowerCase().includes(words),
  );
  const groups = [...new Set(fields.map(groupOf))];
  const change = (path: string, value: unknown): void => {
    const next = withSetting(over, path, value);
    const overrides = Object.keys(next).length === 0 ? '' : JSON.stringify(next);
    fillControls.peek()({ ...wish, overrides });
  };
  return (
    <fieldset class="settings-form" disabled={busy}>
      <legend class="visually-hidden">{t.form}</legend>
      <label class="block">
        <span>{t.search}</span>
        <input
          id="find-setting"
          type="search"
          autocomplete="off"
          spellcheck={false}
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </label>
      {fields.length === 0 && <p class="quiet">{t.nothing}</p>}
      {groups.map((group) => {
        const inside = fields.filter((field) => groupOf(field) === group);
        const changed = inside.filter(({ path }) => settingAt(over, path) !== undefined).length;
        const faulty = fault !== undefined && inside.some(({ path }) => isAbout(fault.path, path));
        return (
          <details
            key={group}
            class="setting-group"
            open={faulty || changed > 0 || words !== '' || undefined}
          >
            <summary>
              {t.groups[group] ?? group}{' '}
              <span class="quiet">
                · {t.fields(inside.length)}
                {changed > 0 && ` · ${t.changed(changed)}`}
              </span>
            </summary>
            <div class="setting-fields">
              {inside.map((field) => (
                <Field
                  key={field.path}
                  field={field}
                  value={settingAt(over, field.path) ?? settingAt(shown, field.path)}
                  preset={settingAt(reference, field.path)}
                  replaced={settingAt(over, field.path) !== undefined}
                  fault={fault && isAbout(fault.path, field.path) ? fault.text : ''}
                  change={change}
                />
              ))}
            </div>
          </details>
        );
      })}
    </fieldset>
  );
}

const groupOf = ({ path }: SettingField): string =>
  path.includes('.') ? path.slice(0, path.indexOf('.')) : 'general';

/** Whether a refusal about a path is about a field: about itself, or about something in its value. */
const isAbout = (fault: string, path: string): boolean =>
  fault === path || fault.startsWith(`${path}.`);

function Field(props: {
  readonly field: SettingField;
  readonly value: unknown;
  readonly preset: unknown;
  readonly replaced: boolean;
  readonly fault: string;
  readonly change: (path: string, value: unknown) => void;
}): JSX.Element {
  const { field, value, preset, replaced, fault, change } = props;
  const { path } = field;
  const t = settingsText.value;
  const [draft, setDraft] = useState<string>();
  const id = `setting-${path.replaceAll('.', '-')}`;
  const differs = replaced && JSON.stringify(value) !== JSON.stringify(preset);
  // A draft is what is no value yet: it is not in the JSON, so its fault is told here.
  const unread = draft === undefined ? '' : t.unread[field.kind === 'json' ? 'json' : 'number'];
  const said = [`${id}-words`, unread + fault === '' ? '' : `${id}-fault`];
  const shared = {
    id,
    'aria-describedby': said.filter((one) => one !== '').join(' ') || undefined,
    'aria-invalid': unread + fault === '' ? undefined : true,
  } as const;
  const typed = (text: string): void => {
    if (text.trim() === '' && field.optional) {
      setDraft(undefined);
      change(path, undefined);
      return;
    }
    const found = field.kind === 'text' ? { value: text } : readValue(text, field.kind);
    setDraft(found ? undefined : text);
    if (found) change(path, found.value);
  };
  return (
    <div class={`setting${differs ? ' differs' : ''}`}>
      <label for={id}>
        <code>{path}</code>
      </label>
      <div class="setting-value">
        {field.kind === 'switch' ? (
          <input
            {...shared}
            type="checkbox"
            checked={value === true}
            onChange={(event) => change(path, event.currentTarget.checked)}
          />
        ) : field.kind === 'choice' ? (
          <select
            {...shared}
            value={typeof value === 'string' ? value : ''}
            onChange={(event) => change(path, event.currentTarget.value || undefined)}
          >
            {field.optional && <option value="">{t.leftOut}</option>}
            {(field.choices ?? []).map((name) => (
              <option value={name}>{name}</option>
            ))}
          </select>
        ) : (
          <input
            {...shared}
            type="text"
            inputMode={field.kind === 'json' || field.kind === 'text' ? 'text' : 'decimal'}
            spellcheck={false}
            autocomplete="off"
            placeholder={field.optional ? t.leftOut : ''}
            value={draft ?? shownValue(value, field.kind)}
            onChange={(event) => typed(event.currentTarget.value)}
          />
        )}
        {replaced && (
          <Button
            label={t.resetField(path)}
            onClick={() => {
              setDraft(undefined);
              change(path, undefined);
            }}
          >
            {t.reset}
          </Button>
        )}
      </div>
      <p class="hint">
        <span id={`${id}-words`}>{sentenceOf(path)}</span>{' '}
        {field.least !== undefined && field.most !== undefined && (
          <span class="bounds">{t.bounds(exact(field.least), exact(field.most))} </span>
        )}
        {differs && (
          <strong class="preset-value">
            {t.presetValue(
              preset === undefined ? t.leftOut : visibleString(shownValue(preset, 'json')),
            )}
          </strong>
        )}
      </p>
      {unread + fault !== '' && (
        <p class="problem" id={`${id}-fault`}>
          {unread}
          {fault !== '' && <span lang="en">{visibleString(fault)}</span>}
        </p>
      )}
    </div>
  );
}

/** A bound to its last digit. */
const exact = (bound: number): string => (Number.isInteger(bound) ? whole(bound) : plain(bound));

function readValue(
  text: string,
  kind: SettingField['kind'],
): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return kind === 'json' || typeof value === 'number' ? { value } : undefined;
  } catch {
    return undefined;
  }
}

const shownValue = (value: unknown, kind: SettingField['kind']): string =>
  value === undefined
    ? ''
    : typeof value === 'string' && kind !== 'json'
      ? value
      : JSON.stringify(value);

/** What the chosen preset is for, and how much work it is beside the smallest. */
export function PresetWords(): JSX.Element | null {
  const t = settingsText.value;
  const { wish } = described.value;
  const chosen = presets[wish.preset];
  const { quick } = presets;
  if (!chosen || !quick) return null;
  const seeds = presetSeeds[wish.preset] ?? [1];
  const times = Math.round(workOf(chosen, seeds) / workOf(quick, [1]));
  return (
    <p id="preset-words" class="hint">
      {t.presets[wish.preset] ?? ''} {wish.preset === 'quick' ? t.quickTime : t.times(whole(times))}
    </p>
  );
}
