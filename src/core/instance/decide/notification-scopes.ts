/** The scopes of a notification, which are loaded before it is decided. If the decision needs others, the core throws `ScopesNeeded`. */
import { assertNever } from '../../assert.ts';
import type { ScopePath } from '../../ids.ts';
import { bookPathOf, rootPath, scopeOfTimer, scopePathOf } from '../state/scopes.ts';
import type { Notification } from './notification.ts';

export function scopeOfNotification(notification: Notification): ScopePath {
  switch (notification.type) {
    case 'TaskOutcome':
    case 'EventMatched':
      return scopePathOf(notification.path);
    case 'TimerFired':
      return scopeOfTimer(notification.timerId);
    case 'CommandIssued': {
      const { command } = notification;
      return 'path' in command && command.path !== null ? scopePathOf(command.path) : rootPath;
    }
    case 'ChildStart':
    case 'ChildWord':
      return rootPath;
    case 'ChildEnd':
      return notification.parent.kind === 'instance' ? bookPathOf(notification.parent.path) : rootPath;
    default:
      return assertNever(notification);
  }
}
