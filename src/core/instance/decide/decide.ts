/** What a notification means for an instance: events, or the reason why it changes nothing. */
import { assertNever } from '../../assert.ts';
import { decideOutcome } from '../../nodes/common/automated/attempts.ts';
import { decideMatch, refuseMatch } from '../../nodes/event/match.ts';
import { hasEnded } from '../state/state.ts';
import { rejected, type Verdict, type View } from '../view.ts';
import { decideCommand } from './command.ts';
import type { Notification } from './notification.ts';
import { decideTimer } from './timer.ts';

export function decideNotification(view: View, notification: Notification): Verdict {
  if (hasEnded(view.state)) return refuseEnded(view, notification);
  switch (notification.type) {
    case 'TaskOutcome':
      return decideOutcome(view, notification);
    case 'CommandIssued':
      return decideCommand(view, notification);
    case 'TimerFired':
      return decideTimer(view, notification);
    case 'EventMatched':
      return decideMatch(view, notification);
    default:
      return assertNever(notification);
  }
}

function refuseEnded(view: View, notification: Notification): Verdict {
  const refusal = notification.type === 'EventMatched' ? refuseMatch(view, notification) : null;
  if (refusal?.rejection?.code === 'MR_EVENT_REPEATED') return refusal;
  return rejected('MR_INSTANCE_ENDED', `The instance has ended: it is ${view.state.phase}.`);
}
