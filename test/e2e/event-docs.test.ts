// What the running server tells about its socket events, to programs and to people.
import { createHash } from 'node:crypto';
import { Parser } from '@asyncapi/parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_EVENTS, SERVER_EVENTS } from '../../src/api/api-docs/event-table.js';
import { TestApp } from '../support/app.js';
import { type Answer, call } from '../support/client.js';
import { EventSchemas } from '../support/event-schemas.js';

describe('the description of the events', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start('sqlite', { PUBLIC_URL: 'https://chat.example.com' });
  });
  afterAll(() => app.stop());

  it('is an AsyncAPI document in which its own parser finds nothing wrong', async () => {
    const { status, body } = await call(app, 'GET', '/http/docs/events.json');
    expect(status).toBe(200);
    const { document, diagnostics } = await new Parser().parse(JSON.stringify(body));
    // That there is a newer version of AsyncAPI is all that it has to say.
    expect(diagnostics.filter(({ code }) => code !== 'asyncapi-latest-version')).toEqual([]);
    expect(document!.servers().get('parley')!.host()).toBe('chat.example.com');
    expect(document!.servers().get('parley')!.protocol()).toBe('wss');
    expect(document!.channels().get('socket')!.address()).toBe('/socket');
    const named = document!
      .operations()
      .all()
      .map((operation) => operation.messages().all()[0].name());
    expect(new Set(named)).toEqual(new Set([...Object.keys(SERVER_EVENTS), ...Object.keys(CLIENT_EVENTS)]));
    expect(document!.operations().filterByReceive()).toHaveLength(Object.values(CLIENT_EVENTS).flat().length);
    expect(document!.operations().filterBySend()).toHaveLength(Object.values(SERVER_EVENTS).flat().length);
    const replies = document!
      .operations()
      .get('receive_message_SendRoomMessage')!
      .reply()!
      .messages()
      .map((message) => message.title());
    expect(replies).toEqual(['Stored', 'Refused']);
  });

  it('says in the words of JSON Schema what may be null', async () => {
    const { components } = (await call(app, 'GET', '/http/docs/events.json')).body;
    expect(components.schemas.TokenPayload.properties.token.type).toEqual(['string', 'null']);
    expect(JSON.stringify(components)).not.toContain('nullable');
  });

  describe('as a page', () => {
    let page: Answer;
    beforeAll(async () => {
      page = await call(app, 'GET', '/http/docs/events');
    });

    it('is shown under a policy that allows its own style and script, and neither loads nor sends anything', () => {
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      const hashOf = (tag: string): string => {
        const [, text] = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(page.body)!;
        return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
      };
      expect(page.headers.get('content-security-policy')).toBe(
        `default-src 'none'; style-src ${hashOf('style')}; script-src ${hashOf('script')}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      );
      expect(page.body).not.toMatch(/<script [^>]|<img|<link rel="style|style="/);
    });

    it('has all of it without the script, which only shows the field for the search', () => {
      expect(page.body).toMatch(/<search [^>]*hidden/);
      expect(page.body.match(/<details class="entry">/g)!.length).toBe(page.body.match(/<pre><code>/g)!.length);
      expect(page.body).not.toMatch(/<(details|article|section|div)[^>]* hidden/);
    });

    it('calls no two events the same, and shows a payload of each', async () => {
      const document = (await call(app, 'GET', '/http/docs/events.json')).body;
      const { operations, channels } = document;
      const titles = Object.values<any>(operations).map(({ title }) => title);
      expect(new Set(titles).size).toBe(titles.length);
      for (const title of titles) expect(page.body).toContain(`<h3>${title.replaceAll("'", '&#39;')} <code>`);
      const schemas = new EventSchemas(document);
      for (const [key, { examples }] of Object.entries<any>(channels.socket.messages))
        schemas.shown(key, examples[0].payload);
      expect(schemas.wrong).toEqual([]);
    });

    it('names each event and each field, and all of its links lead somewhere', async () => {
      const { components } = (await call(app, 'GET', '/http/docs/events.json')).body;
      const schemas = Object.values(components.schemas) as { properties: object }[];
      const names = [...Object.keys(SERVER_EVENTS), ...schemas.flatMap(({ properties }) => Object.keys(properties))];
      for (const name of names) expect(page.body).toContain(`<code>${name}</code>`);
      const ids = [...page.body.matchAll(/id="([^"]+)"/g)].map(([, id]) => id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const [, target] of page.body.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
      for (const [, path] of page.body.matchAll(/href="(\/[^"]+)"/g)) {
        expect((await call(app, 'GET', path)).status).toBe(200);
      }
    });
  });
});
