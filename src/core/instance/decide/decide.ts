/** What a notification means for an instance: events, or the reason why it changes nothing. */
import { assertNever } from '../../assert.ts';
import { decideOutcome } from '../../nodes/common/automated/attempts.ts';
import { decideMatch, refuseMatch } from '../../nodes/event/match.ts';
import { decideChildEnd } from '../../nodes/workflow/ends.ts';
import type { ChildEnd, ChildStart, ChildWord } from '../children/messages.ts';
import { hearParent } from '../children/parent.ts';
import { hasEnded } from '../state/state.ts';
import { rejected, type Verdict, type View } from '../view.ts';
import { decideCommand } from './command.ts';
import type { Notification } from './notification.ts';
import { decideTimer } from './timer.ts';

export function decideNotification(view: View, notification: Notification): Verdict {
  switch (notification.type) {
    case 'ChildStart':
    case 'ChildWord':
      return hearParent(view, notification.request);
    case 'ChildEnd':
      return decideChildEnd(view, notification);
    default:
      return hasEnded(view.state) ? refuseEnded(view, notification) : decideRunning(view, notification);
  }
}

type FromOutside = Exclude<Notification, ChildStart | ChildWord | ChildEnd>;

function decideRunning(view: View, notification: FromOutside): Verdict {
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

function refuseEnded(view: View, notification: FromOutside): Verdict {
  const refusal = notification.type === 'EventMatched' ? refuseMatch(view, notification) : null;
  if (refusal?.rejection?.code === 'MR_EVENT_REPEATED') return refusal;
  return rejected('MR_INSTANCE_ENDED', `The instance has ended: it is ${view.state.phase}.`);
}
