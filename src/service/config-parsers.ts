/**
 * Readers of single environment variables: a text becomes a value, or the plain words for what was expected instead.
 * Nothing here knows a variable's name or repeats what was given.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { parseDuration } from '../core/duration.ts';
import { err, ok, type Result } from '../core/result.ts';

export type Parser<Value> = {
  /** What is expected, completing "expected …"; also the column of docs/configuration.md. */
  readonly expected: string;
  parse(text: string): Result<Value, string>;
};

function parser<Value>(expected: string, parse: (text: string) => Value | undefined): Parser<Value> {
  return {
    expected,
    parse(text) {
      const value = parse(text);
      return value === undefined ? err(expected) : ok(value);
    },
  };
}

export const text: Parser<string> = parser('a text', (given) => given);

export const flag: Parser<boolean> = parser('`true` or `false`', (given) =>
  given === 'true' || given === '1' ? true : given === 'false' || given === '0' ? false : undefined,
);

export function integer(min: number, max: number): Parser<number> {
  return parser(`a whole number from ${min} to ${max}`, (given) => {
    if (!/^\d{1,15}$/.test(given)) return undefined;
    const value = Number(given);
    return value >= min && value <= max ? value : undefined;
  });
}

/** In ms. */
export function duration(minMs: number, maxMs: number): Parser<number> {
  return parser(`a duration such as \`500ms\`, \`30s\`, \`5m\` or \`7d\`, from ${formatMs(minMs)} to ${formatMs(maxMs)}`, (given) => {
    const ms = parseDuration(given);
    return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined;
  });
}

export function formatMs(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const)
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  return `${ms}ms`;
}

export function oneOf<const Choice extends string>(choices: readonly Choice[]): Parser<Choice> {
  return parser(`one of ${choices.map((choice) => `\`${choice}\``).join(', ')}`, (given) =>
    choices.find((choice) => choice === given.toLowerCase()),
  );
}

export function matching(pattern: RegExp, expected: string): Parser<string> {
  return parser(expected, (given) => (pattern.test(given) ? given : undefined));
}

/** A base URL; a slash at its end is dropped, so that paths can be appended. */
function url(...protocols: readonly string[]): Parser<string> {
  return parser(`a URL that begins with ${protocols.map((protocol) => `\`${protocol}//\``).join(' or ')}`, (given) => {
    const parsed = URL.parse(given);
    return parsed !== null && protocols.includes(parsed.protocol) && parsed.hostname !== '' ? given.replace(/\/+$/, '') : undefined;
  });
}

/** `inner`, for what is well formed and may yet be refused. `faultOf` gives what is expected instead, or null. */
function unless<Value>(inner: Parser<Value>, faultOf: (value: Value) => string | null): Parser<Value> {
  return {
    expected: inner.expected,
    parse(text) {
      const parsed = inner.parse(text);
      const fault = parsed.ok ? faultOf(parsed.value) : null;
      return fault === null ? parsed : err(fault);
    },
  };
}

/** Of http services. `fetch` takes no login in an address, and messages quote addresses. */
export const webUrl: Parser<string> = unless(url('http:', 'https:'), (given) => {
  const { username, password } = new URL(given);
  return username === '' && password === '' ? null : 'a URL without a login, for which there are variables of their own';
});

/** What node-postgres does as psql or, of `no-verify`, by itself. Any other word, and `allow`, is `verify-full` to it. */
const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

export const postgresUrl: Parser<string> = unless(url('postgres:', 'postgresql:'), (given) => {
  const { searchParams } = new URL(given);
  const mode = searchParams.get('sslmode');
  if (mode !== null && !sslModes.includes(mode)) return `an \`sslmode\` that is one of ${sslModes.map((each) => `\`${each}\``).join(', ')}`;
  return mode === 'verify-ca' && !searchParams.has('sslrootcert') ? 'an `sslrootcert` beside `sslmode=verify-ca`' : null;
});

export function list(item: Parser<string>, expected: string): Parser<readonly string[]> {
  return parser(expected, (given) => {
    const parts = given
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    const parsed = parts.map((part) => item.parse(part));
    return parsed.every((part) => part.ok) ? parsed.map((part) => part.value) : undefined;
  });
}

export const hostAndPort: Parser<string> = parser('`host:port`', (given) => {
  const port = Number(/^(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(given)?.[1] ?? 0);
  return port >= 1 && port <= 65_535 ? given : undefined;
});

export const host: Parser<string> = parser('a host name or an address', (given) => (given.includes('/') ? undefined : parseHost(given)));

/** A host name, an address, or a range of addresses. Ranges are `10.0.0.0/8` or `fd00::/8`. */
export const hostOrRange: Parser<string> = parser('a host name, an address or a range such as `10.0.0.0/8`', (given) => {
  if (given.includes('/')) return ipaddr.isValidCIDR(given) ? given : undefined;
  return parseHost(given);
});

function parseHost(given: string): string | undefined {
  if (isIP(given) !== 0) return given;
  return /^(?!-)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(given) ? given.toLowerCase() : undefined;
}

export function pem(kind: string): Parser<string> {
  return parser(`a PEM text (\`-----BEGIN ${kind}-----\`)`, (given) => (given.includes('-----BEGIN ') ? given : undefined));
}
