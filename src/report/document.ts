import { toneRules } from '../look/tokens.ts';
import { markup, raw, type Markup, type Part } from './markup.ts';
import css from './report.css?raw';

/**
 * A page that loads nothing and runs nothing.
 *
 * @param more A style sheet behind that of all reports.
 */
export function pageOf(title: string, body: Markup, more = ''): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>
${raw(toneRules())}
${raw(css)}${raw(more)}</style>
</head>
<body>
${body}
</body>
</html>
`.text;
}

/** A table with a caption. Its first column names the rows. */
export const tableOf = (of: {
  readonly caption: Part;
  readonly head: readonly Part[];
  readonly rows: readonly (readonly Part[])[];
  readonly kind?: string;
}): Markup => markup`<figure class="table"><figcaption>${of.caption}</figcaption>
<div class="scroll" tabindex="0"><table class="${of.kind ?? 'figures'}">
<thead><tr>${of.head.map((cell) => markup`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>
${of.rows.map(
  ([first, ...rest]) =>
    markup`<tr><th scope="row">${first}</th>${rest.map((cell) => markup`<td>${cell}</td>`)}</tr>
`,
)}</tbody></table></div></figure>
`;
