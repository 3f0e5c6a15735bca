import { type Given, TemplateError, Undefined, type Value } from './values.ts';

/**
 * Assigns arguments to named parameters, as Python does.
 *
 * @param where Name of the function in errors.
 */
export function bind<Name extends string>(
  where: string,
  { positional, named }: Given,
  names: readonly Name[],
): Partial<Record<Name, Value>> {
  if (positional.length > names.length) {
    throw new TemplateError(
      `${where}() takes ${names.length} arguments at most, got ${positional.length}`,
    );
  }
  const found: Partial<Record<Name, Value>> = {};
  for (const [i, value] of positional.entries()) {
    const name = names[i];
    if (name !== undefined) found[name] = value;
  }
  for (const [key, value] of named) {
    const name = names.find((one) => one === key);
    if (name === undefined) {
      throw new TemplateError(`${where}() got an unexpected keyword argument '${key}'`);
    }
    if (found[name] !== undefined) {
      throw new TemplateError(`${where}() got multiple values for argument '${key}'`);
    }
    found[name] = value;
  }
  return found;
}

/** A text argument; undefined and none stay undefined. */
export function optionalText(where: string, value: Value | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (value instanceof Undefined) value.fail();
  throw new TemplateError(`${where}: an argument must be text`);
}
