/** Future notifications by time; of two at the same time the one that was entered first. */
import type { EpochMs } from '../core/ids.ts';
import type { Notification } from '../core/instance/decide/notification.ts';

export type Appointment = {
  readonly at: EpochMs;
  /** Id by which it may be cancelled. */
  readonly id: string | null;
  /** `work`: the clock moves by itself while there is such an entry. */
  readonly kind: 'work' | 'time';
  readonly notification: Notification;
};

export class Agenda {
  /** Earliest first. */
  readonly #entries: Appointment[] = [];

  enter(appointment: Appointment): void {
    let place = this.#entries.length;
    // Searched from the end, since most entries belong there.
    while (place > 0 && (this.#entries[place - 1]?.at ?? 0) > appointment.at) place--;
    this.#entries.splice(place, 0, appointment);
  }

  cancel(id: string): void {
    const place = this.#entries.findIndex((entry) => entry.id === id);
    if (place >= 0) this.#entries.splice(place, 1);
  }

  get hasWork(): boolean {
    return this.#entries.some(({ kind }) => kind === 'work');
  }

  /** Infinity when there is no entry. */
  get nextAt(): EpochMs {
    return this.#entries[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** All notifications of the next time. */
  takeNext(): readonly Notification[] {
    const at = this.nextAt;
    const later = this.#entries.findIndex((entry) => entry.at > at);
    return this.#entries.splice(0, later < 0 ? this.#entries.length : later).map(({ notification }) => notification);
  }
}
