/**
 * Tells which tasks lost their worker. A worker notes beside the committed offset of a partition which of its records it runs: those that
 * run for a second, and, before they begin, those that another worker may have begun. A worker that leaves takes its notes back. So a note
 * that is found after an assignment is of one that died with that task, and the attempt counts as failed; without that, a task that
 * kills each worker would be given to one after the other for ever (decision 84).
 */
import { committedNoteLengthMax, type LogConsumer } from '../messaging/log.ts';
import type { RetryPolicy } from '../service/backoff.ts';
import type { PartitionBuffer, RecordPosition } from './record-buffer.ts';

/** Offsets, in base 36. A note of another version of this is none. */
const PREFIX = 'runs:';

/** inherited: found after the assignment, and its record has not come yet. */
type Noted = 'inherited' | 'own';
type NotedPartitions = Map<number, Map<bigint, Noted>>;

/** The records of a running attempt, which were joined by repeated ones; null: it was begun without one. */
export type RunningAt = { readonly position: RecordPosition | null; readonly joined: readonly RecordPosition[] };

/** A task that has run for so long is noted, at the same interval. Shorter ones would cost a commit each. */
const NOTE_MS = 1_000;

export type RunNotesOptions = {
  readonly consumer: () => LogConsumer;
  /** As they are committed, by partition. */
  readonly read: () => Promise<ReadonlyMap<number, string>>;
  readonly retry: RetryPolicy;
};

export class RunNotes {
  readonly #options: RunNotesOptions;
  /** Of the present assignment. */
  #partitions: NotedPartitions = new Map();
  #reading: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RunNotesOptions) {
    this.#options = options;
  }

  /** @param running what runs now. */
  start(running: () => ReadonlyMap<{ readonly startedAt: number }, RunningAt>): void {
    this.#timer = setInterval(() => this.#noteLongRuns(running()), NOTE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #noteLongRuns(running: ReadonlyMap<{ readonly startedAt: number }, RunningAt>): void {
    const before = Date.now() - NOTE_MS;
    for (const [{ startedAt }, { position, joined }] of running) {
      if (startedAt > before) continue;
      for (const each of position === null ? joined : [position, ...joined]) this.note(each);
    }
  }

  onAssigned(): void {
    this.#partitions = new Map();
    this.#reading = null;
  }

  /**
   * Notes that the task of a suspect record begins; resolves when the note is committed.
   * @returns true if it had begun before, and its worker died. Rejects when the process ends.
   */
  async hasLostItsWorker({ partition, offset }: RecordPosition): Promise<boolean> {
    const { retry } = this.#options;
    this.#reading ??= this.#read(this.#partitions);
    await this.#reading;
    if (!partition.held) return false;
    const noted = notedIn(this.#partitions, partition.partition);
    if (noted.get(offset) === 'inherited') {
      noted.delete(offset);
      return true;
    }
    this.note({ partition, offset });
    await retry('note which tasks run', () => this.#options.consumer().flush());
    return false;
  }

  /** It is sent with the next commit. */
  note({ partition, offset }: RecordPosition): void {
    const noted = notedIn(this.#partitions, partition.partition);
    if (!partition.held || noted.get(offset) === 'own') return;
    noted.set(offset, 'own');
    this.#write(partition);
  }

  /** The task of this record has ended. */
  forget({ partition, offset }: RecordPosition): void {
    if (partition.held && this.#partitions.get(partition.partition)?.delete(offset) === true) this.#write(partition);
  }

  /** @param partitions of the assignment for which it is read: there may be another one meanwhile. */
  async #read(partitions: NotedPartitions): Promise<void> {
    const found = await this.#options.retry('read which tasks ran', () => this.#options.read());
    for (const [partition, note] of found) {
      const noted = notedIn(partitions, partition);
      for (const offset of offsetsOf(note)) if (!noted.has(offset)) noted.set(offset, 'inherited');
    }
  }

  #write(partition: PartitionBuffer): void {
    this.#options.consumer().annotate(partition, noteOf([...notedIn(this.#partitions, partition.partition).keys()]), partition.generation);
  }
}

function notedIn(partitions: NotedPartitions, partition: number): Map<bigint, Noted> {
  const known = partitions.get(partition);
  if (known !== undefined) return known;
  const made = new Map<bigint, Noted>();
  partitions.set(partition, made);
  return made;
}

/** The oldest first, since those are the ones that may be what kills workers. */
function noteOf(offsets: readonly bigint[]): string {
  let note = '';
  for (const offset of offsets.toSorted((a, b) => (a < b ? -1 : 1))) {
    const longer = note === '' ? `${PREFIX}${offset.toString(36)}` : `${note} ${offset.toString(36)}`;
    if (longer.length > committedNoteLengthMax) return note;
    note = longer;
  }
  return note;
}

function offsetsOf(note: string): readonly bigint[] {
  if (!note.startsWith(PREFIX)) return [];
  const numbers = note
    .slice(PREFIX.length)
    .split(' ')
    .map((text) => Number.parseInt(text, 36));
  return numbers.flatMap((offset) => (Number.isSafeInteger(offset) && offset >= 0 ? [BigInt(offset)] : []));
}
