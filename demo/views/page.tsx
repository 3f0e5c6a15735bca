// Words of the page around its rooms, in place of those that it comes with.
import { render, type JSX } from 'preact';
import { pageText } from '../strings/page.ts';

const Skip = (): JSX.Element => <>{pageText.value.skip}</>;
const Foot = (): JSX.Element => <p>{pageText.value.footer}</p>;

export function fillPage(): void {
  for (const [selector, Words] of [
    ['.skip', Skip],
    ['footer', Foot],
  ] as const) {
    const element = document.querySelector(selector);
    if (!element) throw new TypeError(`the page has no ${selector}`);
    render(<Words />, element);
  }
}
