// The figures of docs/scaling.md: the arithmetic of large communities, and two simulations, of clients that all come back at once, and of
// a group with very many members. Needs no build and no packages, and prints the same for the same seed:
//   node scripts/simulate-scale.mjs [arithmetic] [storm] [group] [--seed 1] [--set messages=40 --set price.core=20 …]
import { pathToFileURL } from 'node:url';

/** Where a figure comes from: a table of docs/performance.md, a short run for docs/scaling.md, the code, or nowhere. */
const M = 'measured';
const R = 'measured roughly';
const C = 'computed';
const G = 'guessed';

const AT_HALF = 'W1p on MariaDB at half its peak: 9,164/s with';
/** All assumptions: value, unit, kind, source. Times of CPU are in µs of one core. */
const ASSUMPTIONS = {
  active: [2, 'people', G, 'active within a day, for each who is connected in the busiest minute'],
  monthly: [3, 'people', G, 'active within a month, likewise'],
  devices: [1.3, 'sockets', G, 'of a person who is connected'],
  messages: [20, '', G, 'messages that an active person sends in a day'],
  visits: [15, '', G, 'times that an active person opens the app in a day, and is offline again later'],
  peak: [4, '×', G, 'the busiest second beside the mean of the day'],
  direct: [0.6, 'share', G, 'of messages that go to a room of two'],
  otherOnline: [0.5, 'share', G, 'of these whose receiver is connected'],
  groupIn: [20, 'people', G, 'who are connected and in the group that a message goes to'],
  groupOutside: [40, 'people', G, 'members of it who are connected and outside'],
  receipts: [0.5, '', G, 'read receipts for each direct message'],
  typing: [3, '', G, 'hints that somebody types, for each message; one every three seconds'],
  entered: [1, '', G, 'groups that are entered in a visit'],
  pages: [5, '', G, 'pages of history or lists that are read in a visit'],
  partners: [50, 'people', G, 'with whom a person has a room'],
  partnersOnline: [10, 'people', G, 'of these who are connected'],
  letters: [100, 'bytes', M, 'of a message, as in all works of the benchmark'],
  frame: [78, 'bytes', C, 'around each packet: TCP, IP, WebSocket, TLS'],
  resp: [60, 'bytes', C, 'around each text on the way to Redis and from it: the command, the name of the channel'],
  fill: [0.7, 'share', G, 'of a page of the database that is in use, with rows added in all places'],
  copies: [3, '', G, 'of each shard of the database: one that writes and two replicas'],
  store: [69, 'µs', M, `${AT_HALF} 63 % of a core: to check, store, acknowledge and deliver to both`],
  storeDb: [31, 'µs', M, `${AT_HALF} 28 %: the same in the database, many messages to a transaction`],
  aloneDb: [300, 'µs', G, 'the same where each message has a transaction of its own: eight statements'],
  deliver: [9.3, 'µs', M, 'W2 of 1,000, one in flight, on MariaDB: 93,389/s with 87 %; one packet in a write'],
  gathered: [1.9, 'µs', M, 'W2 of 1,000 on MariaDB: 476,438/s with 90 %; up to 16 packets in a write'],
  connect: [562, 'µs', M, 'W5 on MariaDB: 1,371/s with 77 %; TLS is at the balancer'],
  connectDb: [168, 'µs', M, 'the same in the database: 23 %'],
  page: [392, 'µs', M, 'W4 on MariaDB: 1,660/s with 65 %'],
  pageDb: [193, 'µs', M, 'the same in the database: 32 %'],
  ping: [20, 'µs', G, 'a ping and its answer, every 25 s for each socket'],
  publish: [25, 'µs', R, 'one SPUBLISH in the node: 24 to 26 in bursts of 10 and 100, 84 alone'],
  arrival: [10, 'µs', R, 'one text from Redis in the node: 3 to 8 in its client, and parsing it'],
  redisCommand: [4, 'µs', R, 'one SPUBLISH in Redis 7.0: 1.3 in bursts of 100, 2.4 of 10, 16 alone'],
  redisDelivery: [1, 'µs', R, 'each node that it goes to: 0.4 in bursts of 100, 0.6 of 10, 2.8 alone'],
  redisScript: [10, 'µs', G, 'one count of a rate in Redis (EVAL)'],
  joinRow: [2, 'µs', G, 'one row of the question who sees whom, in the database'],
  scanRow: [1, 'µs', G, 'one row of the copy of who is online, in the database'],
  socket: [17.41, 'KiB', M, 'W3 on MariaDB, resident, of one node without Redis'],
  channels: [3, 'KiB', G, 'more for the channels of a socket in the client of Redis'],
  kernel: [10, 'KiB', G, 'of the kernel for a socket that is idle'],
  program: [150, 'MiB', G, 'of a node without sockets'],
  onlineCopy: [29.4, 'bytes', M, 'of a Map of a million numbers, each user who is online elsewhere; Node 20'],
  socketsPerNode: [25_000, '', G, 'a balancer has 28,232 ports for each node, as Linux is set by default'],
  load: [0.5, 'share', G, 'of a core that a node, Redis or the database may have busy in the busiest second'],
  dbCores: [16, 'cores', G, 'of a server of the database'],
  dbDisk: [4, 'TB', G, 'of a server of the database'],
  tls: [1_000, 'µs', G, 'a handshake of TLS at the balancer'],
  'price.core': [12, 'a month', G, 'one core; put your own'],
  'price.memory': [2, 'a month', G, 'one GiB of memory'],
  'price.disk': [80, 'a month', G, 'one TB of disk'],
  'price.traffic': [10, '', G, 'one TB sent to clients'],
};
export const DEFAULTS = Object.fromEntries(Object.entries(ASSUMPTIONS).map(([name, [value]]) => [name, value]));

const SECONDS_A_DAY = 86_400;
const DAYS_A_MONTH = 30;
/** A Map or a Set of V8 takes no more. */
const MOST_IN_MAP = 2 ** 24;
const MOST_IN_INTEGER = 2 ** 31 - 1;
/** How often each node reads who is online, and says that it is there: online-elsewhere.ts, redis-bus.ts. */
const READ_EVERY_S = 30;
const HELLOS_A_SECOND = 1;

/** An event as its receivers get it, with the numbers of a large community. */
const example = (letters, place) => ({
  ...place,
  seq: 1234,
  timestamp: '2026-11-26T12:00:00.000Z',
  client_id: '0f8fad5b-d9cb-469f-a165-70867728950e',
  message: 'x'.repeat(letters),
});
const inRoom = { chat_type: 'room', user_id: 1234567, other_user_id: 7654321, chat_room_id: 12345678 };
const inGroup = { chat_type: 'group', user_id: 1234567, chat_group_id: 12345678 };
const textOf = (...parts) => JSON.stringify(parts).length;

/** Bytes of the texts that are sent, without what is around them. */
export function sizes({ letters }) {
  const [room, group] = [example(letters, inRoom), example(letters, inGroup)];
  const { chat_room_id, seq, timestamp, client_id } = room;
  return {
    sent: 4 + textOf('message', { chat_type: 'room', other_user_id: 7654321, message: room.message, client_id }),
    acknowledged: 4 + textOf({ ok: true, chat_room_id, seq, timestamp, client_id }),
    room: 2 + textOf('message', room),
    group: 2 + textOf('message', group),
    roomInRedis: textOf(1234567890, 123456, ['user:1234567', 'user:7654321'], [], 0, ['message', room]),
    groupInRedis: textOf(1234567890, 0, ['group:12345678'], [], 0, ['message', group]),
    small: 2 + textOf('typing', { chat_type: 'room', other_user_id: 7654321, user_id: 1234567 }),
    smallInRedis: textOf(1234567890, 0, 'home:receipt', ['12345678:1234567', 1234]),
  };
}

/**
 * Bytes of a message in InnoDB. The row: its header, transaction and rollback pointer (5 + 6 + 7), the bits of nulls and the lengths of
 * three texts (1 + 4), three integers, a moment with milliseconds (7), the `client_id`, the body. And its entry in the unique index of
 * `client_id`: header, nulls and length (5 + 2), the three columns, and `seq`.
 */
export function rowBytes({ letters, fill }) {
  const row = 5 + 6 + 7 + 5 + 3 * 4 + 7 + 36 + letters;
  const entry = 5 + 2 + 4 + 4 + 36 + 4;
  return (row + entry) / fill;
}

/** On how many of `nodes` some of so many sockets are, which the balancer has spread evenly. */
export const nodesWith = (nodes, sockets) => nodes * (1 - (1 - 1 / nodes) ** sockets);

/**
 * What each event costs between nodes: commands to Redis, texts that it hands to nodes, and their bytes. As the code has it: publisher.ts,
 * homes.ts, receipts.ts, group-notifications.ts, online-elsewhere.ts, domain-events.ts.
 */
export function carried(nodes, a) {
  const away = (nodes - 1) / nodes;
  const size = sizes(a);
  const event = (commands, arrivals, bytes) => ({ commands, arrivals, bytes });
  const [person, other] = [nodesWith(nodes, a.devices), a.otherOnline * nodesWith(nodes, a.devices)];
  const group = nodesWith(nodes, a.groupIn * a.devices);
  const outside = nodesWith(nodes, a.groupOutside * a.devices);
  return {
    // To the channels of both, and the mark of the sender to its home.
    'direct message': event(2 + away, person + other + away, size.roomInRedis),
    // To the group's channel; notification and mark to their homes; and, at most once a second, to those outside.
    'group message': event(2 + 2 * away, group + outside + 2 * away, size.groupInRedis),
    // To its home, and from there to both.
    'read receipt in a room': event(2 + away, person + other + away, size.smallInRedis),
    'typing in a room': event(1, other, size.smallInRedis),
    'typing in a group': event(1, group, size.smallInRedis),
    // Told to all.
    'coming online, or going offline': event(1, nodes, size.smallInRedis),
    // Told to all, each of whom answers; and, by their homes, a notice to the group and the mark; and the new place to the user.
    'entering a group, or leaving it': event(
      1 + (nodes - 1) + 2 + 2 * away,
      nodes + (nodes - 1) + group + person + 2 * away,
      size.smallInRedis,
    ),
    // Subscribed to the user's channel and to one of a group, and later no more.
    'opening a socket': event(3, 0, 0),
  };
}

/**
 * The load of the busiest second and what it takes.
 * @param people connected then
 * @param isToldToAll as it is today; else with comings, goings and places told only to nodes that have sockets of those concerned, which
 *   does not exist
 */
export function plan(people, a, isToldToAll = true) {
  const day = { messages: people * a.active * a.messages, visits: people * a.active * a.visits };
  const perSecond = (aDay) => (aDay / SECONDS_A_DAY) * a.peak;
  const [messages, visits] = [perSecond(day.messages), perSecond(day.visits)];
  const sockets = people * a.devices;
  const [direct, inGroups] = [messages * a.direct, messages * (1 - a.direct)];
  const deliveries =
    inGroups * (a.groupIn + a.groupOutside) * a.devices +
    direct * a.receipts * (1 + a.otherOnline) * a.devices +
    a.typing * (direct * a.otherOnline + inGroups * a.groupIn) * a.devices +
    2 * visits * a.partnersOnline * a.devices;

  const between = (nodes) => {
    const each = carried(nodes, a);
    const rates = {
      'direct message': direct,
      'group message': inGroups,
      'read receipt in a room': direct * a.receipts,
      'typing in a room': a.typing * direct,
      'typing in a group': a.typing * inGroups,
      'opening a socket': visits,
    };
    // Who goes offline also leaves the groups that they are in.
    const told = {
      'coming online, or going offline': 2 * visits,
      'entering a group, or leaving it': 2 * visits * a.entered,
    };
    if (isToldToAll) Object.assign(rates, told);
    const sum = { commands: 0, arrivals: 0, bytesOut: 0, subscribed: 3 * visits };
    for (const [name, rate] of Object.entries(rates)) {
      sum.commands += rate * each[name].commands;
      sum.arrivals += rate * each[name].arrivals;
      sum.bytesOut += rate * each[name].arrivals * (each[name].bytes + a.resp);
    }
    if (!isToldToAll) {
      const small = sizes(a).smallInRedis + a.resp;
      const [online, places] = [2 * visits, 2 * visits * a.entered];
      // Answered by one more node; and, as today, the notice, the mark and the place.
      const arrivals =
        online * nodesWith(nodes, a.partnersOnline * a.devices) +
        places * (5 + nodesWith(nodes, a.groupIn * a.devices) + a.devices);
      sum.commands += online + 6 * places;
      sum.arrivals += arrivals;
      sum.bytesOut += arrivals * small;
    }
    const hellos = isToldToAll ? HELLOS_A_SECOND * nodes : 0;
    sum.commands += hellos;
    sum.arrivals += hellos * nodes;
    sum.scripts = 2 * messages + a.pages * visits;
    sum.cores = (sum.commands * a.redisCommand + sum.arrivals * a.redisDelivery + sum.scripts * a.redisScript) / 1e6;
    return sum;
  };

  const ownCores =
    (messages * a.store + deliveries * a.deliver + visits * (a.connect + a.pages * a.page) + (sockets / 25) * a.ping) /
    1e6;
  const coresOf = (nodes) => {
    const { commands, arrivals, subscribed, scripts } = between(nodes);
    return ownCores + ((commands - subscribed + scripts) * a.publish + arrivals * a.arrival) / 1e6;
  };
  let nodes = Math.max(2, Math.ceil(sockets / a.socketsPerNode) + 1);
  // Each node more is told of everything, too: where that alone takes what a node has, no number of nodes is enough.
  for (let tries = 0; coresOf(nodes) / nodes > a.load && tries < 200; tries++)
    nodes = Math.ceil(coresOf(nodes) / a.load);
  const isPossible = coresOf(nodes) / nodes <= a.load;

  const redis = between(nodes);
  const presenceRows = isToldToAll ? 2 * visits * nodes * a.partners : 2 * visits * a.partners;
  const copyRows = isToldToAll ? (nodes * people) / READ_EVERY_S : 0;
  const databaseCores =
    (messages * a.aloneDb +
      visits * (a.connectDb + a.pages * a.pageDb + 4 * a.aloneDb) +
      presenceRows * a.joinRow +
      copyRows * a.scanRow) /
    1e6;
  const diskYear = (day.messages * 365 * rowBytes(a)) / 1e12;
  const byLoad = Math.ceil(databaseCores / (a.dbCores * a.load));
  const byDisk = Math.ceil(diskYear / a.dbDisk);
  const nodeMemory =
    (a.program + (sockets / nodes) * ((a.socket + a.channels) / 1024)) / 1024 +
    (isToldToAll ? (people * a.onlineCopy) / 2 ** 30 : 0);
  return {
    people,
    day,
    sockets,
    messages,
    visits,
    deliveries,
    nodes,
    isPossible,
    redis,
    presenceRows,
    copyRows,
    databaseCores,
    diskYear,
    byLoad,
    byDisk,
    nodeMemory,
    kernelMemory: ((sockets / nodes) * a.kernel) / 2 ** 20,
    nodeLoad: coresOf(nodes) / nodes,
    newsLoad: (coresOf(nodes) - ownCores) / nodes,
    transactions: messages + 4 * visits,
    redisServers: Math.ceil(redis.cores / a.load),
    tlsCores: (visits * a.tls) / 1e6 / a.load,
  };
}

/** Bytes of a message on the way to clients and back, on average. */
export function wireBytes(a) {
  const size = sizes(a);
  const packet = (bytes) => bytes + a.frame;
  const received = a.direct * a.devices * (1 + a.otherOnline) * packet(size.room);
  const inGroups = (1 - a.direct) * a.devices * (a.groupIn * packet(size.group) + a.groupOutside * packet(size.group));
  const hints = a.typing * a.devices * (a.direct * a.otherOnline + (1 - a.direct) * a.groupIn) * packet(size.small);
  return { up: packet(size.sent), down: packet(size.acknowledged) + received + inGroups, hints };
}

/** What a month costs, by the prices that were put. */
export function costs(p, a) {
  const month = p.day.messages * DAYS_A_MONTH;
  const wire = wireBytes(a);
  const servers = Math.max(p.byLoad, p.byDisk) * a.copies;
  const parts = {
    nodes: p.nodes * (a['price.core'] + (p.nodeMemory + p.kernelMemory) * a['price.memory']),
    balancers: Math.max(2, Math.ceil(p.tlsCores)) * a['price.core'],
    redis: p.redisServers * 2 * (a['price.core'] + 2 * a['price.memory']),
    database:
      servers * (a.dbCores * (a['price.core'] + 4 * a['price.memory'])) + p.diskYear * a.copies * a['price.disk'],
    traffic: ((month * (wire.down + wire.hints)) / 1e12) * a['price.traffic'],
  };
  const all = Object.values(parts).reduce((sum, one) => sum + one, 0);
  return { parts, all, perMessage: all / month, perPerson: all / (p.people * a.monthly) };
}

/** The largest number of people connected for which `fits` says yes, to two digits. */
export function limitOf(fits) {
  let [low, high] = [1, 1e10];
  if (fits(high)) return Infinity;
  while (high / low > 1.01) {
    const middle = Math.sqrt(low * high);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return Number(low.toPrecision(2));
}

// ---- Reconnecting

/** Random numbers below 1, the same for the same seed (mulberry32). */
export function randomBy(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How long clients wait before each try, and for its answer. Times in ms. */
export const CLIENTS = {
  /** socket.io-client 4.8: contrib/backo2.js with reconnectionDelay 1000, reconnectionDelayMax 5000, randomizationFactor 0.5. */
  'socket.io-client': {
    patience: 20_000,
    wait(attempt, random) {
      const ms = 1_000 * 2 ** attempt;
      const rand = random();
      const deviation = Math.floor(rand * 0.5 * ms);
      return Math.min((Math.floor(rand * 10) & 1) === 0 ? ms - deviation : ms + deviation, 5_000);
    },
  },
  /** client/src/link.ts and clock.ts: full jitter up to 0.5 s, 1 s, 2 s … 20 s; it had been connected for longer than 5 s. */
  'parley-client': {
    patience: 10_000,
    wait: (attempt, random) => Math.round(random() * Math.min(20_000, 500 * 2 ** Math.min(attempt, 16))),
  },
};

/** A binary heap of times, each with the number of who comes then. */
class Heap {
  size = 0;
  constructor(most) {
    this.times = new Float64Array(most);
    this.whos = new Int32Array(most);
  }
  push(time, who) {
    const { times, whos } = this;
    let i = this.size++;
    for (let up; i > 0 && times[(up = (i - 1) >> 1)] > time; i = up) this.move(up, i);
    times[i] = time;
    whos[i] = who;
  }
  pop() {
    const { times, whos } = this;
    const first = [times[0], whos[0]];
    const [time, who] = [times[--this.size], whos[this.size]];
    let i = 0;
    for (let next; (next = 2 * i + 1) < this.size; i = next) {
      if (next + 1 < this.size && times[next + 1] < times[next]) next++;
      if (times[next] >= time) break;
      this.move(next, i);
    }
    times[i] = time;
    whos[i] = who;
    return first;
  }
  move(from, to) {
    this.times[to] = this.times[from];
    this.whos[to] = this.whos[from];
  }
}

/** What a handshake costs that is refused, or whose client has gone meanwhile, beside one that succeeds. */
const REFUSED_COST = 0.1;
const GONE_COST = 0.25;
const WINDOW_MS = 100;

/**
 * Clients notice between `fromMs` and `fromMs + spreadMs` that their connection is gone, and come back to nodes that take `rate`
 * connections a second each, in the order in which they came. Each try goes to a random node; until `awayMs`, tries fail at once. A node
 * where `bound` handshakes wait refuses. A client that has waited for too long gives up, and tries again later.
 * @returns times in ms, rates of one node
 */
export function storm({
  clients,
  nodes,
  rate,
  client,
  fromMs = 0,
  spreadMs = 0,
  awayMs = 0,
  bound = Infinity,
  seed = 1,
}) {
  const random = randomBy(seed);
  const { wait, patience } = CLIENTS[client];
  const coming = new Heap(clients);
  const attempts = new Uint16Array(clients);
  /** When each node has done all that waits there. */
  const freeAt = new Float64Array(nodes);
  const serviceMs = 1_000 / rate;
  const back = new Float64Array(clients);
  const arrivals = new Map();
  let [tries, refused, gaveUp, longest] = [0, 0, 0, 0];
  const again = (time, who) => {
    let next = time;
    do {
      next += wait(attempts[who]++, random);
      tries++;
    } while (next < awayMs);
    coming.push(next, who);
  };
  for (let who = 0; who < clients; who++) again(fromMs + random() * spreadMs, who);
  while (coming.size > 0) {
    const [time, who] = coming.pop();
    const node = Math.floor(random() * nodes);
    const window = Math.floor(time / WINDOW_MS) * nodes + node;
    arrivals.set(window, (arrivals.get(window) ?? 0) + 1);
    const begins = Math.max(time, freeAt[node]);
    const waiting = (begins - time) / serviceMs;
    if (waiting >= bound) {
      refused++;
      freeAt[node] = begins + serviceMs * REFUSED_COST;
      again(time, who);
      continue;
    }
    longest = Math.max(longest, waiting);
    const isTooLate = begins + serviceMs - time > patience;
    freeAt[node] = begins + serviceMs * (isTooLate ? GONE_COST : 1);
    if (isTooLate) {
      gaveUp++;
      again(time + patience, who);
    } else back[who] = freeAt[node];
  }
  back.sort();
  const at = (share) => back[Math.max(0, Math.ceil(clients * share) - 1)];
  const peak = Math.max(...arrivals.values());
  return {
    half: at(0.5),
    most: at(0.99),
    all: at(1),
    peak: (peak * 1_000) / WINDOW_MS,
    longest: Math.round(longest),
    tries: tries / clients,
    refused,
    gaveUp,
  };
}

// ---- A hot group

/** W2 keeps so many messages in flight: what more packets in one write would cost was not measured. */
const IN_FLIGHT = 16;

/**
 * µs of CPU that one turn of the event loop takes for each socket: so much for its write, and so much for each packet in it. From W2 of
 * 1,000 with one in flight, and with 16. More than 16 count as several writes.
 */
export function writeCost({ deliver, gathered }) {
  const packet = (IN_FLIGHT * gathered - deliver) / (IN_FLIGHT - 1);
  return { packet, write: deliver - packet };
}

/** Messages a second at which one core has no rest any more, with one packet in a write, and with as many as have come. */
export function saturation(members, nodes, { deliver, gathered }) {
  const sockets = members / nodes;
  return { alone: 1e6 / (sockets * deliver), gathered: 1e6 / (sockets * gathered) };
}

/**
 * Messages come at random, `rate` a second, to a node with `sockets` in the group. Each turn of its event loop sends all that have come by
 * then to all sockets, in one write each where `isGathered`.
 * @returns waits in ms until the last socket has been written to, and the share of time that the loop was busy
 */
export function hotGroup({ sockets, rate, seconds, a, isGathered = true, seed = 1 }) {
  const random = randomBy(seed);
  const { packet, write } = writeCost(a);
  const came = [];
  for (let time = 0; ;) {
    time += -Math.log(1 - random()) / rate;
    if (time >= seconds) break;
    came.push(time);
  }
  const waits = [];
  let [now, busy, largest, turns] = [0, 0, 0, 0];
  for (let next = 0; next < came.length;) {
    now = Math.max(now, came[next]);
    if (now > 2 * seconds) break;
    let end = next;
    while (end < came.length && came[end] <= now) end++;
    const count = end - next;
    const took =
      (sockets * (isGathered ? Math.ceil(count / IN_FLIGHT) * write + count * packet : count * a.deliver)) / 1e6;
    now += took;
    busy += took;
    turns++;
    largest = Math.max(largest, count);
    for (; next < end; next++) waits.push(now - came[next]);
  }
  waits.sort((one, other) => one - other);
  const at = (share) => waits[Math.max(0, Math.ceil(waits.length * share) - 1)] * 1_000;
  return { busy: busy / Math.max(seconds, now), mean: waits.length / turns, largest, half: at(0.5), most: at(0.99) };
}

// ---- Printing

const number = (value, digits = 0) =>
  value === Infinity ? 'none' : value.toLocaleString('en-US', { maximumFractionDigits: digits });
/** To two digits, since the assumptions are no better. */
const about = (value) => {
  if (!Number.isFinite(value)) return 'none';
  if (value === 0) return '0';
  return Number(value.toPrecision(2)).toLocaleString('en-US', { maximumSignificantDigits: 2 });
};
const percent = (share) => `${about(share * 100)} %`;
const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`;

function table(head, rows) {
  const all = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, i) => Math.max(3, ...all.map((row) => row[i].length)));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const [first, ...rest] = all.map(line);
  return [first, line(widths.map((width) => '-'.repeat(width))), ...rest].join('\n');
}

const SCALES = [10_000, 1_000_000, 100_000_000];

function printArithmetic(a, print) {
  print(
    '### Assumptions',
    table(
      ['name', 'value', 'kind', 'what, and from where'],
      Object.entries(ASSUMPTIONS).map(([name, [, unit, kind, source]]) => [
        `\`${name}\``,
        `${number(a[name], 2)} ${unit}`.trim(),
        kind,
        source,
      ]),
    ),
  );
  const wire = wireBytes(a);
  const size = sizes(a);
  print(
    '### Bytes of a message',
    table(
      ['what', 'bytes'],
      [
        ['from the sender, with what is around it', number(wire.up)],
        ['to the receivers and back to the sender, all in all', number(wire.down)],
        ['hints that somebody types, all in all', number(wire.hints)],
        ['the packet of a direct message, of a group message', `${size.room}, ${size.group}`],
        ['the text of these in Redis, for each channel', `${size.roomInRedis}, ${size.groupInRedis}`],
        ['on disk, row and index entry, one copy', number(rowBytes(a))],
      ],
    ),
  );
  const columns = [3, 30, 300];
  print(
    '### What an event costs between nodes',
    table(
      ['event', ...columns.map((n) => `commands, texts: ${n} nodes`)],
      Object.keys(carried(3, a)).map((name) => [
        name,
        ...columns.map((n) => {
          const { commands, arrivals } = carried(n, a)[name];
          return `${number(commands, 1)}, ${number(arrivals, 1)}`;
        }),
      ]),
    ),
  );
  const all = SCALES.map((people) => plan(people, a));
  const head = ['people connected', ...SCALES.map((people) => number(people))];
  const row = (name, figure, plans) => [name, ...plans.map(figure)];
  print(
    '### Load in the busiest second',
    table(head, [
      row('sockets', (p) => about(p.sockets), all),
      row('messages a day', (p) => about(p.day.messages), all),
      row('messages/s', (p) => about(p.messages), all),
      row('visits/s: sockets opened', (p) => about(p.visits), all),
      row('deliveries/s to sockets', (p) => about(p.deliveries), all),
    ]),
  );
  const needs = (plans) =>
    table(head, [
      row('nodes, one core each', (p) => (p.isPossible ? about(p.nodes) : 'no number is enough'), plans),
      row(
        'memory of a node, GiB, and of its kernel',
        (p) => (p.isPossible ? `${number(p.nodeMemory, 1)} + ${number(p.kernelMemory, 1)}` : '–'),
        plans,
      ),
      row('CPU of a node', (p) => (p.isPossible ? percent(p.nodeLoad) : '–'), plans),
      row('… of it for Redis', (p) => (p.isPossible ? percent(p.newsLoad) : '–'), plans),
      row('commands/s to Redis', (p) => (p.isPossible ? about(p.redis.commands) : '–'), plans),
      row('texts/s from Redis', (p) => (p.isPossible ? about(p.redis.arrivals) : '–'), plans),
      row('MB/s from Redis', (p) => (p.isPossible ? about(p.redis.bytesOut / 1e6) : '–'), plans),
      row('busy cores of Redis', (p) => (p.isPossible ? about(p.redis.cores) : '–'), plans),
      row('servers of Redis', (p) => (p.isPossible ? about(p.redisServers) : '–'), plans),
      row('transactions/s that write', (p) => about(p.transactions), plans),
      row('rows/s for who sees whom', (p) => (p.isPossible ? about(p.presenceRows) : '–'), plans),
      row('rows/s for copies of who is online', (p) => (p.isPossible ? about(p.copyRows) : '–'), plans),
      row('busy cores of the database', (p) => (p.isPossible ? about(p.databaseCores) : '–'), plans),
      row('servers of the database by CPU, without replicas', (p) => (p.isPossible ? about(p.byLoad) : '–'), plans),
      row('TB of messages a year, one copy', (p) => number(p.diskYear, p.diskYear < 1 ? 2 : 0), plans),
      row('servers of the database by disk, for each year', (p) => about(p.byDisk), plans),
    ]);
  print('### What that takes as Parley is today', needs(all));
  const without = SCALES.map((people) => plan(people, a, false));
  print('### What it would take if nodes told only those concerned', needs(without));
  const limit = (fits) => {
    const people = limitOf(fits);
    return people === Infinity ? 'none' : number(people);
  };
  print(
    '### Up to how many people connected each part is enough',
    table(
      ['part', 'today', 'telling only those concerned'],
      [
        [
          'the database: rows for who sees whom, half of 16 cores',
          limit((n) => (plan(n, a).presenceRows * a.joinRow) / 1e6 <= a.dbCores * a.load),
          limit((n) => (plan(n, a, false).presenceRows * a.joinRow) / 1e6 <= a.dbCores * a.load),
        ],
        [
          'the database: all, half of 16 cores',
          limit((n) => plan(n, a).byLoad <= 1),
          limit((n) => plan(n, a, false).byLoad <= 1),
        ],
        [
          'the database: messages of one year on 4 TB',
          limit((n) => plan(n, a).byDisk <= 1),
          limit((n) => plan(n, a, false).byDisk <= 1),
        ],
        [
          'one Redis, half of a core',
          limit((n) => plan(n, a).redisServers <= 1),
          limit((n) => plan(n, a, false).redisServers <= 1),
        ],
        ['nodes: more of them help', limit((n) => plan(n, a).isPossible), limit((n) => plan(n, a, false).isPossible)],
        ['a Map of V8 for who is online', number(MOST_IN_MAP), 'not needed'],
        [
          'the ids of conversations (31 bits)',
          limit((n) => (n * a.monthly * a.partners) / 2 <= MOST_IN_INTEGER),
          'the same',
        ],
      ],
    ),
  );
  const money = without.map((p) => costs(p, a));
  print(
    '### Money a month, by the prices above, telling only those concerned',
    table(head, [
      ...Object.keys(money[0].parts).map((part) => [part, ...money.map(({ parts }) => about(parts[part]))]),
      ['all', ...money.map(({ all: sum }) => about(sum))],
      ['for a million messages', ...money.map(({ perMessage }) => about(perMessage * 1e6))],
      ['for each person active in the month', ...money.map(({ perPerson }) => about(perPerson))],
    ]),
  );
}

/** Connections a second that a node takes: W5 on MariaDB. */
const RATE = 1_371;
const BOUND = 2_000;

function printStorm(a, print, seed) {
  const each = a.socketsPerNode;
  const both = [Infinity, BOUND];
  const scenes = [
    ['one of 4 nodes is killed', { clients: each, nodes: 3 }, both],
    ['one of 4 is stopped: closed over 2 s', { clients: each, nodes: 3, spreadMs: 2_000 }, both],
    ['one of 4 goes silent: noticed after 20 to 45 s', { clients: each, nodes: 3, fromMs: 20_000, spreadMs: 25_000 }],
    ['one of 40 is killed', { clients: each, nodes: 39 }],
    ['one of 40 is stopped: closed over 2 s', { clients: each, nodes: 39, spreadMs: 2_000 }],
    ['the balancer of 4 is away for 1 s', { clients: 4 * each, nodes: 4, awayMs: 1_000 }, both],
    ['the balancer of 4 is away for 30 s', { clients: 4 * each, nodes: 4, awayMs: 30_000 }, both],
  ];
  const rows = [];
  for (const [scene, options, bounds = [Infinity]] of scenes)
    for (const client of Object.keys(CLIENTS))
      for (const bound of bounds) {
        const {
          half,
          most: nearlyAll,
          all,
          peak,
          longest,
          tries,
          gaveUp,
        } = storm({ ...options, rate: RATE, client, bound, seed });
        const times = [half, nearlyAll, all].map(seconds);
        rows.push([
          scene,
          client,
          number(bound),
          ...times,
          number(peak),
          number(longest),
          tries.toFixed(1),
          number(gaveUp),
        ]);
      }
  const head = [
    'what happens',
    'client',
    'bound',
    'half are back',
    '99 %',
    'all',
    'peak/s at a node',
    'longest queue',
    'tries each',
    'gave up waiting',
  ];
  print(
    `### ${number(each)} clients of each node come back, to nodes that take ${number(RATE)} a second each`,
    table(head, rows),
  );
}

const MEMBERS = 100_000;

function printGroup(a, print, seed) {
  const { packet, write } = writeCost(a);
  // As a node sends it to the balancer: a frame of a WebSocket has four bytes more.
  const bits = (sizes(a).group + 4) * 8;
  const saturated = [1, 4, 10, 40, 100].map((nodes) => {
    const { alone, gathered } = saturation(MEMBERS, nodes, a);
    const sockets = MEMBERS / nodes;
    // One text for each message, and a notification at most once a second; to the homes, notification and mark.
    const home = (2 * (nodes - 1)) / nodes;
    return [
      nodes,
      number(sockets),
      `${number((sockets * a.deliver) / 1e3)} ms`,
      number(alone, 1),
      number(gathered, 1),
      number((gathered * sockets * bits) / 1e6),
      nodes === 1 ? 0 : number(gathered * (1 + home) + 1),
      nodes === 1 ? 0 : number(gathered * (nodes + home) + nodes),
    ];
  });
  const title = `### ${number(MEMBERS)} people who are in one group: ${write.toFixed(1)} µs for each write, and ${packet.toFixed(1)} µs for each packet in it`;
  const head = [
    'nodes',
    'sockets each',
    'one message takes a node',
    'messages/s, one in a write',
    'messages/s, gathered',
    'Mbit/s of a node then',
    'commands/s to Redis',
    'texts/s from Redis',
  ];
  print(title, table(head, saturated));
  const rows = [];
  const cases = [
    [4, [2, 4, 10, 20, 30]],
    [10, [5, 10, 20, 50, 60]],
    [40, [20, 50, 100, 200]],
  ];
  for (const [nodes, rates] of cases)
    for (const rate of rates) {
      const options = { sockets: MEMBERS / nodes, rate, seconds: 120, a, seed };
      const most = saturation(MEMBERS, nodes, a);
      const [gathered, alone] = [hotGroup(options), hotGroup({ ...options, isGathered: false })];
      const wait = (one, limit) => (rate > limit ? 'grows' : `${number(one.half)}, ${number(one.most)}`);
      rows.push([
        nodes,
        rate,
        number((rate * MEMBERS) / nodes),
        percent(gathered.busy),
        rate > most.gathered ? 'grows' : `${number(gathered.mean, 1)}, ${gathered.largest}`,
        wait(gathered, most.gathered),
        wait(alone, most.alone),
      ]);
    }
  const columns = [
    'nodes',
    'messages/s',
    'deliveries/s of a node',
    'CPU of a node',
    'packets in a write: mean, most',
    'ms until the last has it: half, 99 %',
    'the same with one in a write',
  ];
  print('### The same, message by message, for two minutes', table(columns, rows));
  const outside = [10, 40].flatMap((nodes) =>
    [10, 50].map((rate) => [
      nodes,
      rate,
      number((rate * MEMBERS) / nodes),
      number(MEMBERS / nodes),
      percent(((MEMBERS / nodes) * a.deliver) / 1e6),
    ]),
  );
  print(
    `### ${number(MEMBERS)} members who are outside`,
    table(
      [
        'nodes',
        'messages/s',
        'notifications/s of a node, one for each message',
        'at most one a second',
        'CPU of a node',
      ],
      outside,
    ),
  );
}

function main(args) {
  const a = { ...DEFAULTS };
  const parts = [];
  let seed = 1;
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--seed') seed = Number(args[++i]);
    else if (args[i] === '--set') {
      const [name, value] = (args[++i] ?? '').split('=');
      if (!(name in a) || !(Number(value) > 0))
        throw new Error(`--set ${name}=…: there is no such assumption, or it is no number above 0.`);
      a[name] = Number(value);
    } else if (['arithmetic', 'storm', 'group'].includes(args[i])) parts.push(args[i]);
    else throw new Error(`What is ${args[i]}? Use: [arithmetic] [storm] [group] [--seed N] [--set name=value]`);
  }
  if (!Number.isSafeInteger(seed)) throw new Error('--seed takes a whole number.');
  const wants = (part) => parts.length === 0 || parts.includes(part);
  const print = (title, text) => console.log(`${title}\n\n${text}\n`);
  if (wants('arithmetic')) printArithmetic(a, print);
  if (wants('storm')) printStorm(a, print, seed);
  if (wants('group')) printGroup(a, print, seed);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
