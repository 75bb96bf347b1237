import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, SocketAddress } from 'node:net';
import { createParamDecorator, type ExecutionContext, Inject, Injectable, type PipeTransform } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';

/*
 * The only place that says where a request comes from. What is counted for strangers is counted by network: an IPv4 address, or the
 * /64 of an IPv6 address, which is the least that anybody is given. However it is spelled, one network is one key.
 */

/** What we use of a request: `headers`, and where its connection comes from. */
export type Incoming = Pick<IncomingMessage, 'headers'> & { socket: { remoteAddress?: string | undefined } };

/** Nothing has this address: the connection was gone before anybody asked. */
const UNKNOWN = '0.0.0.0';

/** `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]`, `[::1]:80`, each also in quotes, with spaces, or with a zone (`fe80::1%eth0`). */
const SPELLING = /^(?:\[([^\]]*)\](?::\d*)?|([^:]*)(?::\d*)?|(.*:.*))$/;

/** No spelling of an address is longer; strangers choose what is parsed. */
const LONGEST = 80;
/** More proxies than anybody has: whoever makes up hops must not be followed through all of them. */
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

/** The network of a canonical address: IPv4 as it is, IPv6 as `2001:db8:1:2::/64`. */
export const networkOf = (address: string): string => prefixOf(address, 4);

/** What several IPv6 networks of one customer have in common, `2001:db8:1::/48`; undefined for IPv4. @param network as of `networkOf` */
export const siteOf = (network: string): string | undefined =>
  network.includes(':') ? prefixOf(network.split('/')[0], 3) : undefined;

/** The first `groups` groups of an IPv6 address. */
function prefixOf(address: string, groups: number): string {
  if (!address.includes(':')) return address;
  const [head, tail] = address.split('::');
  const [before, after] = [head ? head.split(':') : [], tail ? tail.split(':') : []];
  // An address that ends in IPv4's notation has one group less; its first groups are the same.
  const all =
    tail === undefined ? before : [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  const prefix = new SocketAddress({ address: `${all.slice(0, groups).join(':')}::`, family: 'ipv6' });
  return `${prefix.address}/${groups * 16}`;
}

/** Says where a request comes from, on HTTP and at a socket's handshake, as TRUST_PROXY has it. */
@Injectable()
export class ClientNetworks implements PipeTransform<Incoming, string> {
  private readonly isTrusted: (address: string, hop: number) => boolean;

  constructor(@Inject(CONFIG) { trustProxy }: Pick<Config, 'trustProxy'>) {
    this.isTrusted = trustIn(trustProxy);
  }

  /** The address that no proxy of ours has, or the last proxy of ours where the next one is no address. */
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
    const [given, bits] = range.split('/');
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
