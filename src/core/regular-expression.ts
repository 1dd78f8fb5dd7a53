/** Regular expressions of users run on RE2: no look-around and no back references, but never more than linear time. */
import { LRUCache } from 'lru-cache';
import { RE2JS, RE2JSException } from 're2js';

/** Compiled programs are cached. One may grow to 8 MB in use, so the cache is small. */
const programs = new LRUCache<string, RE2JS>({
  max: 256,
  maxSize: 100_000,
  sizeCalculation: (program, pattern) => program.programSize() + pattern.length + 1,
});

/** Largest estimated number of instructions of a program. */
const SIZE_MAX = 10_000;

/** `\p{…}` is one instruction, but hundreds of ranges. */
const UNICODE_CLASS_SIZE = 8;

/** Null for a pattern that RE2 refuses, and for one that would become too large. */
export function re2Program(pattern: string): RE2JS | null {
  if (expandedSize(pattern) > SIZE_MAX) return null;
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

/** Patterns of JSON Schema have JavaScript's syntax. */
export function re2ProgramOfJavaScript(pattern: string): RE2JS | null {
  return re2Program(RE2JS.translateRegExp(pattern));
}

/** A piece of a pattern: an escape, a class, a count of repeats, or a character. */
const PIECE = /\\[\s\S]|\[\^?\]?(?:\\[\s\S]|\[:\^?\w+:\]|[^\]\\])*\]|\{(\d{1,6})(?:,(\d{0,6}))?\}|[\s\S]/g;

/** About the size of the program: `(abc){100}` repeats its three instructions. Compiling takes time in proportion to it. */
export function expandedSize(pattern: string): number {
  const outer: number[] = [];
  let size = 0;
  /** Size of the piece that a following count would repeat. */
  let last = 0;
  for (const [piece, least, most] of pattern.matchAll(PIECE)) {
    if (piece === '(') {
      outer.push(size);
      size = 0;
      last = 0;
    } else if (piece === ')') {
      last = size + 2;
      size = (outer.pop() ?? 0) + last;
    } else if (least !== undefined) {
      const times = Math.max(Number(least), Number(most ?? 0), 1);
      size += last * (times - 1);
      last *= times;
    } else {
      last = /^\\p/i.test(piece) ? UNICODE_CLASS_SIZE : 1;
      size += last;
    }
  }
  return outer.reduce((sum, part) => sum + part, size);
}
