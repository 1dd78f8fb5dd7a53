/**
 * Which addresses `http` nodes may reach. A definition names URLs, and whoever deploys one must not reach what only this
 * machine can: private networks, itself, the cloud's metadata. Checked twice, since a literal address never comes to a
 * lookup and a name may answer another address each time: the URL's host before connecting, and every address that a
 * name resolves to at the moment of connecting, which is then the address that is used.
 */
import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

export type AddressPolicy = {
  /** Everything may be reached. */
  readonly allowPrivate: boolean;
  /** Host names, addresses and CIDR ranges that may be reached although they are not public. */
  readonly allow: readonly string[];
};

/** What a refused connection fails with; its message names the host and no more. */
export class AddressDenied extends Error {
  override readonly name = 'AddressDenied';

  constructor(host: string) {
    super(`${host} is not a public address, and MILLRACE_HTTP_ALLOW does not name it.`);
  }
}

export type AddressGuard = {
  /** null when the URL may be tried; names are judged only when they are looked up. */
  deny(url: URL): AddressDenied | null;
  /** For `net.connect`: resolves a name and refuses it if any of its addresses is refused. */
  readonly lookup: LookupFunction;
};

/** Not public, although their ranges are: IPv4-compatible IPv6 addresses (deprecated), and Azure's host agent. */
const DENIED = ['::/96', '168.63.129.16/32'].map((range) => ipaddr.parseCIDR(range));

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

type Resolve = (
  host: string,
  options: { readonly all: true; readonly family?: number },
  done: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

/** @param resolve asks for all addresses of a name; default the system's resolver. */
export function createAddressGuard(policy: AddressPolicy, resolve: Resolve = systemLookup): AddressGuard {
  const ranges = policy.allow.map(rangeOf).filter((range) => range !== null);
  const names = new Set(policy.allow.filter((entry) => rangeOf(entry) === null).map((name) => name.toLowerCase()));

  const admitsName = (host: string): boolean => policy.allowPrivate || names.has(host.toLowerCase().replace(/\.$/, ''));
  const admitsAddress = (text: string): boolean => {
    if (policy.allowPrivate) return true;
    if (!ipaddr.isValid(text)) return false;
    // `process` unwraps ::ffff:127.0.0.1, which would pass for a public IPv6 address.
    const address = ipaddr.process(text);
    const isPublic = address.range() === 'unicast' && !isWithin(address, DENIED);
    return isPublic || isWithin(address, ranges);
  };

  return {
    deny(url) {
      const host = url.hostname.replace(/^\[|\]$/g, '');
      // WHATWG URLs have turned 2130706433 and 0x7f.1 into 127.0.0.1 already.
      if (!ipaddr.isValid(host) || admitsName(host) || admitsAddress(host)) return null;
      return new AddressDenied(host);
    },
    lookup(host, options, done) {
      const family = familyOf(options.family);
      resolve(host, { all: true, ...(family === undefined ? {} : { family }) }, (error, addresses) => {
        const [first] = addresses ?? [];
        if (error !== null) return done(error, '');
        if (first === undefined) return done(new Error(`${host} has no address.`), '');
        // One bad address is enough: which of them is tried first is up to whoever answers for the name.
        if (!admitsName(host) && !addresses.every(({ address }) => admitsAddress(address))) return done(new AddressDenied(host), '');
        if (options.all === true) return done(null, addresses);
        return done(null, first.address, first.family);
      });
    },
  };
}

function isWithin(address: ipaddr.IPv4 | ipaddr.IPv6, ranges: readonly Range[]): boolean {
  return ranges.some((range) => range[0].kind() === address.kind() && address.match(range));
}

function rangeOf(entry: string): Range | null {
  if (ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry);
  if (!ipaddr.isValid(entry)) return null;
  const address = ipaddr.process(entry);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

function familyOf(family: number | 'IPv4' | 'IPv6' | undefined): number | undefined {
  return family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family;
}
