/** The scopes that notifications name, to load them with their instance. What else the core needs, it asks for. */
import type { ScopePath } from '../../core/ids.ts';
import type { AddressedNotification, Notification } from '../../core/instance/decide/notification.ts';
import { scopeOfTimer, scopePathOf } from '../../core/instance/state/scopes.ts';

export function wantedScopes(notifications: readonly AddressedNotification[]): readonly ScopePath[] {
  return [...new Set(notifications.flatMap(({ notification }) => scopeOf(notification) ?? []))];
}

function scopeOf(notification: Notification): ScopePath | null {
  switch (notification.type) {
    case 'TaskOutcome':
    case 'EventMatched':
      return scopePathOf(notification.path);
    case 'TimerFired':
      return scopeOfTimer(notification.timerId);
    case 'CommandIssued': {
      const { command } = notification;
      return 'path' in command && command.path !== null ? scopePathOf(command.path) : null;
    }
  }
}
