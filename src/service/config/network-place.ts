/** Places in a network as lists of the configuration name them: a host or a range of addresses, with a port or without. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export type NetworkPlace = {
  /** A host name in lower case or an address; null when it is a range. */
  readonly host: string | null;
  /** Also for a single address. */
  readonly range: [ipaddr.IPv4 | ipaddr.IPv6, number] | null;
  /** null: every port. */
  readonly port: number | null;
};

const WITH_PORT = /^(?:\[(?<inner>[^\]]+)\]|(?<outer>[^:[\]]+)):(?<port>\d{1,5})$/;
const HOST = /^(?!-)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/;

/** `shop`, `shop:8090`, `10.0.0.1`, `10.0.0.0/8`, `10.0.0.0/8:443`, `fd00::/8`, `[fd00::/8]:443`, `[::1]:80`; undefined for anything else. */
export function parseNetworkPlace(given: string): NetworkPlace | undefined {
  const { inner, outer, port: portText } = WITH_PORT.exec(given)?.groups ?? {};
  const port = portText === undefined ? null : Number(portText);
  if (port !== null && (port < 1 || port > 65_535)) return undefined;
  const text = inner ?? outer ?? given;
  if (text.includes('/')) return ipaddr.isValidCIDR(text) ? { host: null, range: ipaddr.parseCIDR(text), port } : undefined;
  if (isIP(text) !== 0) {
    const address = ipaddr.process(text);
    return { host: text, range: [address, address.kind() === 'ipv4' ? 32 : 128], port };
  }
  return HOST.test(text) ? { host: text.toLowerCase(), range: null, port } : undefined;
}
