/** The scopes that notifications name, which are loaded with their instance. If a decision needs others, the core asks for them. */
import type { ScopePath } from '../../core/ids.ts';
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import { scopeOfNotification } from '../../core/instance/decide/notification-scopes.ts';

export function wantedScopes(notifications: readonly AddressedNotification[]): readonly ScopePath[] {
  return [...new Set(notifications.map(({ notification }) => scopeOfNotification(notification)))];
}
