/**
 * What a worker has said that it goes on with: claimed in the outcome of the task before, and run once the broker has that outcome,
 * if the partition is still ours then (protocol.md, "Continuation" 3, 5, 6). A claim keeps the place of the task before in the pool.
 */
import type { AttemptDeduplicator, AttemptKey } from '../attempt-deduplicator.ts';
import { attemptKeyOf } from '../attempt-deduplicator.ts';
import type { AttemptResult } from '../attempt-result.ts';
import { mayHaveComeBefore, type PartitionBuffer, type RecordPosition } from '../record-buffer.ts';
import type { ScheduledTask } from '../task.ts';
import { Segment, type SegmentOptions } from './segment.ts';

/** A segment, and the partition that has to be ours as long as it goes on. */
export type PlacedSegment = { readonly segment: Segment; readonly partition: PartitionBuffer };

/** An attempt that is to be run. */
export type Run = {
  readonly key: AttemptKey;
  /** Records of the same attempt that came meanwhile and wait for the same outcome. */
  readonly joined: RecordPosition[];
  /** null: nothing follows it here. */
  readonly segment: PlacedSegment | null;
};

export type Claim = Run & { readonly task: ScheduledTask; readonly segment: PlacedSegment };

export type ClaimsOptions = {
  /** Absent: the worker goes on with nothing by itself. */
  readonly segments: SegmentOptions | undefined;
  readonly deduplicator: AttemptDeduplicator;
  /** Whether the group is known to count this process as a member. */
  readonly isMember: () => boolean;
};

export class Claims {
  readonly #options: ClaimsOptions;
  readonly #claims = new Set<Claim>();
  #isClosed = false;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** How many wait for the outcome before them. */
  get size(): number {
    return this.#claims.size;
  }

  /** A record that may have come before is run and not gone on after: what follows it may have been run too. */
  segmentOf(position: RecordPosition, task: ScheduledTask): PlacedSegment | null {
    const { segments } = this.#options;
    const { partition } = position;
    if (segments === undefined || mayHaveComeBefore(position) !== false || !this.#owns(partition)) return null;
    const segment = Segment.begin(task, segments);
    return segment === null ? null : { segment, partition };
  }

  /** Decided before the outcome is produced, and never taken back: what dies with this worker is left to the lease. */
  claimAfter(placed: PlacedSegment | null, before: ScheduledTask, result: AttemptResult): Claim | null {
    if (placed === null || !this.#owns(placed.partition)) return null;
    const task = placed.segment.next(before, result);
    if (task === null) return null;
    const key = attemptKeyOf(task);
    if (this.#options.deduplicator.knows(key)) return null;
    const claim: Claim = { task, key, joined: [], segment: placed };
    // From here on its record joins it.
    this.#options.deduplicator.begin(key, claim);
    this.#claims.add(claim);
    return claim;
  }

  /**
   * The broker has the outcome that claims it. Somebody else may have got the partition meanwhile, and with it the lease's record.
   * @returns null when it is not to be run here.
   */
  take(claim: Claim): Run | null {
    if (this.#isClosed || !this.#owns(claim.segment.partition)) return this.drop(claim);
    this.#claims.delete(claim);
    return claim;
  }

  /** Left to the lease, unless its record has come here. */
  drop(claim: Claim): Run | null {
    this.#claims.delete(claim);
    if (!this.#isClosed && claim.joined.some(({ partition }) => partition.held)) return { ...claim, segment: null };
    this.#options.deduplicator.forget(claim.key);
    return null;
  }

  /** Nothing is run any more. */
  close(): void {
    this.#isClosed = true;
  }

  #owns({ held }: PartitionBuffer): boolean {
    return held && this.#options.isMember();
  }
}
