/** HTML that is safe to send as it is. */
export class Html {
  constructor(readonly text: string) {}
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const CHARACTERS = new Map(Object.entries(ENTITIES).map(([character, entity]) => [entity, character]));

const escaped = (value: string | Html | Html[]): string => {
  if (Array.isArray(value)) return value.map(({ text }) => text).join('');
  return value instanceof Html
    ? value.text
    : value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
};

/** What `escaped` has escaped. */
export const decoded = (text: string): string =>
  text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => CHARACTERS.get(entity) ?? entity);

/** html`<p>${text}</p>`: all values are escaped, except for Html. */
export const html = (parts: TemplateStringsArray, ...values: (string | Html | Html[])[]): Html =>
  new Html(String.raw({ raw: parts }, ...values.map(escaped)));
