/**
 * Refuses starts that would wait for long, before their bodies are read. What is inside waits for the process or the database, so
 * the number inside and the rate at which starts end say how long a new one would wait (Little's law). A queue that is kept short
 * still keeps the database busy, so starts end as fast as they can at any load. Commands of people do not pass here.
 */

export type Refusal = {
  readonly why: 'wait' | 'bytes' | 'backlog';
  /** A sentence for the caller. */
  readonly reason: string;
  readonly retryAfterS: number;
};

export type StartLimits = {
  /** Longest wait beside the transaction itself. */
  readonly waitMsMax: number;
  /** Of the bodies of all starts that are inside. */
  readonly bytesMax: number;
  /** Starts are refused while what was accepted before needs longer than this to get through the outbox and the orchestrators. */
  readonly backlogSecondsMax: number;
};

export const defaultStartLimits: StartLimits = { waitMsMax: 100, bytesMax: 64 * 1_048_576, backlogSecondsMax: 30 };

export type StartGateOptions = StartLimits & {
  /** How long the first start of the queue for the database has waited. */
  readonly oldestWaitMs: () => number;
  readonly backlogSeconds: () => number;
  readonly monotonic?: () => number;
};

/** A start that is inside. */
export type Ticket = {
  /** All of its body. Whoever sends slowly stands outside until then, so that nobody keeps others out. */
  bodyIsThere(): void;
  /** The start was written, or failed. May be called again. */
  leave(): void;
};

/** One transaction: a burst that is not larger is always taken. */
const INSIDE_FREE = 200;
/** Two transactions: fewer would leave the database idle. */
const INSIDE_MIN = 400;
/** A body that comes at once is there by then. */
const BODY_MS = 100;
const RATE_WINDOW_MS = 100;
/** Of the newest window. */
const RATE_WEIGHT = 0.3;
const RETRY_S_MAX = 30;

export class StartGate {
  readonly #options: StartGateOptions;
  readonly #monotonic: () => number;
  #inside = 0;
  #bytes = 0;
  #perMs = 0;
  #windowAt: number;
  #ended = 0;

  constructor(options: StartGateOptions) {
    this.#options = options;
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#windowAt = this.#monotonic();
  }

  get inside(): number {
    return this.#inside;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Of a start whose body may be still to come. */
  enter(bytes: number): Ticket {
    let place: 'inside' | 'outside' | 'gone' = 'inside';
    this.#add(1, bytes);
    const stepOut = (): void => {
      place = 'outside';
      this.#add(-1, -bytes);
    };
    const timer = setTimeout(stepOut, BODY_MS).unref();
    return {
      bodyIsThere: () => {
        clearTimeout(timer);
        if (place !== 'outside') return;
        place = 'inside';
        this.#add(1, bytes);
      },
      leave: () => {
        clearTimeout(timer);
        if (place === 'inside') {
          this.#add(-1, -bytes);
          this.#count();
        }
        place = 'gone';
      },
    };
  }

  #add(starts: number, bytes: number): void {
    this.#inside += starts;
    this.#bytes += bytes;
  }

  /** @param bytes of the body, as far as the request says it. @returns null when the start may come in. */
  refusalOf(bytes: number): Refusal | null {
    const { waitMsMax, bytesMax, backlogSecondsMax, oldestWaitMs, backlogSeconds } = this.#options;
    const backlogS = backlogSeconds();
    if (backlogS > backlogSecondsMax)
      return {
        why: 'backlog',
        reason: `What was started before needs about ${Math.ceil(backlogS)} s to get through.`,
        retryAfterS: Math.min(RETRY_S_MAX, Math.max(1, Math.ceil(backlogS - backlogSecondsMax))),
      };
    if (this.#bytes + bytes > bytesMax && this.#inside > 0)
      return { why: 'bytes', reason: 'The starts that wait for the database take too much memory.', retryAfterS: 1 };
    if (this.#inside < INSIDE_FREE) return null;
    if (oldestWaitMs() > waitMsMax || this.#inside >= this.#insideMax())
      return { why: 'wait', reason: `A start would wait for the database for more than ${waitMsMax} ms.`, retryAfterS: 1 };
    return null;
  }

  /** What ends within the longest wait, beside what is in transactions. */
  #insideMax(): number {
    return INSIDE_MIN + this.#perMs * this.#options.waitMsMax;
  }

  #count(): void {
    this.#ended++;
    const now = this.#monotonic();
    const passedMs = now - this.#windowAt;
    if (passedMs < RATE_WINDOW_MS) return;
    this.#perMs += (this.#ended / passedMs - this.#perMs) * RATE_WEIGHT;
    this.#windowAt = now;
    this.#ended = 0;
  }
}
