import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TemplateSyntaxError } from '../../src/formats/jinja/lexer.ts';
import { Template } from '../../src/formats/jinja/template.ts';

// What Jinja2 makes of each template, in the sandbox that transformers builds.
const { context, rows } = JSON.parse(readFileSync('test/support/jinja-rows.json', 'utf8')) as {
  readonly context: Record<string, unknown>;
  readonly rows: readonly { template: string; text?: string; error?: string }[];
};
const render = (template: string, variables: Record<string, unknown> = {}, now?: Date) =>
  new Template(template).render(variables, now).text;

describe('Template', () => {
  test.each(rows)('makes of $template what Jinja makes', ({ template, text }) => {
    if (text === undefined) expect(() => render(template, context)).toThrow();
    else expect(render(template, context)).toBe(text);
  });

  test('keeps what an iteration wrote before it was left', () => {
    const items =
      '{% for x in [1, 2, 3] %}<{{ x }}{% if x == 2 %}{% break %}{% endif %}>{% endfor %}';
    expect(render(items)).toBe('<1><2');
    expect(render(items.replace('break', 'continue'))).toBe('<1><2<3>');
  });

  test('marks what the assistant wrote', () => {
    const { text, generated } = new Template(
      '{% for m in ms %}[{{ m }}]{% generation %}{{ m }}!{% endgeneration %}{% endfor %}',
    ).render({ ms: ['a', 'bcd'] });
    expect(generated.map(([start, end]) => text.slice(start, end))).toEqual(['a!', 'bcd!']);
  });

  test('tells the time it is given', () => {
    const now = new Date(2026, 2, 7, 9, 5, 3);
    const format = '%d %b %Y|%-d %B %y|%H:%M:%S|%I %p|%A %a %w|%j|%F %T|%m/%d|%e|%U|%%|%Q';
    expect(render(`{{ strftime_now('${format}') }}`, {}, now)).toBe(
      '07 Mar 2026|7 March 26|09:05:03|09 AM|Saturday Sat 6|066|2026-03-07 09:05:03|03/07| 7|09|%|%Q',
    );
  });

  test.each([
    ['{{ raise_exception("no tools here") }}', 'no tools here'],
    ['{{ missing.field }}', "'missing' is undefined"],
    ['{{ {}.a.b }}', "'dict object' has no attribute 'a'"],
    ['{{ [].append(1) }}', "access to attribute 'append' of 'list' object is unsafe."],
    ['\n\n{% if x %}', "line 3: the template ends before 'elif' or 'else' or 'endif'"],
    ["{% include 'a' %}", "line 1: 'include' needs other templates, and a chat template is alone"],
    ['{{ 1 + }}', 'line 1: expected an expression, got the end of the tag'],
    ['a\n{{ x', 'line 2: a tag does not end'],
    ['{% nothing %}', "line 1: unknown tag 'nothing'"],
    ['{{ x|nothing }}', "No filter named 'nothing'."],
    ["{{ 'a' + 1 }}", 'can only concatenate str (not "int") to str'],
  ])('says why of %j', (template, message) => {
    expect(() => render(template)).toThrow(message);
  });

  test.each([
    "{{ 'a' * 10 ** 9 }}",
    "{% set ns = namespace(t='ab') %}{% for i in range(40) %}{% set ns.t = ns.t + ns.t %}{% endfor %}",
    '{% set ns = namespace(t=[1]) %}{% for i in range(40) %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.t }}',
    '{% set ns = namespace(t=[1]) %}{% for i in range(40) %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.t|tojson }}',
    "{{ 'x'.center(10 ** 12) }}",
    "{{ ('ab' * 10 ** 6).replace('', 'ab' * 10 ** 6) }}",
    '{{ [0] * 10 ** 9 }}',
    "{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}",
  ])('bounds the memory of %s', (template) => {
    expect(() => render(template)).toThrow(/more than the 16777216 allowed/);
  });

  test.each(['('.repeat(10_000), '{% if 1 %}'.repeat(10_000), `{{ ${'-'.repeat(10_000)}1 }}`])(
    'bounds the depth of %.20s…',
    (source) => {
      const template = source.startsWith('(') ? `{{ ${source}1${')'.repeat(10_000)} }}` : source;
      expect(() => new Template(template)).toThrow(TemplateSyntaxError);
    },
  );

  test('reads own fields of data alone', () => {
    const data = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as unknown;
    expect(render('{{ d.constructor }}{{ d.toString is defined }}', { d: data })).toBe('2False');
    expect(render('{{ constructor is defined }}{{ d.__proto__.a }}', { d: data })).toBe('False1');
  });
});
