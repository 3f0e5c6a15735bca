import { defineCommand } from 'citty';
import { jsonText, isRecord } from '../formats/json.ts';
import { type Recipe, recipes, recipeSettings } from '../recipes.ts';
import { commonArgs, UsageError } from './arguments.ts';
import { system } from './system.ts';

export const command = defineCommand({
  meta: {
    name: 'recipes',
    description: "the recipes of the paper's table 1 as presets of limr run and limr ppo",
  },
  args: {
    recipe: {
      type: 'positional',
      required: false,
      description: 'a recipe, whose settings are printed with their sources',
    },
    json: commonArgs.json,
  },
  async run({ args }) {
    const host = await system();
    const { recipe: name } = args;
    if (name === undefined) {
      await host.stdout(args.json ? jsonText(recipes.map(factsOf)) : tableText());
      return 0;
    }
    const recipe = recipes.find((one) => one.name === name);
    if (!recipe) {
      const known = recipes.map((one) => one.name).join(', ');
      throw new UsageError(`there is no recipe '${name}', there are ${known}`);
    }
    await host.stdout(args.json ? jsonText(factsOf(recipe)) : recipeText(recipe));
    return 0;
  },
});

/** A recipe as JSON: the paper's columns, the settings of its preset, and where each was read. */
const factsOf = (recipe: Recipe) => ({
  name: recipe.name,
  label: recipe.label,
  initialModel: recipe.initialModel,
  longCotDistillation: recipe.distilled,
  questions: recipe.questions,
  model: recipe.model,
  preset: recipe.fields.length === 0 ? null : recipeSettings(recipe),
  sources: Object.fromEntries(sourcedFields(recipe)),
  differs: recipe.differs,
});

/** The paper's table 1, with the preset of each row. */
function tableText(): string {
  const rows = [
    ['method', 'init model', 'long CoT', 'questions', 'preset'],
    ...recipes.map(({ label, initialModel, distilled, questions, name, fields }) => [
      label,
      initialModel,
      distilled ? 'yes' : 'no',
      questions.toLocaleString('en-US'),
      fields.length === 0 ? `none: limr recipes ${name}` : name,
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function recipeText(recipe: Recipe): string {
  const { label, model, differs } = recipe;
  const bySource = new Map<string, [string, unknown][]>();
  for (const [field, { value, source }] of sourcedFields(recipe)) {
    const held = bySource.get(source);
    if (held) held.push([field, value]);
    else bySource.set(source, [[field, value]]);
  }
  const parts = [...bySource].map(
    ([source, fields]) =>
      `${source}\n${fields.map(([field, value]) => `  ${field} ${JSON.stringify(value)}\n`).join('')}`,
  );
  return [
    `${label}, from ${model}; no data and no model come with it.\n`,
    ...parts,
    `Otherwise than in the recipe:\n${differs.map((text) => `  ${text}\n`).join('')}`,
  ].join('\n');
}

/** Every setting of a recipe by its dotted path, with the last source that says it. */
function sourcedFields({ fields }: Recipe): [string, { value: unknown; source: string }][] {
  const found = new Map<string, { value: unknown; source: string }>();
  const walk = (value: unknown, path: string, source: string): void => {
    if (!isRecord(value)) {
      found.set(path, { value, source });
      return;
    }
    for (const [name, inner] of Object.entries(value)) {
      walk(inner, path === '' ? name : `${path}.${name}`, source);
    }
  };
  for (const { source, settings } of fields) walk(settings, '', source);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}
