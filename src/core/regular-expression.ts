/** Regular expressions of users run on RE2: no look-around and no back references, but never more than linear time. */
import { LRUCache } from 'lru-cache';
import { RE2JS, RE2JSException } from 're2js';

/** By instructions: what is compiled once is found again, at deploys and in loops. */
const programs = new LRUCache<string, RE2JS>({
  maxSize: 500_000,
  sizeCalculation: (program, pattern) => program.programSize() + pattern.length + 1,
});

/** Null for what RE2 does not take. */
export function re2Program(pattern: string): RE2JS | null {
  const known = programs.get(pattern);
  if (known !== undefined) return known;
  try {
    const program = RE2JS.compile(pattern);
    programs.set(pattern, program);
    return program;
  } catch (error) {
    if (error instanceof RE2JSException) return null;
    throw error;
  }
}

/** As JSON Schema writes patterns: in the way of JavaScript. */
export function re2ProgramOfJavaScript(pattern: string): RE2JS | null {
  return re2Program(RE2JS.translateRegExp(pattern));
}
