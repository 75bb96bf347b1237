// Raw Socket.IO, as one would write it in an evening: nothing is stored, nothing is checked. What the transport alone can do.
//   relay     each message goes to the other person, and that is all
//   deliver   acknowledges, and delivers to both sides (or to the whole group) the same packets as Parley
import { createServer } from 'node:http';
import { type DefaultEventsMap, Server } from 'socket.io';
import { groupRoom, type Memberships, outsideRoom, roomsOf } from './memberships.js';

const isRelay = process.argv[2] === 'relay';
const memberships = JSON.parse(process.argv[3]) as Memberships;

interface Payload {
  chat_type: string;
  other_user_id: number;
  chat_group_id: number;
  is_enter?: boolean;
  message: string;
}

const http = createServer();
const io = new Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, { userId: number }>(http, {
  path: '/socket',
  perMessageDeflate: false,
  serveClient: false,
});

io.use((socket, next) => {
  // The token is the user's id: nothing is signed.
  const { token } = socket.handshake.auth as { token: string };
  socket.data.userId = Number(token);
  void socket.join(roomsOf(socket.data.userId, memberships));
  next();
});

let seq = 0;
io.on('connection', (socket) => {
  const { userId } = socket.data;
  socket.on('message', (payload: Payload, acknowledge?: (answer: object) => void) => {
    const { chat_type, other_user_id, chat_group_id, is_enter, message } = payload;
    if (is_enter) {
      void socket.leave(outsideRoom(chat_group_id));
      void socket.join(groupRoom(chat_group_id));
      acknowledge?.({ ok: true });
      return;
    }
    if (isRelay) {
      io.to(`user:${other_user_id}`).emit('message', payload);
      return;
    }
    seq += 1;
    const timestamp = new Date().toISOString();
    if (chat_type === 'room') {
      const place = { chat_room_id: 1, seq };
      io.to([`user:${userId}`, `user:${other_user_id}`]).emit('message', {
        chat_type,
        user_id: userId,
        other_user_id,
        ...place,
        message,
        timestamp,
      });
      acknowledge?.({ ok: true, ...place, timestamp });
    } else {
      const place = { chat_group_id, seq };
      io.to(groupRoom(chat_group_id)).emit('message', { chat_type, user_id: userId, ...place, message, timestamp });
      acknowledge?.({ ok: true, ...place, timestamp });
    }
  });
});

http.listen(0, '127.0.0.1', () => process.send!({ port: (http.address() as { port: number }).port }));
