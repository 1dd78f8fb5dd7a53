/** A timer as a pause stops it, and as a resume starts it again. */
import type { EpochMs } from '../../ids.ts';
import type { Timer } from './state.ts';

export function stopped(timer: Timer & { readonly state: 'armed' }, now: EpochMs): Timer {
  const { dueAt, ...rest } = timer;
  return { ...rest, state: 'stopped', remainingMs: Math.max(0, dueAt - now) };
}

export function armed(timer: Timer & { readonly state: 'stopped' }, now: EpochMs): Timer {
  const { remainingMs, ...rest } = timer;
  return { ...rest, state: 'armed', dueAt: now + remainingMs };
}
