// Raw `ws`, speaking just enough of Engine.IO's frames for the same clients: acknowledges, and delivers to both sides or the group.
import { type WebSocket, WebSocketServer } from 'ws';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, skipUTF8Validation: true });
const users = new Map<number, WebSocket>();
const group = new Set<WebSocket>();
let seq = 0;

server.on('connection', (socket) => {
  let userId = 0;
  socket.on('close', () => {
    users.delete(userId);
    group.delete(socket);
  });
  socket.on('message', (data: Buffer) => {
    const packet = data.toString();
    if (packet.startsWith('40')) {
      userId = Number((JSON.parse(packet.slice(2)) as { token: string }).token);
      users.set(userId, socket);
      socket.send('40{"sid":"x"}');
      return;
    }
    const at = packet.indexOf('[');
    const id = packet.slice(2, at);
    const [, payload] = JSON.parse(packet.slice(at)) as [string, Record<string, unknown>];
    const acknowledge = (answer: object) => id && socket.send(`43${id}[${JSON.stringify(answer)}]`);
    if (payload['is_enter']) {
      group.add(socket);
      acknowledge({ ok: true });
      return;
    }
    seq += 1;
    const timestamp = new Date().toISOString();
    const out = `42["message",${JSON.stringify({ ...payload, user_id: userId, chat_room_id: 1, seq, timestamp })}]`;
    if (payload['chat_type'] === 'room') {
      socket.send(out);
      users.get(payload['other_user_id'] as number)?.send(out);
    } else {
      for (const member of group) member.send(out);
    }
    acknowledge({ ok: true, chat_room_id: 1, seq, timestamp });
  });
  socket.send('0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65536}');
});

server.on('listening', () => process.send!({ port: (server.address() as { port: number }).port }));
