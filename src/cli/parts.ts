/** Loads the parts that commands run: each only when it is asked for, so that one of them never keeps the others from running. */
import { existsSync } from 'node:fs';
import { CommandFailure, exitCodes } from './exit.ts';

export type Part = Readonly<Record<string, unknown>>;

/** @param file relative to the root of the checkout. */
export async function loadPart(file: string): Promise<Part> {
  const url = new URL(`../../${file}`, import.meta.url);
  if (!existsSync(url)) throw new CommandFailure(exitCodes.failed, `${file} is not part of this installation.`);
  return (await import(url.href)) as Part;
}

/** The function that a part exports under a name. */
export function functionOf<Args extends readonly unknown[], Value>(part: Part, file: string, name: string): (...args: Args) => Value {
  const found = part[name];
  if (typeof found !== 'function') throw new CommandFailure(exitCodes.failed, `${file} exports no function "${name}".`);
  return found as (...args: Args) => Value;
}
