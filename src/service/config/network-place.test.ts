import { expect, it } from 'vitest';
import { parseNetworkPlace } from './network-place.ts';

it.each([
  ['Shop', 'shop', null],
  ['shop.internal:8090', 'shop.internal', 8090],
  ['10.0.0.1', '10.0.0.1', null],
  ['10.0.0.1:80', '10.0.0.1', 80],
  ['10.0.0.0/8', null, null],
  ['10.0.0.0/8:443', null, 443],
  ['::1', '::1', null],
  ['[::1]:80', '::1', 80],
  ['fd00::/8', null, null],
  ['[fd00::/8]:443', null, 443],
])('reads %s', (given, host, port) => {
  expect(parseNetworkPlace(given)).toMatchObject({ host, port });
});

it.each(['', 'a b', 'shop:0', 'shop:65536', 'shop:', 'http://shop', '10.0.0.0/33', '[::1]', '-x', 'shop/8'])('refuses %j', (given) => {
  expect(parseNetworkPlace(given)).toBeUndefined();
});
