/** Why an instance cannot move to a version. All of it is collected, so that nobody meets one reason after the other. */
import { own } from '../../record.ts';

export type MigrationReason = {
  /** JSON pointer into the document of the version that the instance is to move to; `''`: it is about the instance as a whole. */
  readonly pointer: string;
  /** A plain sentence. It never quotes a value. */
  readonly message: string;
};

/** Reasons in the words of a refused command. */
const TOLD_MAX = 20;

export class Reasons {
  readonly #all = new Map<string, MigrationReason>();
  readonly #hidesDetails: boolean;

  constructor(hidesDetails: boolean) {
    this.#hidesDetails = hidesDetails;
  }

  /**
   * The same reason for a thousand items of a loop is one.
   * @param detail a second sentence, which may name members of values.
   */
  add(pointer: string, sentence: string, detail?: string): void {
    const message = detail === undefined || this.#hidesDetails ? sentence : `${sentence} ${detail}`;
    this.#all.set(`${pointer} ${message}`, { pointer, message });
  }

  get all(): readonly MigrationReason[] {
    return [...this.#all.values()];
  }
}

export function textOfReasons(reasons: readonly MigrationReason[]): string {
  const told = reasons.slice(0, TOLD_MAX).map(({ pointer, message }) => (pointer === '' ? message : `${pointer}: ${message}`));
  const more = reasons.length - told.length;
  return more > 0 ? `${told.join(' ')} And ${more} more.` : told.join(' ');
}

const ends = {
  scheduled: 'is open',
  retrying: 'is open',
  open: 'is open',
  completed: 'has completed',
  failed: 'has failed',
  timedOut: 'has timed out',
  cancelled: 'was cancelled',
} as const;

/** What became of a node, for a sentence about it. */
export function wordsOf(status: string): string {
  return own<string, string>(ends, status) ?? `is ${status}`;
}
