import type { InferOutput } from 'valibot';
import { expect, expectTypeOf, test } from 'vitest';
import type { configSchema } from '../../src/config-schema.ts';
import type { ExperimentConfig } from '../../src/config.ts';
import { methodCode, methodNames } from '../../src/selection/methods.ts';

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

test('the schema has the fields of the written config and no others', () => {
  // Compared by the compiler, when the tests' types are checked.
  expectTypeOf<DeepReadonly<InferOutput<typeof configSchema>>>().toEqualTypeOf<
    DeepReadonly<ExperimentConfig>
  >();
});

test('a method keeps the code that its random numbers are drawn by', () => {
  expect(Object.fromEntries(methodNames.map((name) => [name, methodCode(name)]))).toMatchObject({
    full: 0,
    lim: 1,
    linear: 2,
    rand: 3,
  });
  expect(new Set(methodNames.map(methodCode)).size).toBe(methodNames.length);
});
