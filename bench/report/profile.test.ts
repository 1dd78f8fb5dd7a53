import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { topSelfTimes } from './profile.ts';

const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 9 });

test('a function has the time of its samples, and shares leave out the time in which nothing was done', () => {
  const url = new URL('../run.ts', import.meta.url).href;
  const top = topSelfTimes({
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('work', url) },
      // The same function, called from elsewhere.
      { id: 3, callFrame: frame('work', url) },
      { id: 4, callFrame: frame('', 'node:net') },
    ],
    samples: [1, 2, 3, 4],
    timeDeltas: [100_000, 2_000, 1_000, 1_000],
  });
  expect(top).toEqual([
    { where: 'work bench/run.ts:10', ms: 3, share: 0.75 },
    { where: '(anonymous) node:net:10', ms: 1, share: 0.25 },
  ]);
});

test('a profile of a path that is not ours keeps the whole path', () => {
  const url = pathToFileURL('/elsewhere/a.js').href;
  const profile = { nodes: [{ id: 1, callFrame: frame('f', url) }], samples: [1], timeDeltas: [5_000] };
  expect(topSelfTimes(profile)[0]?.where).toBe('f /elsewhere/a.js:10');
});
