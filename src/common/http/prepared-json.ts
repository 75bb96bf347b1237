/** JSON that was made before, by what it is of. */
const prepared = new WeakMap<object, Buffer>();

/** Makes the JSON of a value that several requests are going to be answered with. The value must not change any more. @returns its length in bytes */
export function prepareJson(value: object): number {
  const json = Buffer.from(JSON.stringify(value));
  prepared.set(value, json);
  return json.length;
}

/** The JSON of an answer: what was prepared, where it is the same object. */
export const jsonOf = (value: unknown): string | Buffer =>
  (typeof value === 'object' && value !== null && prepared.get(value)) || JSON.stringify(value);
