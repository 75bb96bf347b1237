import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, SocketAddress } from 'node:net';
import { createParamDecorator, type ExecutionContext, Inject, Injectable, type PipeTransform } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';

/*
 * The only place that determines where a request comes from. Limits for strangers are counted by network: an IPv4 address, or the /64 of an
 * IPv6 address, the smallest block that customers get. All spellings of a network have one key.
 *
 * Some IPv6 addresses stand for an IPv4 address, and their /64 for many or all of them:
 * - NAT64 (RFC 6052, RFC 8215) puts all IPv4 clients behind one prefix: the IPv4 address is the key.
 * - Teredo (RFC 4380) does so with all clients of one server: again the client's IPv4 address is the key. It cannot be forged, since packets
 *   to the IPv6 address are sent there.
 * - 6to4 (RFC 3056) gives a /48 to each IPv4 address. That is a customer like any other, with its own /64s and its own site.
 * This holds for counting only. Whether a proxy is trusted depends on the address itself.
 */

/** The parts of a request that are used: `headers`, and the address of its connection. */
export type Incoming = Pick<IncomingMessage, 'headers'> & { socket: { remoteAddress?: string | undefined } };

/** In place of an address where the connection was closed before it was read. */
const UNKNOWN = '0.0.0.0';

/** `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]`, `[::1]:80`, each also in quotes, with spaces, or with a zone (`fe80::1%eth0`). */
const SPELLING = /^(?:\[([^\]]*)\](?::\d*)?|([^:]*)(?::\d*)?|(.*:.*))$/;

/** No spelling of an address is longer: strangers choose the text that is parsed. */
const LONGEST = 80;
/** More proxies than anybody has: forged hops must not all be followed. */
const MAX_HOPS = 100;

/** An address in its one spelling: no port, no zone, IPv6 shortened, IPv4 within IPv6 as IPv4. Undefined where it is none. */
export function canonicalAddress(text: string): string | undefined {
  if (text.length > LONGEST) return undefined;
  const [, bracketed, plain, colons] = SPELLING.exec(text.replace(/^[\s"]+|[\s"]+$/g, '')) ?? [];
  const [address = ''] = (bracketed ?? plain ?? colons ?? '').split('%');
  if (isIP(address) !== 6) return isIP(address) === 4 ? address : undefined;
  const { address: shortened } = new SocketAddress({ address, family: 'ipv6' });
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(shortened)?.[1] ?? shortened;
}

/** The network of a canonical address: IPv4 as it is, also within IPv6; else IPv6 as `2001:db8:1:2::/64`. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const groups = groupsOf(address);
  return ipv4Within(groups) ?? prefixOf(groups, 4);
}

/** The site of an IPv6 network, which customers may share: `2001:db8:1::/48`; undefined for IPv4. @param network as of `networkOf` */
export const siteOf = (network: string): string | undefined =>
  network.endsWith('/64') ? prefixOf(groupsOf(network.slice(0, -'/64'.length)), 3) : undefined;

/** The eight groups of a canonical IPv6 address. */
function groupsOf(address: string): number[] {
  // `::1.2.3.4`: the only canonical ones that end so are zero before it.
  const [head = '', tail = ''] = address.replace(/\d+\.\d+\.\d+\.\d+$/, '0:0').split('::');
  const split = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [before, after] = [split(head), split(tail)];
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].map((group) => parseInt(group, 16));
}

/** The IPv4 address that an IPv6 address stands for, where a whole /64 may hold many such. */
function ipv4Within(groups: readonly number[]): string | undefined {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, high = 0, low = 0] = groups;
  if (a === 0x64 && b === 0xff9b) {
    if (c + d + e + f === 0) return ipv4(high, low);
    // For prefixes of a network's own, mostly of 96 bits. In shorter ones, the address stands further ahead, and zeros behind it.
    if (c === 1) return (low | (high & 0xff)) === 0 ? `${hex(groups)}/128` : ipv4(high, low);
  }
  // Turned over, bit by bit.
  if (a === 0x2001 && b === 0) return ipv4(high ^ 0xffff, low ^ 0xffff);
  return undefined;
}

const ipv4 = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');

/** The address of the first `count` groups. */
const prefixOf = (groups: readonly number[], count: number): string =>
  `${hex([...groups.slice(0, count), ...Array<number>(8 - count).fill(0)])}/${count * 16}`;

function hex(groups: readonly number[]): string {
  const text = groups.map((group) => group.toString(16)).join(':');
  return new SocketAddress({ address: text, family: 'ipv6' }).address;
}

/** Determines where a request comes from, on HTTP and at a socket's handshake, according to TRUST_PROXY. */
@Injectable()
export class ClientNetworks implements PipeTransform<Incoming, string> {
  private readonly isTrusted: (address: string, hop: number) => boolean;

  constructor(@Inject(CONFIG) { trustProxy }: Pick<Config, 'trustProxy'>) {
    this.isTrusted = trustIn(trustProxy);
  }

  /** The first address that is not a trusted proxy's, or the last trusted proxy where the next hop is no address. */
  addressOf({ headers, socket }: Incoming): string {
    let address = canonicalAddress(socket.remoteAddress ?? UNKNOWN) ?? UNKNOWN;
    const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
    for (let hop = 0; hop < MAX_HOPS && forwarded.length > 0 && this.isTrusted(address, hop); hop++) {
      const next = canonicalAddress(forwarded.pop()!);
      if (next === undefined) break;
      address = next;
    }
    return address;
  }

  /** Whether a connection from this canonical address is one of a trusted proxy, which has many clients. */
  isProxy(address: string): boolean {
    return this.isTrusted(address, 0);
  }

  /** The key under which the request is counted. */
  networkOf(request: Incoming): string {
    return networkOf(this.addressOf(request));
  }

  transform(request: Incoming): string {
    return this.networkOf(request);
  }
}

function trustIn(trusted: Config['trustProxy']): (address: string, hop: number) => boolean {
  if (trusted === false) return () => false;
  if (typeof trusted === 'number') return (_address, hop) => hop < trusted;
  const list = new BlockList();
  for (const range of trusted) {
    const [given = '', bits] = range.split('/');
    const family = isIP(given) === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(given, family);
    else list.addSubnet(given, Number(bits), family);
  }
  return (address) => list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

const RawRequest = createParamDecorator(
  (_: unknown, context: ExecutionContext): IncomingMessage =>
    context.switchToHttp().getRequest<{ raw: IncomingMessage }>().raw,
);

/** The network that a request comes from: see `ClientNetworks`. */
export const Network = (): ParameterDecorator => RawRequest(ClientNetworks);
