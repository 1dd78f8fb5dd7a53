import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { clientConfig } from './pools.ts';

const address = 'postgres://millrace:p%40ss%2Fword@db.example:6432/millrace_instances';
const urlFor = (url: string) => new URL(clientConfig(url).connectionString ?? '');
/** What node-postgres makes of it. */
const clientFor = (url: string) => new pg.Client(clientConfig(url));

describe('clientConfig', () => {
  it.each([
    ['require', 'true'],
    ['verify-full', 'true'],
    ['no-verify', null],
  ])('asks for the meaning that libpq gives to sslmode, but for the mode that libpq does not know (%s)', (mode, compat) => {
    const { searchParams } = urlFor(`${address}?sslmode=${mode}`);
    expect(searchParams.get('sslmode')).toBe(mode);
    expect(searchParams.get('uselibpqcompat')).toBe(compat);
  });

  it.each([
    ['disable', false],
    ['require', { rejectUnauthorized: false }],
    ['verify-full', {}],
    ['no-verify', { rejectUnauthorized: false }],
  ])('has node-postgres encrypt and check as sslmode=%s says', (mode, ssl) => {
    expect(clientFor(`${address}?sslmode=${mode}`)).toHaveProperty('ssl', ssl);
  });

  it.each(['verify-full', 'no-verify'])('keeps the rest of the address (sslmode=%s)', (mode) => {
    const url = `${address}?application_name=a%20b&sslmode=${mode}&connect_timeout=3`;
    const kept = urlFor(url);
    kept.searchParams.delete('uselibpqcompat');
    kept.searchParams.sort();
    const given = new URL(url);
    given.searchParams.sort();
    expect(kept.href).toBe(given.href);
    expect(clientFor(url)).toMatchObject({
      ...{ host: 'db.example', port: 6432, database: 'millrace_instances', user: 'millrace', password: 'p@ss/word' },
    });
  });
});
