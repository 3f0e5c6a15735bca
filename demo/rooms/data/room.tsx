// The room of data: what the user brings, keeps and takes away.
import { render } from 'preact';
import { byId } from '../../dom.ts';
import { goTo } from '../../router.ts';
import { Imports } from './imported.tsx';
import { BadLink, editSettings, TooLarge } from './refused.tsx';
import { RunFilesPanel } from './run-files.tsx';
import { PresetWords, SettingsForm } from './settings-form.tsx';
import { StoredRuns } from './stored-runs.tsx';

function edit(): void {
  goTo('data');
  editSettings();
}

/** Draws the room's views where the page has their places. Called once. */
export function openDataRoom(): void {
  render(<BadLink edit={edit} />, byId('bad-link-place', HTMLDivElement));
  render(<PresetWords />, byId('preset-about', HTMLDivElement));
  render(<TooLarge />, byId('refused', HTMLDivElement));
  const panel = byId('settings', HTMLDetailsElement);
  const form = byId('settings-form', HTMLDivElement);
  // A hundred fields are drawn when they are looked at.
  const draw = (): void => {
    if (panel.open) render(<SettingsForm />, form);
  };
  panel.addEventListener('toggle', draw);
  draw();
  render(<Imports />, byId('imports', HTMLDivElement));
  render(<StoredRuns />, byId('stored-runs', HTMLDivElement));
  render(<RunFilesPanel />, byId('run-files', HTMLDivElement));
}
