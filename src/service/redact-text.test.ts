/** Credentials in strings of any shape and size. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactText } from './redact-text.ts';

describe('Redaction', () => {
  it.each([
    ['postgres://me:geheim@db:5432/x', 'postgres://me:[redacted]@db:5432/x'],
    ["postgres://me:pa/ss'wo@rd@db/x failed", 'postgres://me:[redacted]@db/x failed'],
    ['postgres://me:1234/x@db', 'postgres://me:[redacted]@db'],
    ['{"url":"amqp://u:p:q@h","other":"redis://:secret@h"}', '{"url":"amqp://u:[redacted]@h","other":"redis://:[redacted]@h"}'],
    ['https://u:p@a.example/x https://v:q@b.example', 'https://u:[redacted]@a.example/x https://v:[redacted]@b.example'],
    ['https://ghp_abcdef@a.example/x', 'https://[redacted]@a.example/x'],
    ['GET https://a.example/x?a=1&access_token=abc.def&b=2 failed', 'GET https://a.example/x?a=1&access_token=[redacted]&b=2 failed'],
    [
      '/x?api-key=abc, /y?X-Amz-Signature=f00&sig=1#id_token=e.y.j',
      '/x?api-key=[redacted] /y?X-Amz-Signature=[redacted]&sig=[redacted]#id_token=[redacted]',
    ],
    ['Authorization: Bearer abcdef123 and basic dXNlcjpw', 'Authorization: Bearer [redacted] and basic [redacted]'],
  ])('hides the password in %s', (given, expected) => expect(redactText(given)).toBe(expected));

  it.each([
    'http://localhost:8080/a@b',
    'https://a.example/x:y@z',
    'a:b@c',
    '://',
    'https://a.example/?at=12:30',
    'https://a.example/?page=2&keyword=x&design=y',
    'postgres://me@db/x',
    'user@example.org',
  ])('leaves %s as it is', (given) => expect(redactText(given)).toBe(given));

  it('hides any password between user and host, whatever characters it has', () => {
    const password = fc.string({ unit: fc.constantFrom(..."ab1:/@'?#&=%;,.!$*()[]{}|\\^~-_+"), minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(password, (secret) => {
        expect(redactText(`Cannot reach postgres://me:x${secret}y@db/x.`)).toBe('Cannot reach postgres://me:[redacted]@db/x.');
      }),
    );
  });

  it('takes one pass over strings that look like the beginning of a credential everywhere', () => {
    for (const part of ['a', '://', 'a://', 'a://b:', '://:', 'Bearer ', ' ', ':@', '?token', 'token', '&key=', '?a', '&aaaaaaaaaa']) {
      const given = part.repeat(2_000_000 / part.length);
      for (const text of [given, `?${given}`]) expect(redactText(text).length).toBeGreaterThan(0);
    }
  });
});
