/** What every part of the embedded stack is: something to prepare, a process to start, a probe that tells when it is ready. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Home, Secrets } from '../home.ts';
import type { Jars } from '../install/jars.ts';
import type { PostgresInstall } from '../install/postgres.ts';
import type { Child, ChildSpec } from '../process.ts';
import { jvmFlags, type PartName, type Ports } from '../settings.ts';

export interface PartContext {
  readonly home: Home;
  readonly ports: Ports;
  readonly controllerPort: number;
  readonly prefix: string;
  readonly secrets: Secrets;
  readonly jars: Jars;
  readonly postgres: PostgresInstall;
}

export interface Part {
  readonly name: PartName;
  /** For people: `Kafka 4.3.1`. */
  readonly title: string;
  /** Writes its configuration and makes its data folder; harmless when they are there. Gives what to start. */
  prepare(context: PartContext): Promise<ChildSpec>;
  /** Matches the end of the log when it cannot start for a reason that passes soon: then it is started again. */
  readonly passing?: RegExp;
  /** Resolves when it serves. */
  ready(context: PartContext, child: Child): Promise<void>;
}

/** Stop order: later numbers first. The engine's own processes come after all of these. */
export const stopOrder = { postgres: 10, registry: 20, kafka: 30, connect: 40, engine: 50 } as const;

/** Data, configuration and logs of a part are for its owner only. */
export const partUmask = 0o077;

/** How long a part may take to answer; generous, for a slow first start on a busy machine. */
export const readyTimeoutMs = 120_000;

/** `java` with our flags; the heap in MiB. */
export function javaArguments(heap: number, more: readonly string[]): string[] {
  return [`-Xmx${heap}m`, ...jvmFlags, ...more];
}

/** What a child needs of our own environment; everything else is named by its part. */
export function basicEnvironment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'JAVA_HOME', 'JDK_JAVA_OPTIONS', 'TMPDIR', 'LANG', 'TZ'];
  return Object.fromEntries(kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']])));
}

export function writeProperties(file: string, properties: Readonly<Record<string, string>>): void {
  const text = Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text, { mode: 0o600 });
}
