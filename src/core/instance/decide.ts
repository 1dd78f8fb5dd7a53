/** What a notification means for an instance: events, or the reason why it changes nothing. */
import { assertNever } from '../assert.ts';
import { advance } from './advance.ts';
import { decideCommand } from './decide-command.ts';
import { decideEvent, refuseEvent } from './decide-event.ts';
import { decideOutcome } from './decide-outcome.ts';
import { decideTimer } from './decide-timer.ts';
import type { Notification } from './notification.ts';
import type { Rejection, RejectionCode } from './rejection.ts';
import type { Run } from './run.ts';

function rejected(code: RejectionCode, reason: string): Rejection {
  return { code, reason };
}

/** Emits into the run, or changes nothing and says why. */
export function decide(run: Run, notification: Notification): Rejection | null {
  if (run.state.phase !== 'running') return refuseEnded(run, notification);
  const rejection = decideByType(run, notification);
  if (rejection === null) advance(run);
  return rejection;
}

function refuseEnded(run: Run, notification: Notification): Rejection {
  if (notification.type === 'EventMatched') {
    const refusal = refuseEvent(run, notification);
    if (refusal.code === 'MR_EVENT_REPEATED') return refusal;
  }
  return rejected('MR_INSTANCE_ENDED', `The instance has ended: it is ${run.state.phase}.`);
}

function decideByType(run: Run, notification: Notification): Rejection | null {
  switch (notification.type) {
    case 'TaskOutcome':
      return decideOutcome(run, notification);
    case 'CommandIssued':
      return decideCommand(run, notification);
    case 'TimerFired':
      return decideTimer(run, notification);
    case 'EventMatched':
      return decideEvent(run, notification);
    default:
      return assertNever(notification);
  }
}
