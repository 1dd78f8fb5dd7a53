/** Every relative link of a Markdown file leads to a file, and to a heading of it when it names one. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { checkout } from '../../stack/home.ts';
import { readFiles } from '../support/files.ts';

const documents = readFiles('**/*.md');

test('there are documents to look at', () => {
  expect(documents.map(({ path }) => path)).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/README.md']));
});

test.each(documents.map(({ path, text }) => [path, text] as const))('%s links to what is there', (path, text) => {
  expect(brokenLinks(path, text)).toEqual([]);
});

test('every document can be reached: pages from the index of docs, decisions from theirs', () => {
  for (const [index, pages] of [
    ['docs/README.md', /^docs\/[^/]+\.md$/],
    ['docs/decisions/README.md', /^docs\/decisions\/\d{4}-[a-z0-9-]+\.md$/],
  ] as const) {
    const text = documents.find(({ path }) => path === index)?.text ?? '';
    const reached = new Set(linksOf(text).map((link) => join(dirname(index), link)));
    const missing = documents.filter(({ path }) => pages.test(path) && path !== index && !reached.has(path));
    expect(
      missing.map(({ path }) => path),
      `not in ${index}`,
    ).toEqual([]);
  }
});

test('a broken link would be found', () => {
  const text = 'See [one](no-such-file.md), [two](README.md#no-such-heading), [three](https://example.com/) and `[four](code.md)`.';
  expect(brokenLinks('README.md', text)).toEqual(['no-such-file.md', 'README.md#no-such-heading']);
});

function brokenLinks(path: string, text: string): string[] {
  return linksOf(text).filter((link) => {
    const [target = '', heading] = link.split('#');
    const file = target === '' ? path : normalize(join(dirname(path), decodeURIComponent(target)));
    if (!existsSync(join(checkout, file))) return true;
    if (heading === undefined || statSync(join(checkout, file)).isDirectory()) return heading !== undefined;
    return !headingsOf(readFileSync(join(checkout, file), 'utf8')).includes(heading);
  });
}

/** Inline links and images whose target is no address of the web. Code is no prose. */
function linksOf(text: string): string[] {
  const links = withoutCode(text).matchAll(/\[[^\]]*\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g);
  return [...links].map(([, target]) => target ?? '').filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target));
}

function withoutCode(text: string): string {
  return text.replaceAll(/^(```|~~~).*?^\1/gms, '').replaceAll(/`[^`\n]*`/g, '');
}

/** Headings by the anchors that GitHub gives them. */
function headingsOf(text: string): string[] {
  const lines = text.replaceAll(/^(```|~~~).*?^\1/gms, '').matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm);
  return [...lines].map(([, title = '']) =>
    title
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}
