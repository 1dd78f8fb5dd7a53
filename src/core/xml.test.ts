import { expect, it } from 'vitest';
import { escapeXml } from './xml.ts';

it('escapes what XML would read as its own', () => {
  expect(escapeXml(`<a href="x" id='y'>&amp;</a>`)).toBe('&lt;a href=&quot;x&quot; id=&apos;y&apos;&gt;&amp;amp;&lt;/a&gt;');
});

it('replaces what no XML document can hold, and keeps tabs, line ends and every other character', () => {
  expect(escapeXml('\u0000\u001b[31m\ud800\uffff')).toBe('\ufffd\ufffd[31m\ufffd\ufffd');
  expect(escapeXml('\t\r\n ü 😀')).toBe('\t\r\n ü 😀');
});
