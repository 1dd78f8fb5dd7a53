/**
 * The state file of a home: who started the stack, and which process is which part. It lets another terminal show, stop
 * or use a running stack, keeps two starters out of one home, and finds what a crash of everything left behind.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { ConstantBackoff, handleWhenResult, retry } from 'cockatiel';
import { type Home, writeAtomically } from './home.ts';
import { isAlive, type ProcessIdentity } from './identity.ts';
import { signalGroup } from './process.ts';
import type { PartName, Ports } from './settings.ts';

export interface StackState {
  readonly starter: ProcessIdentity;
  readonly startedAt: string;
  readonly ports: Ports;
  readonly prefix: string;
  /** True once every part serves. */
  readonly ready: boolean;
  readonly parts: Readonly<Partial<Record<PartName, ProcessIdentity>>>;
}

export function readState(home: Home): StackState | null {
  return existsSync(home.stateFile) ? (JSON.parse(readFileSync(home.stateFile, 'utf8')) as StackState) : null;
}

export function writeState(home: Home, state: StackState): void {
  writeAtomically(home.stateFile, state);
}

export function removeState(home: Home): void {
  for (const file of [home.stateFile, home.environmentFile]) rmSync(file, { force: true });
}

/** For the commands of the engine, which find the stack by it (src/cli/environment.ts). It holds passwords: mode 0600. */
export function writeEnvironment(home: Home, starter: ProcessIdentity, variables: Readonly<Record<string, string>>): void {
  writeAtomically(home.environmentFile, { starter, variables });
}

/** The state, if the process that owns the stack is alive. */
export function readRunningState(home: Home): StackState | null {
  const state = readState(home);
  return state !== null && isAlive(state.starter) ? state : null;
}

/** Ends the processes of a starter that is gone, if its watchdog is gone too or has not finished. */
export async function endLeftovers(home: Home): Promise<readonly PartName[]> {
  const state = readState(home);
  if (state === null || isAlive(state.starter)) return [];
  const ended: PartName[] = [];
  for (const name of ['connect', 'kafka', 'registry', 'postgres'] as const) {
    const part = state.parts[name];
    if (part === undefined || !isAlive(part)) continue;
    ended.push(name);
    signalGroup(part.pid, name === 'postgres' ? 'SIGINT' : 'SIGTERM');
    if (!(await isGoneWithin(part, 15_000))) {
      signalGroup(part.pid, 'SIGKILL');
      await isGoneWithin(part, 5_000);
    }
  }
  removeState(home);
  return ended;
}

/** Waits for a process that is no child of ours to end; false when it outlived the deadline. */
export async function isGoneWithin(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const policy = retry(
    handleWhenResult((alive) => alive === true),
    { maxAttempts: Math.ceil(timeoutMs / 100), backoff: new ConstantBackoff(100) },
  );
  return !(await policy.execute(() => isAlive(identity)));
}
