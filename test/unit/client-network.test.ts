import { describe, expect, it } from 'vitest';
import { canonicalAddress, ClientNetworks, networkOf, siteOf } from '../../src/common/client-network.js';

const from = (trustProxy: false | number | string[], remoteAddress: string | undefined, forwarded?: string) =>
  new ClientNetworks({ trustProxy }).addressOf({
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    socket: { remoteAddress },
  });

describe('the address of a client', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    [' 198.51.100.7:4711 ', '198.51.100.7'],
    ['"198.51.100.7"', '198.51.100.7'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['[::ffff:c633:6407]:80', '198.51.100.7'],
    ['0:0:0:0:0:FFFF:198.51.100.7', '198.51.100.7'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['"[2001:db8::1]:4711"', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:80', 'fe80::1'],
    ['::', '::'],
  ])('is spelled in one way: %s is %s', (text, address) => expect(canonicalAddress(text)).toBe(address));

  it.each([
    '',
    'junk',
    'unknown',
    '127.1',
    '0x7f000001',
    '010.0.0.1',
    '1.2.3.4.5',
    '1.2.3.4:80:90',
    '[]',
    ':'.repeat(16_000),
  ])('is not %j', (text) => expect(canonicalAddress(text)).toBeUndefined());

  it.each([
    ['198.51.100.7', '198.51.100.7', undefined],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8::/64', '2001:db8::/48'],
    ['2001:db8:1::', '2001:db8:1::/64', '2001:db8:1::/48'],
    ['1::8', '1::/64', '1::/48'],
    ['::1', '::/64', '::/48'],
    ['::1.2.3.4', '::/64', '::/48'],
  ])('%s belongs to the network %s and the site %s', (address, network, site) => {
    expect(networkOf(address)).toBe(network);
    expect(siteOf(network)).toBe(site);
  });

  it.each([
    ['nobody is believed', false, '198.51.100.1', '203.0.113.9', '198.51.100.1'],
    ['one proxy', 1, '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['one proxy, and what its client made up', 1, '10.0.0.1', '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['two proxies', 2, '10.0.0.1', '203.0.113.9:80, [2001:db8::2]:80', '203.0.113.9'],
    ['fewer than there should be', 3, '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['a proxy that speaks IPv6', ['10.0.0.0/8'], '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['a chain of known proxies', ['10.0.0.0/8', '::1'], '::1', '1.1.1.1, 203.0.113.9, 10.0.0.7:99', '203.0.113.9'],
    ['somebody who is no proxy', ['10.0.0.0/8'], '198.51.100.1', '203.0.113.9', '198.51.100.1'],
    ['junk is the proxy', 1, '10.0.0.1', 'junk', '10.0.0.1'],
    ['junk behind two proxies is the inner one', 2, '10.0.0.1', '203.0.113.9, junk, 10.0.0.2', '10.0.0.2'],
    ['nothing is the proxy', 1, '10.0.0.1', '', '10.0.0.1'],
    ['a header is missing', 1, '10.0.0.1', undefined, '10.0.0.1'],
    ['a connection that is gone', 1, undefined, undefined, '0.0.0.0'],
  ] as const)('where %s', (_name, trusted, remote, forwarded, address) => {
    expect(from(typeof trusted === 'object' ? [...trusted] : trusted, remote, forwarded)).toBe(address);
  });

  it('is not looked for through more hops than anybody has', () => {
    const madeUp = Array.from({ length: 5_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`).join(',');
    expect(from(['10.0.0.0/8'], '10.0.0.1', `203.0.113.9,${madeUp}`)).toMatch(/^10\./);
  });
});
