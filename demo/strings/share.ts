// Words of the panel that shares a view, of embedded views, and of what a shared run says of itself.
import { translated } from './translated.ts';

const english = {
  share: 'Share',
  title: 'Share this view',
  close: 'Close',
  link: 'Link to this view',
  linkHint: 'It opens the same room, prompt and place of the film, and starts nothing.',
  numbersLink: 'Link with the numbers of this run',
  numbersHint: (characters: string) =>
    `The run is in this browser alone, so its numbers ride in the link (${characters} characters): curves, matrix and scores, no answers and no weights.`,
  cannot: {
    running: 'A run can be sent in a link once it is done.',
    own: 'This run is of prompts or a model of your own: its numbers stay here. Download its report in Data to pass it on.',
    seeds:
      'Runs of several seeds are too large for a link. Download the report in Data to pass it on.',
    large: 'This run has too many numbers for a link. Download its report in Data to pass it on.',
  },
  embed: 'Code for a page of your own',
  embedHint: 'A frame with this view alone. It plays the recording and computes nothing.',
  figure: 'Figure',
  noFigure: 'No figure is shown in this room.',
  png: 'PNG',
  svg: 'SVG',
  csv: 'Numbers (CSV)',
  cite: 'Cite',
  citeHint: 'The paper whose method this is, and this software.',
  copy: 'Copy',
  copyOf: (what: string) => `Copy: ${what}`,
  copied: (what: string) => `Copied: ${what}.`,
  notCopied: (what: string) =>
    `The browser did not let this page copy. ${what} is marked: press Ctrl+C or ⌘C.`,
  saved: (name: string) => `${name} is downloaded.`,
  failed: (why: string) => `That did not work: ${why}`,
  openInLab: 'Open in LIMR Lab',
  recordedOn: (date: string, adapter: string) => `Recorded on ${date}, on ${adapter}`,
  frameTitle: (view: string) => `LIMR Lab: ${view}`,
  noView: (name: string, names: string) =>
    `There is no view '${name}' to embed. There are: ${names}.`,
};

export type ShareText = typeof english;

export const shareText = translated<ShareText>(english, {
  de: () => import('./de/share.ts'),
  zh: () => import('./zh/share.ts'),
});
