/** How commands speak: tables and colours for people, JSON for scripts. Results go to stdout, everything else to stderr. */
import { writeFileSync } from 'node:fs';
import { styleText } from 'node:util';
import Table from 'cli-table3';
import type { LogLevel } from '../service/config.ts';
import { createLogger, type Logger } from '../service/logging.ts';
import { CommandFailure, exitCodes } from './exit.ts';

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Progress and hints: never part of the result. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** For the parts that a command runs: their lines are never part of the result either. */
export function createCommandLogger(name: string, level: LogLevel): Logger {
  return createLogger({ name, level, destination: process.stderr });
}

/** A result that goes into a file. @throws CommandFailure */
export function writeOut(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unwritable';
    throw new CommandFailure(exitCodes.usage, `${file} cannot be written: ${why}`, { cause: error });
  }
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Without borders, so that columns can be cut; wide cells are kept whole. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number | null)[])[], empty: string): void {
  if (rows.length === 0) {
    say(empty);
    return;
  }
  const none = Object.fromEntries(BORDERS.map((border) => [border, '']));
  const table = new Table({
    head: head.map((title) => paint('bold', title)),
    chars: { ...none, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push(row.map((cell) => printable(cell === null ? '–' : String(cell))));
  print(table.toString().replaceAll(/ +$/gm, ''));
}

/** Behind a page, how to get the next one. */
export function sayMore(nextCursor: string | null): void {
  if (nextCursor !== null) say(`More: --cursor ${nextCursor}`);
}

const BORDERS = [
  ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
  ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
];

/** Data must not steer the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, ' ');
}

/** In colour on a terminal, unless NO_COLOR is set. */
export function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

const statusStyles: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  completed: 'green',
  failed: 'red',
  timedOut: 'red',
  incident: 'red',
  paused: 'yellow',
  retrying: 'yellow',
  running: 'cyan',
};

export function paintStatus(status: string): string {
  const style = statusStyles[status];
  return style === undefined ? status : paint(style, status);
}

/** `2026-01-31 09:00:00`, in UTC. */
export function shortTime(instant: string | null): string | null {
  return instant === null ? null : instant.slice(0, 19).replace('T', ' ');
}
