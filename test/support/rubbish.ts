import fc from 'fast-check';

/** Whatever JSON can carry, with what programs get wrong more often than chance would have it. */
export const anything = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  fc.constantFrom<unknown>(
    '',
    ' ',
    '\0',
    '\ud800',
    '__proto__',
    'constructor',
    -1,
    0,
    1,
    1.5,
    2 ** 31,
    2 ** 53,
    1e308,
    -0,
    null,
    true,
    [],
    {},
    [[]],
  ),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 5000 }),
  fc.integer(),
);

/** Requests that are nearly right: known fields with odd values, some missing, some unknown. */
export const nearly = (...fields: string[]) =>
  fc.oneof(
    anything,
    fc.record(Object.fromEntries([...fields, '__proto__', 'toString', 'x'].map((field) => [field, anything])), {
      requiredKeys: [],
    }),
    fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string({ maxLength: 20 })), anything, { maxKeys: 6 }),
  );
