import type { NoticesText } from '../notices.ts';

export const text: NoticesText = {
  name: 'Hinweise',
  otherTab: 'In einem anderen Tab wird gerade trainiert.',
  watch: 'Hier zusehen',
  otherVersion:
    'Ein anderer Tab trainiert mit einer anderen Version dieser Seite: Zusehen lässt sich erst, wenn beide dieselbe haben.',
  newVersion: 'Von dieser Seite gibt es eine neue Version.',
  reload: 'Damit neu laden',
};
