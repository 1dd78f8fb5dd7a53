import { describe, expect, it } from 'vitest';
import type { DefinitionId } from '../core/ids.ts';
import { createLatestVersions } from './latest-versions.ts';

const id = 'order' as DefinitionId;

function versions() {
  const asked: PromiseWithResolvers<number | null>[] = [];
  const latest = createLatestVersions({
    latestVersion: () => {
      const answer = Promise.withResolvers<number | null>();
      asked.push(answer);
      return answer.promise;
    },
  });
  const answer = (index: number, version: number | null): void => asked[index]?.resolve(version);
  return { latest, asked, answer };
}

describe('The latest version', () => {
  it('is asked for once by a crowd, and known without waiting afterwards', async () => {
    const { latest, asked, answer } = versions();
    const crowd = [latest.get(id), latest.get(id)];
    answer(0, 3);
    expect(await Promise.all(crowd)).toEqual([3, 3]);
    expect(latest.get(id)).toBe(3);
    expect(asked).toHaveLength(1);
  });

  it('is the one that was deployed here, also when a query was under way', async () => {
    const { latest, asked, answer } = versions();
    const before = latest.get(id);
    latest.deployed(id, 2);
    answer(0, 1);
    expect(await before).toBe(1);
    expect(await latest.get(id)).toBe(2);
    expect(asked).toHaveLength(1);
  });

  it('of what is not there is asked for each time', async () => {
    const { latest, answer } = versions();
    const first = latest.get(id);
    answer(0, null);
    expect(await first).toBeNull();
    const second = latest.get(id);
    answer(1, 1);
    expect(await second).toBe(1);
  });
});
