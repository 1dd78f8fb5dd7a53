/** The scopes that notifications name, to load them with their instance. What else the core needs, it asks for. */
import type { ScopePath } from '../../core/ids.ts';
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import { scopeOfNotification } from '../../core/instance/decide/notification-scopes.ts';

export function wantedScopes(notifications: readonly AddressedNotification[]): readonly ScopePath[] {
  return [...new Set(notifications.map(({ notification }) => scopeOfNotification(notification)))];
}
