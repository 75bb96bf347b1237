// Raw `ws`, speaking just enough of Engine.IO's frames for the same clients: acknowledges, and delivers to both sides or the group.
// Nothing is stored, nothing is checked.
//   each       one write for each message, as one would write it in an evening
//   gathered   the limit of what a server of Node's can do here: a message to many is framed once, and what one socket gets in one
//              turn of the event loop leaves in one write
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import * as library from 'ws';
import { groupRoom, type Memberships, outsideRoom, roomsOf } from './memberships.js';

/** Not in its types, though it is exported. */
const { Sender } = library as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } };
const TEXT_FRAME = { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false };

type Tell = (sockets: Iterable<WebSocket>, packet: string) => void;

const each: Tell = (sockets, packet) => {
  for (const socket of sockets) socket.send(packet);
};

/** What goes out when this turn is over. */
const due = new Map<WebSocket, Buffer[]>();

const gathered: Tell = (sockets, packet) => {
  const frame = Buffer.concat(Sender.frame(Buffer.from(packet), TEXT_FRAME));
  if (due.size === 0) setImmediate(flush);
  for (const socket of sockets) {
    const frames = due.get(socket);
    if (frames) frames.push(frame);
    else due.set(socket, [frame]);
  }
};

function flush(): void {
  for (const [socket, frames] of due) {
    const stream = (socket as unknown as { _socket: Duplex })._socket;
    if (socket.readyState !== socket.OPEN) continue;
    stream.cork();
    for (const frame of frames) stream.write(frame);
    stream.uncork();
  }
  due.clear();
}

const tell = process.argv[2] === 'gathered' ? gathered : each;
const memberships = JSON.parse(process.argv[3]) as Memberships;

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, skipUTF8Validation: true });
const rooms = new Map<string, Set<WebSocket>>();

function join(room: string, socket: WebSocket): void {
  const members = rooms.get(room);
  if (members) members.add(socket);
  else rooms.set(room, new Set([socket]));
}

function leave(room: string, socket: WebSocket): void {
  const members = rooms.get(room);
  members?.delete(socket);
  if (members?.size === 0) rooms.delete(room);
}

interface Payload {
  chat_type: string;
  other_user_id: number;
  chat_group_id: number;
  is_enter?: boolean;
  message: string;
}

let seq = 0;

server.on('connection', (socket) => {
  let userId = 0;
  const joined = new Set<string>();
  const enter = (room: string): void => {
    joined.add(room);
    join(room, socket);
  };
  socket.on('close', () => joined.forEach((room) => leave(room, socket)));
  socket.on('message', (data: Buffer) => {
    const packet = data.toString();
    if (packet.startsWith('40')) {
      userId = Number((JSON.parse(packet.slice(2)) as { token: string }).token);
      roomsOf(userId, memberships).forEach(enter);
      socket.send('40{"sid":"x"}');
      return;
    }
    if (packet === '3') return;
    const at = packet.indexOf('[');
    const id = packet.slice(2, at);
    const [, payload] = JSON.parse(packet.slice(at)) as [string, Payload];
    const acknowledge = (answer: object): void => tell([socket], `43${id}[${JSON.stringify(answer)}]`);
    const { chat_type, other_user_id, chat_group_id, is_enter, message } = payload;
    if (is_enter) {
      joined.delete(outsideRoom(chat_group_id));
      leave(outsideRoom(chat_group_id), socket);
      enter(groupRoom(chat_group_id));
      acknowledge({ ok: true });
      return;
    }
    seq += 1;
    const timestamp = new Date().toISOString();
    const isRoom = chat_type === 'room';
    const place = isRoom ? { chat_room_id: 1, seq } : { chat_group_id, seq };
    const from = isRoom ? { user_id: userId, other_user_id } : { user_id: userId };
    const out = `42["message",${JSON.stringify({ chat_type, ...from, ...place, message, timestamp })}]`;
    acknowledge({ ok: true, ...place, timestamp });
    if (isRoom) tell([socket, ...(rooms.get(`user:${other_user_id}`) ?? [])], out);
    else tell(rooms.get(groupRoom(chat_group_id)) ?? [], out);
  });
  socket.send('0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65536}');
});

server.on('listening', () => process.send!({ port: (server.address() as { port: number }).port }));
