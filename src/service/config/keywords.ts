/**
 * The formats and keywords that variables need beyond JSON Schema, for the Ajv of env-schema. A keyword that converts
 * writes the value in place of the string, as env-schema's own `separator` does. Knows no variable by its name.
 */
import { isIP } from 'node:net';
import { Ajv, type KeywordDefinition } from 'ajv';
import type { DataValidationCxt } from 'ajv/dist/types/index.js';
import { parseDuration } from '../../core/duration.ts';
import { parseNetworkPlace } from './network-place.ts';

const isHost = (given: string): boolean => isIP(given) !== 0 || /^(?!-)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(given);

const listItems = {
  /** No IPv6 address: kafkajs takes a broker apart at its first colon. */
  broker: (given: string): boolean => {
    const port = Number(/^[A-Za-z0-9._-]+:(\d{1,5})$/.exec(given)?.[1] ?? 0);
    return port >= 1 && port <= 65_535;
  },
  topic: (given: string): boolean => /^[A-Za-z0-9._-]{1,249}$/.test(given),
  networkPlace: (given: string): boolean => parseNetworkPlace(given) !== undefined,
};
export type ListItem = keyof typeof listItems;

const isUrl =
  (...protocols: readonly string[]) =>
  (given: string): boolean => {
    const url = URL.parse(given);
    return url !== null && protocols.includes(url.protocol) && url.hostname !== '';
  };

/** Accepts what is no URL: the format beside this keyword refuses it. */
const ofUrl = (accepts: (url: URL) => boolean) => (given: string) => {
  const url = URL.parse(given);
  return url === null || accepts(url);
};

/** @param convert gives undefined for what is refused. */
function converting<Parameter>(keyword: string, convert: (given: string, parameter: Parameter) => unknown): KeywordDefinition {
  return {
    keyword,
    type: 'string',
    modifying: true,
    compile: (parameter: Parameter) => (given: string, context?: DataValidationCxt) => {
      const value = convert(given, parameter);
      if (value === undefined || context === undefined) return false;
      context.parentData[context.parentDataProperty] = value;
      return true;
    },
  };
}

export function createConfigAjv(): Ajv {
  const ajv = new Ajv({ allErrors: true, removeAdditional: true, useDefaults: true, coerceTypes: true, addUsedSchema: false });
  ajv.addVocabulary(['secret', 'file', 'expected', 'expectedFor']);
  ajv.addFormat('host', isHost);
  ajv.addFormat('web-url', isUrl('http:', 'https:'));
  ajv.addFormat('postgres-url', isUrl('postgres:', 'postgresql:'));
  const checks: readonly KeywordDefinition[] = [
    { keyword: 'withoutLogin', type: 'string', compile: () => ofUrl(({ username, password }) => username === '' && password === '') },
    {
      keyword: 'sslModes',
      type: 'string',
      compile: (modes: readonly string[]) => ofUrl(({ searchParams }) => modes.includes(searchParams.get('sslmode') ?? 'disable')),
    },
    {
      keyword: 'sslAuthority',
      type: 'string',
      compile: () => ofUrl(({ searchParams }) => searchParams.get('sslmode') !== 'verify-ca' || searchParams.has('sslrootcert')),
    },
  ];
  for (const check of checks) ajv.addKeyword(check);
  ajv.addKeyword(converting<readonly string[]>('choice', (given, choices) => choices.find((choice) => choice === given.toLowerCase())));
  ajv.addKeyword(converting('withoutSlash', (given) => given.replace(/\/+$/, '')));
  ajv.addKeyword(
    converting<readonly [number, number]>('durationMs', (given, [min, max]) => {
      const ms = parseDuration(given);
      return ms !== undefined && ms >= min && ms <= max ? ms : undefined;
    }),
  );
  ajv.addKeyword(
    converting<readonly [number, number]>('durationMsOrOff', (given, [min, max]) => {
      if (given === 'off') return null;
      const ms = parseDuration(given);
      return ms !== undefined && ms >= min && ms <= max ? ms : undefined;
    }),
  );
  ajv.addKeyword(
    converting<ListItem>('list', (given, item) => {
      const items = given
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
      // Only an empty default is an empty list; a lone comma is a mistake.
      const isFilled = items.length > 0 || given === '';
      return isFilled && items.every((part) => listItems[item](part)) ? items : undefined;
    }),
  );
  return ajv;
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
