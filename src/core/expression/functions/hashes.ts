/** Hashes in hexadecimal. Strings are hashed as UTF-8. */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { charge } from '../evaluation.ts';
import { bytesOf } from './encodings.ts';
import { chargeTouch } from './guard.ts';
import { type OwnFunction, ownFunction, unfit } from './own.ts';

/** The cost of hashing an empty string. */
const HASH_UNITS = 5;

export const hashes: readonly OwnFunction[] = [
  ownFunction('hash.sha256', [1], (id, args) => {
    chargeTouch(args);
    charge(HASH_UNITS);
    const bytes = bytesOf(args[0]);
    return bytes === undefined ? unfit(id, 'hash.sha256', 'a string or bytes') : bytesToHex(sha256(bytes));
  }),
  ownFunction('hash.hmacSha256', [2], (id, args) => {
    chargeTouch(args);
    charge(2 * HASH_UNITS);
    const [key, message] = args.map(bytesOf);
    if (key === undefined || message === undefined) return unfit(id, 'hash.hmacSha256', 'a key and a message: strings or bytes');
    return bytesToHex(hmac(sha256, key, message));
  }),
];
