/**
 * Which addresses `http` nodes may reach. Definitions name URLs, and those who deploy them must not reach what only this machine
 * can: private networks, the machine itself, the cloud's metadata, and the engine's own services. It is checked twice: the host of
 * the URL before connecting, since literal addresses are never looked up, and every address of a name at the moment of connecting,
 * since a name may resolve to another address each time. The checked address is then used.
 */
import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { type NetworkPlace, parseNetworkPlace } from '../../service/config/network-place.ts';

export type AddressPolicy = {
  /** Everything may be reached except what `deny` names. */
  readonly allowPrivate: boolean;
  /** Host names, addresses and CIDR ranges, with a port or without, that may be reached although they are not public. */
  readonly allow: readonly string[];
  /** Likewise, what may not be reached although it is allowed, unless `allow` names the host with the port. */
  readonly deny: readonly string[];
};

/** The error of a refused connection. Its message names only the host and port. */
export class AddressDenied extends Error {
  override readonly name = 'AddressDenied';

  constructor(host: string, port: number) {
    super(`${host} on port ${port} is not a public address, or the engine itself stands on it, and MILLRACE_HTTP_ALLOW does not name it.`);
  }
}

export type AddressGuard = {
  /** null when the URL may be tried. Names are checked when they are looked up. */
  deny(url: URL): Promise<AddressDenied | null>;
  /** For `net.connect` to that port: resolves a name and refuses it if any of its addresses is refused. */
  lookup(port: number): LookupFunction;
};

/** Not public, although the library counts them as public: IPv4-compatible IPv6 addresses (deprecated), and Azure's host agent. */
const DENIED = ['::/96', '168.63.129.16/32'].map((range) => ipaddr.parseCIDR(range));

type Resolve = (
  host: string,
  options: { readonly all: true; readonly family?: number },
  done: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

/** @param resolve asks for all addresses of a name; default the system's resolver. */
export function createAddressGuard(policy: AddressPolicy, resolve: Resolve = systemLookup): AddressGuard {
  const allowed = placesOf(policy.allow);
  const denied = placesOf(policy.deny);

  const admits = (host: string, addresses: readonly string[], port: number, own: readonly string[]): boolean => {
    const named = (place: NetworkPlace): boolean =>
      isNamed(place, host) || (place.host !== null && place.range !== null && addresses.every((address) => isWithin(address, place.range)));
    const fitting = allowed.filter((place) => place.port === null || place.port === port);
    if (fitting.some((place) => place.port !== null && named(place))) return true;
    if (isDenied(denied, host, addresses, port, own)) return false;
    if (policy.allowPrivate || fitting.some((place) => isNamed(place, host))) return true;
    return addresses.every((address) => isPublic(address) || fitting.some(({ range }) => isWithin(address, range)));
  };

  /** The present addresses of the denied names, so that a denied host cannot be reached by its address. */
  const ownAddresses = async (port: number): Promise<readonly string[]> => {
    const names = denied.filter((place) => place.range === null && (place.port === null || place.port === port));
    const found = await Promise.all(
      names.map(
        ({ host }) => new Promise<readonly LookupAddress[]>((done) => resolve(host ?? '', { all: true }, (_error, all) => done(all ?? []))),
      ),
    );
    return found.flat().map(({ address }) => plain(address));
  };

  return {
    async deny(url) {
      const host = hostOf(url.hostname);
      const port = portOf(url);
      // WHATWG URLs have turned 2130706433 and 0x7f.1 into 127.0.0.1 already.
      if (!ipaddr.isValid(host)) return null;
      return admits(host, [host], port, await ownAddresses(port)) ? null : new AddressDenied(host, port);
    },
    lookup: (port) => (host, options, done) => {
      const family = familyOf(options.family);
      resolve(host, { all: true, ...(family === undefined ? {} : { family }) }, (error, addresses) => {
        const [first] = addresses ?? [];
        if (error !== null) return done(error, '');
        if (first === undefined) return done(new Error(`${host} has no address.`), '');
        void ownAddresses(port).then((own) => {
          // One refused address is enough: the name server decides which is tried first.
          if (
            !admits(
              hostOf(host),
              addresses.map(({ address }) => address),
              port,
              own,
            )
          )
            return done(new AddressDenied(host, port), '');
          if (options.all === true) return done(null, addresses);
          return done(null, first.address, first.family);
        });
      });
    },
  };
}

function placesOf(entries: readonly string[]): readonly NetworkPlace[] {
  return entries.map(parseNetworkPlace).filter((place) => place !== undefined);
}

function isNamed({ host }: NetworkPlace, name: string): boolean {
  return host === name;
}

function isDenied(
  denied: readonly NetworkPlace[],
  host: string,
  addresses: readonly string[],
  port: number,
  own: readonly string[],
): boolean {
  const places = denied.filter((place) => place.port === null || place.port === port);
  if (places.length === 0) return false;
  // A service that listens on one address of this machine usually listens on all.
  const isHere = places.some(({ range }) => range !== null && range[1] >= 32 && isOfThisMachine(range[0].toString()));
  return (
    places.some((place) => isNamed(place, host)) ||
    addresses.some(
      (address) =>
        own.includes(plain(address)) || (isHere && isOfThisMachine(address)) || places.some(({ range }) => isWithin(address, range)),
    )
  );
}

/** One address has one form: `::ffff:10.1.2.3` is 10.1.2.3. */
function plain(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : address;
}

function isOfThisMachine(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  if (address.range() === 'loopback' || address.range() === 'unspecified') return true;
  return Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === address.toString()));
}

function isPublic(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  // `process` unwraps ::ffff:127.0.0.1, which would count as a public IPv6 address.
  const address = ipaddr.process(text);
  return address.range() === 'unicast' && !DENIED.some((range) => isWithin(text, range));
}

function isWithin(text: string, range: NetworkPlace['range']): boolean {
  if (range === null || !ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  return range[0].kind() === address.kind() && address.match(range);
}

/** As in the lists: without the brackets of IPv6 and the dot at the end. */
function hostOf(name: string): string {
  return name
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

function portOf({ port, protocol }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

function familyOf(family: number | 'IPv4' | 'IPv6' | undefined): number | undefined {
  return family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family;
}
