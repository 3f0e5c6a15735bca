// Texts of what happens beside the run: another tab that trains, a new version of the page.
import { translated } from './translated.ts';

const english = {
  name: 'Notices',
  otherTab: 'Another tab trains a run.',
  watch: 'Watch it here',
  otherVersion:
    'Another tab trains with another version of this page: its run can be watched once both are of one version.',
  newVersion: 'A new version of this page is there.',
  reload: 'Reload with it',
};

export type NoticesText = typeof english;

export const noticesText = translated(english, {
  de: () => import('./de/notices.ts'),
  zh: () => import('./zh/notices.ts'),
});
