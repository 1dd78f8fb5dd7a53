/**
 * Kinds of environment variables as TypeBox schemas. `expected` completes "expected …" in errors and is the last column of
 * docs/configuration.md; `description` says in whole sentences what the variable does. The keywords are in keywords.ts.
 */
import { type TSchema, Type } from 'typebox';
import { formatMs, type ListItem } from './keywords.ts';

export type Common = {
  readonly description: string;
  /** Never shown in errors or logs; may be given as a file by the name with `_FILE` behind it. */
  readonly secret?: boolean;
  /** May be given as a file although it is no secret. */
  readonly file?: boolean;
};

/** What errors and docs read of a variable's schema. */
export type Variable = TSchema &
  Common & {
    readonly default?: string | number | boolean;
    readonly expected: string;
    /** What is expected when this keyword is the one that fails. */
    readonly expectedFor?: Readonly<Record<string, string>>;
  };

export const string = <Options extends Common & { readonly default?: string }>(options: Options) =>
  Type.String({ expected: 'a string', ...options });

export const matching = (pattern: string, expected: string, options: Common & { readonly default?: string }) =>
  Type.String({ pattern, expected, ...options });

export const boolean = (options: Common & { readonly default: boolean }) => Type.Boolean({ expected: '`true` or `false`', ...options });

export const integer = (minimum: number, maximum: number, options: Common & { readonly default?: number }) =>
  Type.Integer({ minimum, maximum, expected: `an integer from ${minimum} to ${maximum}`, ...options });

/** Given as `30s`, read as milliseconds. */
export const duration = (minMs: number, maxMs: number, options: Common & { readonly default: string }) =>
  Type.Unsafe<number>({
    type: 'string',
    durationMs: [minMs, maxMs],
    expected: `a duration such as \`500ms\`, \`30s\`, \`5m\` or \`7d\`, from ${formatMs(minMs)} to ${formatMs(maxMs)}`,
    ...options,
  });

/** The same, or `off`, which is read as null. */
export const durationOrOff = (minMs: number, maxMs: number, options: Common & { readonly default: string }) =>
  Type.Unsafe<number | null>({
    type: 'string',
    durationMsOrOff: [minMs, maxMs],
    expected: `\`off\`, or a duration such as \`30d\`, from ${formatMs(minMs)} to ${formatMs(maxMs)}`,
    ...options,
  });

export const oneOf = <const Choice extends string>(choices: readonly Choice[], options: Common & { readonly default?: Choice }) =>
  Type.Unsafe<Choice>({
    type: 'string',
    choice: choices,
    expected: `one of ${choices.map((choice) => `\`${choice}\``).join(', ')}`,
    ...options,
  });

/** Separated by commas. */
export const list = (item: ListItem, expected: string, options: Common & { readonly default: string }) =>
  Type.Unsafe<readonly string[]>({ type: 'string', list: item, expected, ...options });

export const host = (options: Common & { readonly default: string }) =>
  Type.String({ format: 'host', expected: 'a host name or an address', ...options });

/** Of http services. `fetch` takes no login in an address, and messages quote addresses. */
export const webUrl = (options: Common & { readonly default: string }) =>
  Type.String({
    format: 'web-url',
    withoutLogin: true,
    withoutSlash: true,
    expected: 'a URL that begins with `http://` or `https://`',
    expectedFor: { withoutLogin: 'a URL without a login, for which there are variables of their own' },
    ...options,
  });

/** What node-postgres does as psql or, of `no-verify`, by itself. It takes any other word, and `allow`, for `verify-full`. */
const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'] as const;

export const postgresUrl = (options: Common) =>
  Type.String({
    format: 'postgres-url',
    sslModes,
    sslAuthority: true,
    withoutSlash: true,
    expected: 'a URL that begins with `postgres://` or `postgresql://`',
    expectedFor: {
      sslModes: `an \`sslmode\` that is one of ${sslModes.map((mode) => `\`${mode}\``).join(', ')}`,
      sslAuthority: 'an `sslrootcert` beside `sslmode=verify-ca`',
    },
    secret: true,
    ...options,
  });

export const pem = (kind: string, options: Common) =>
  Type.String({ pattern: '-----BEGIN ', expected: `a PEM string (\`-----BEGIN ${kind}-----\`)`, file: true, ...options });
