import { describe, expect, it } from 'vitest';
import { canonicalAddress, ClientNetworks, networkOf, siteOf } from '../../src/common/limits/client-network.js';

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
    ['64:ff9b::c633:6407', '198.51.100.7', 'NAT64'],
    ['64:ff9b::203.0.113.9', '203.0.113.9', 'NAT64, as it is often written'],
    ['64:ff9b:1::c633:6407', '198.51.100.7', "NAT64 with a network's own prefix"],
    ['64:ff9b:1:ffff:0:a:c633:6407', '198.51.100.7', "NAT64 with another of a network's own prefixes"],
    ['64:ff9b:1:c633:64:700::', '64:ff9b:1:c633:64:700::/128', 'NAT64 with a short prefix, of 48 bits'],
    ['64:ff9b:1:7:c6:3364:700:0', '64:ff9b:1:7:c6:3364:700:0/128', 'NAT64 with a short prefix, of 64 bits'],
    ['2001:0:4136:e378:8000:63bf:39cc:9bf8', '198.51.100.7', 'Teredo'],
  ])('%s counts as %s: %s', (spelled, network) => {
    expect(networkOf(canonicalAddress(spelled)!)).toBe(network);
    // Each for itself: the /48 around it is everybody.
    expect(siteOf(network)).toBeUndefined();
  });

  it.each([
    ['2002:c633:6407:1::1', '2002:c633:6407:1::/64', '2002:c633:6407::/48', '6to4: a site for each IPv4 address'],
    ['64:ff9b:0:1::1', '64:ff9b:0:1::/64', '64:ff9b::/48', 'beside NAT64'],
    ['64:ff9b:2::1', '64:ff9b:2::/64', '64:ff9b:2::/48', 'beside the prefixes of networks themselves'],
    ['2001:1::1', '2001:1::/64', '2001:1::/48', 'beside Teredo'],
  ])('%s counts as %s within %s: %s', (spelled, network, site) => {
    expect(networkOf(canonicalAddress(spelled)!)).toBe(network);
    expect(siteOf(network)).toBe(site);
  });

  it('within an IPv6 address makes nobody a proxy', () => {
    expect(from(['10.0.0.0/8'], '64:ff9b::a00:1', '203.0.113.9')).toBe('64:ff9b::a00:1');
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
