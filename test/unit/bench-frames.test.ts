import fc from 'fast-check';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { frameOf, FrameReader } from '../../bench/light-frames.js';
import { LightSocket } from '../../bench/light-socket.js';

/** As a server sends it: without a mask. */
function sent(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const head = length < 126 ? Buffer.from([0x81, length]) : Buffer.from([0x81, 126, length >> 8, length & 0xff]);
  return Buffer.concat([head, Buffer.from(text)]);
}

it('reads the same texts, however the stream is cut', () => {
  const texts = fc.array(fc.oneof(fc.string(), fc.constantFrom('x'.repeat(125), 'y'.repeat(126), 'ż'.repeat(400))));
  fc.assert(
    fc.property(texts, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (all, sizes) => {
      const heard: string[] = [];
      const reader = new FrameReader(
        (text) => heard.push(text.toString()),
        () => heard.push('closed'),
      );
      const stream = Buffer.concat(all.map(sent));
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = sizes[i % sizes.length];
        reader.read(stream.subarray(at, at + size));
        at += size;
      }
      expect(heard).toEqual(all);
    }),
  );
});

it('reads a frame of more than 64 KiB, and skips what is no text', () => {
  const heard: number[] = [];
  const reader = new FrameReader(
    (text) => heard.push(text.length),
    () => heard.push(-1),
  );
  const head = Buffer.alloc(10);
  head[0] = 0x81;
  head[1] = 127;
  head.writeBigUInt64BE(70_000n, 2);
  const ping = Buffer.from([0x89, 0]);
  reader.read(Buffer.concat([ping, head, Buffer.alloc(70_000), Buffer.from([0x88, 0])]));
  expect(heard).toEqual([70_000, -1]);
});

it('refuses to write what does not go into its frames', () => {
  expect(() => frameOf('x'.repeat(65_536))).toThrow('one frame');
});

it('is understood by `ws`, and understands it', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close());
  await once(server, 'listening');
  const heard: string[] = [];
  server.on('connection', (socket: WebSocket) => {
    socket.on('message', (data: Buffer) => {
      heard.push(data.toString());
      if (heard.length === 1) socket.send('40{"sid":"x"}');
      else socket.send(`430[{"ok":true,"text":"${'é'.repeat(200)}"}]`);
    });
    socket.send('0{}');
  });
  const client = await LightSocket.open((server.address() as AddressInfo).port, 'a token');
  const payload = JSON.stringify({ text: 'ü'.repeat(300) });
  expect(await client.ask(payload)).toEqual([{ ok: true, text: 'é'.repeat(200) }]);
  expect(heard).toEqual(['40{"token":"a token"}', `420["message",${payload}]`]);
  client.close();
  await client.closed;
});
