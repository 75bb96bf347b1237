// W1 paced: the same messages at a steady pace, whatever the server does (open loop). What one waits for below the peak.
import { isAccepted } from '../light-socket.js';
import { atPace } from '../pace.js';
import { Durations } from '../stats.js';
import type { Subject } from '../subject.js';
import { measured, percentiles, until, WARM_UP_SECONDS, type Workload } from './measure.js';
import { isRelay, openPairs, RECEIVERS } from './pairs.js';

const ANSWERS_WITHIN_MS = 15_000;

/**
 * @param level what the table calls it
 * @param paceOf messages a second for this one; undefined where it cannot take so many
 */
export const paced = (level: string, paceOf: (subject: Subject) => number | undefined): Workload => ({
  family: 'W1p',
  work: `W1 paced, ${level}`,
  receivers: RECEIVERS,
  suits: (subject) => subject.name !== 'fastify' && !isRelay(subject) && paceOf(subject) !== undefined,
  async measure(subject, seconds) {
    const perSecond = paceOf(subject)!;
    const { pairs, arrived, close } = await openPairs(subject);
    const [latency, arrival, late] = [new Durations(), new Durations(), new Durations()];
    let [answered, refused] = [0, 0];
    let isCounting = false;
    /** Of each pair, when those were due that its reader has not got yet. They come in their order. */
    const onTheirWay: { due: number; isCounted: boolean }[][] = pairs.map(() => []);
    for (const [i, pair] of pairs.entries())
      pair.onDelivered = () => {
        // Nothing is on its way where the room's first message comes late.
        const sent = onTheirWay[i].shift();
        if (sent?.isCounted) arrival.add(performance.now() - sent.due);
      };
    const send = (number: number, due: number): void => {
      const isCounted = isCounting;
      if (isCounted) late.add(performance.now() - due);
      const i = number % pairs.length;
      const { writer, payload } = pairs[i];
      const sent = { due, isCounted };
      onTheirWay[i].push(sent);
      writer.send(payload, (packet) => {
        answered += 1;
        if (!isAccepted(packet)) {
          refused += 1;
          onTheirWay[i].splice(onTheirWay[i].indexOf(sent), 1);
        } else if (isCounted) latency.add(performance.now() - due);
      });
    };
    const [warm, total] = [WARM_UP_SECONDS, seconds].map((time) => Math.ceil(perSecond * time));
    await atPace(perSecond, warm, send);
    const window = await measured(subject, async () => {
      isCounting = true;
      await atPace(perSecond, total, send);
    });
    await until(() => answered >= warm + total, ANSWERS_WITHIN_MS);
    if (answered < warm + total) throw new Error(`${subject.label}: ${warm + total} sent, ${answered} answered`);
    await arrived(warm + total - refused);
    close();
    return {
      'messages/s': total / window.seconds,
      ...percentiles(latency),
      'reader p50 ms': arrival.percentile(50),
      'reader p99 ms': arrival.percentile(99),
      refused,
      'µs CPU each': (window.cpu / total) * 1e6,
      ...window.load,
      'sent late ms': late.percentile(99),
    };
  },
});
