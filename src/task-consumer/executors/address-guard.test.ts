import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { AddressDenied, type AddressPolicy, createAddressGuard } from './address-guard.ts';

const strict: AddressPolicy = { allowPrivate: false, allow: [], deny: [] };

async function denies(url: string, policy: AddressPolicy = strict, resolve = resolving('10.9.9.9')): Promise<boolean> {
  return (await createAddressGuard(policy, resolve).deny(new URL(url))) !== null;
}

function resolving(...addresses: readonly string[]) {
  return (_host: string, _options: object, done: (error: Error | null, found: LookupAddress[]) => void): void => {
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
}

function lookUp(host: string, addresses: readonly string[], policy: AddressPolicy = strict, port = 80): Promise<string | LookupAddress[]> {
  const guard = createAddressGuard(policy, resolving(...addresses));
  return new Promise((resolve, reject) => {
    guard.lookup(port)(host, { all: true }, (error, found) => (error === null ? resolve(found) : reject(error)));
  });
}

describe('the address guard', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://0.0.0.0/',
    'http://10.1.2.3/',
    'http://172.16.0.1/',
    'http://192.168.1.1/',
    'http://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://198.18.0.1/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[::7f00:1]/',
    'http://168.63.129.16/metadata',
  ])('denies %s', async (url) => {
    expect(await denies(url)).toBe(true);
  });

  it.each(['http://93.184.216.34/', 'http://[2606:2800:220:1::1]/', 'https://example.org/'])('lets %s pass', async (url) => {
    expect(await denies(url)).toBe(false);
  });

  it.each([
    [['10.0.0.0/8'], 'http://10.1.2.3/', false],
    [['10.0.0.0/8'], 'http://[::ffff:10.1.2.3]/', false],
    [['10.0.0.0/8'], 'http://192.168.0.1/', true],
    [['fd00::/8'], 'http://[fd00::1]/', false],
    [['127.0.0.1'], 'http://127.0.0.1:9000/', false],
    [['127.0.0.1'], 'http://127.0.0.2/', true],
    [['127.0.0.1:9000'], 'http://127.0.0.1:9000/', false],
    [['127.0.0.1:9000'], 'http://127.0.0.1:9001/', true],
    [['127.0.0.1:80'], 'http://127.0.0.1/', false],
    [['127.0.0.1:80'], 'https://127.0.0.1/', true],
    [['10.0.0.0/8:443'], 'https://10.1.2.3/', false],
    [['10.0.0.0/8:443'], 'http://10.1.2.3/', true],
    [['[fd00::/8]:80'], 'http://[fd00::1]/', false],
    [['[::1]:80'], 'http://[::1]/', false],
  ])('with %j answers for %s', async (allow, url, denied) => {
    expect(await denies(url, { ...strict, allow })).toBe(denied);
  });

  const stack = ['127.0.0.1:9092', 'connect:8083', '10.1.0.0/16:5432'];
  it.each<[readonly string[], string, boolean]>([
    [['127.0.0.1'], 'http://127.0.0.1:9092/', true],
    [['127.0.0.0/8'], 'http://127.0.0.2:9092/', true],
    [['::1'], 'http://[::1]:9092/', true],
    [['0.0.0.0'], 'http://0.0.0.0:9092/', true],
    [['127.0.0.1'], 'http://127.0.0.1:9093/', false],
    [['127.0.0.1:9092'], 'http://127.0.0.1:9092/', false],
    [['127.0.0.0/8:9092'], 'http://127.0.0.1:9092/', true],
    [['10.0.0.0/8'], 'http://10.9.9.9:8083/', true],
    [['10.0.0.0/8'], 'http://10.9.9.9:8084/', false],
    [['10.0.0.0/8'], 'http://10.1.2.3:5432/', true],
    [['10.9.9.9:8083'], 'http://10.9.9.9:8083/', false],
    [['10.0.0.0/8'], 'http://[::ffff:10.9.9.9]:8083/', true],
    [['10.0.0.0/8'], 'http://[::ffff:a09:909]:8083/', true],
    [['10.0.0.0/8'], 'http://168364297:8083/', true],
    [['127.0.0.0/8'], 'http://[::ffff:127.0.0.1]:9092/', true],
  ])('with %j allowed and the stack denied answers for %s: %s', async (allow, url, denied) => {
    expect(await denies(url, { allowPrivate: false, allow, deny: stack })).toBe(denied);
    if (denied) expect(await denies(url, { allowPrivate: true, allow, deny: stack })).toBe(true);
  });

  it('denies the stack by its names too, unless one is named with its port', async () => {
    const at = (host: string, port: number, allow: readonly string[]) =>
      lookUp(host, ['10.9.9.9'], { allowPrivate: false, allow, deny: stack }, port);
    await expect(at('connect', 8083, ['connect'])).rejects.toBeInstanceOf(AddressDenied);
    await expect(at('alias', 8083, ['alias'])).rejects.toBeInstanceOf(AddressDenied);
    await expect(at('connect.', 8083, ['connect.'])).rejects.toBeInstanceOf(AddressDenied);
    const mapped = lookUp(
      'mapped',
      ['::ffff:10.9.9.9'],
      { allowPrivate: false, allow: ['10.0.0.0/8'], deny: ['10.9.9.9:8083', ...stack] },
      8083,
    );
    await expect(mapped).rejects.toBeInstanceOf(AddressDenied);
    await expect(at('Connect', 8083, ['connect:8083'])).resolves.toHaveLength(1);
    await expect(at('connect', 8084, ['connect'])).resolves.toHaveLength(1);
  });

  it('lets everything pass when private addresses are allowed', async () => {
    const open = { ...strict, allowPrivate: true };
    expect(await denies('http://127.0.0.1/', open)).toBe(false);
    await expect(lookUp('internal', ['10.0.0.1'], open)).resolves.toHaveLength(1);
  });

  it('denies a name by the addresses that it resolves to, all of them', async () => {
    await expect(lookUp('example.org', ['93.184.216.34'])).resolves.toEqual([{ address: '93.184.216.34', family: 4 }]);
    await expect(lookUp('rebound.example', ['127.0.0.1'])).rejects.toBeInstanceOf(AddressDenied);
    await expect(lookUp('mixed.example', ['93.184.216.34', '169.254.169.254'])).rejects.toBeInstanceOf(AddressDenied);
    await expect(lookUp('mapped.example', ['::ffff:10.0.0.1'])).rejects.toBeInstanceOf(AddressDenied);
  });

  it('admits a private address that belongs to a name or a range on the list', async () => {
    await expect(lookUp('Orders.internal', ['10.0.0.1'], { ...strict, allow: ['orders.internal'] })).resolves.toHaveLength(1);
    await expect(lookUp('orders.internal', ['10.0.0.1'], { ...strict, allow: ['10.0.0.0/8'] })).resolves.toHaveLength(1);
    await expect(lookUp('other.internal', ['10.0.0.1'], { ...strict, allow: ['orders.internal'] })).rejects.toThrow('other.internal');
  });

  it('answers with one address where one is asked for', async () => {
    const guard = createAddressGuard(strict, resolving('93.184.216.34'));
    const found = await new Promise((resolve) =>
      guard.lookup(80)('example.org', {}, (_error, address, family) => resolve([address, family])),
    );
    expect(found).toEqual(['93.184.216.34', 4]);
  });
});
