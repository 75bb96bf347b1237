import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Clock } from '../../src/common/timing/clock.js';
import { Metrics } from '../../src/common/metrics.js';
import { loadConfig } from '../../src/config/config.js';
import { LoneNode } from '../../src/cluster/node-bus.js';
import { DomainEvents } from '../../src/domain-events/domain-events.js';
import { OFFLINE_AFTER_MS, Presence } from '../../src/sockets/presence.js';

let presence: Presence;
let told: string[];
const ADA = { userId: 1, sessionId: 10 };
const HER_PHONE = { userId: 1, sessionId: 11 };

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  const events = new DomainEvents(new LoneNode());
  events.on('wentOnline', ({ userId }) => void told.push(`${userId} online`));
  events.on('disconnected', ({ userId, heardAt }) => void told.push(`${userId} disconnected, heard at ${heardAt}`));
  events.on('wentOffline', ({ userId }) => void told.push(`${userId} offline`));
  presence = new Presence(events, new Clock(), new LoneNode(), new Metrics(loadConfig({})));
});
afterEach(() => void vi.useRealTimers());

it('is online with the first socket, and offline some seconds after the last', () => {
  presence.connected(ADA);
  presence.connected(ADA);
  expect(told).toEqual(['1 online']);
  presence.disconnected(ADA, false, 5);
  expect([presence.isConnected(1), presence.isOnline(1)]).toEqual([true, true]);
  presence.disconnected(ADA, false, 3);
  // Heard last on the socket that closed first.
  expect(told.at(-1)).toBe('1 disconnected, heard at 5');
  expect([presence.isConnected(1), presence.isOnline(1)]).toEqual([false, true]);
  vi.advanceTimersByTime(OFFLINE_AFTER_MS - 1);
  expect(presence.isOnline(1)).toBe(true);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(['1 online', '1 disconnected, heard at 5', '1 offline']);
  expect(presence.allHere()).toEqual([]);
});

it('never went away who is back in time', () => {
  presence.connected(ADA);
  presence.disconnected(ADA, false, 0);
  vi.advanceTimersByTime(OFFLINE_AFTER_MS - 1);
  presence.connected(ADA);
  vi.advanceTimersByTime(OFFLINE_AFTER_MS);
  expect(told).toEqual(['1 online', '1 disconnected, heard at 0']);
});

it('goes at once whose session has ended, unless another one is waited for', () => {
  presence.connected(ADA);
  presence.disconnected(ADA, true, 0);
  expect(told.at(-1)).toBe('1 offline');

  presence.connected(ADA);
  presence.connected(HER_PHONE);
  presence.disconnected(HER_PHONE, false, 0);
  presence.disconnected(ADA, true, 0);
  expect(presence.isOnline(1)).toBe(true);
  presence.endGrace(HER_PHONE);
  expect(told.at(-1)).toBe('1 offline');
  expect(vi.getTimerCount()).toBe(0);
});

it('counts no socket twice that is said to be gone twice', () => {
  presence.connected(ADA);
  presence.disconnected(ADA, false, 0);
  presence.disconnected(ADA, false, 0);
  presence.connected(ADA);
  expect(presence.isConnected(1)).toBe(true);
  presence.disconnected(ADA, true, 0);
  expect(presence.isOnline(1)).toBe(false);
});
