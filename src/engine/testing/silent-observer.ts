/** Hears of everything that is processed and keeps nothing of it, for tests that look at one thing or at none. */
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import type { ProcessingObserver } from '../process/decision.ts';

const ignore = (): undefined => undefined;

export const silentObserver: ProcessingObserver<AddressedNotification> = {
  onStatesRead: ignore,
  onWritten: ignore,
  onConflicts: ignore,
  onProcessed: ignore,
  onBorn: ignore,
  onDropped: ignore,
  onUnapplied: ignore,
};
