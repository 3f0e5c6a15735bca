// The room of data: what the user brings, keeps and takes away.
import { render } from 'preact';
import { byId } from '../../dom.ts';
import { Imports } from './imported.tsx';
import { RunFilesPanel } from './run-files.tsx';
import { StoredRuns } from './stored-runs.tsx';

/** Draws the room's views where the page has their places. Called once. */
export function openDataRoom(): void {
  render(<Imports />, byId('imports', HTMLDivElement));
  render(<StoredRuns />, byId('stored-runs', HTMLDivElement));
  render(<RunFilesPanel />, byId('run-files', HTMLDivElement));
}
