import { expect, it } from 'vitest';
import { Backlog } from './backlog.ts';

function looked() {
  const world = { now: 0 };
  const backlog = new Backlog(() => world.now);
  const look = (end: number, dealtWith: number): number => {
    backlog.look({ end: BigInt(end), dealtWith: BigInt(dealtWith) });
    world.now += 1_000;
    return backlog.seconds;
  };
  return { look };
}

it('is what is left by the rate at which it gets less', () => {
  const { look } = looked();
  look(50_000, 0);
  expect(look(50_000, 2_000)).toBe(24);
  expect(look(50_000, 4_000)).toBe(23);
});

it('is nothing while few records are on their way, however slow', () => {
  const { look } = looked();
  look(900, 0);
  expect(look(901, 1)).toBe(0);
});

it('stays known by the last rate while nothing moves', () => {
  const { look } = looked();
  look(50_000, 0);
  look(50_000, 2_000);
  expect(look(60_000, 2_000)).toBe(29);
});

it('is nothing before a rate is known, and after positions went back', () => {
  const { look } = looked();
  expect(look(50_000, 40_000)).toBe(0);
  expect(look(50_000, 10_000)).toBe(0);
});
