/** Triggers: events and schedules that start instances of a definition. */
import type { Cron } from '../../cron.ts';
import type { Expression, Template } from '../../expression/index.ts';

/** What happens at a time while the run of an earlier one goes on. */
export type Overlap = 'skip' | 'queue' | 'allow';
/** Which of the times that passed while no orchestrator was running start an instance later: the newest, or none. */
export type CatchUp = 'last' | 'none';

/** An event of this type starts an instance, if `when` holds for it. */
export type EventTrigger = {
  readonly kind: 'event';
  readonly name: string;
  readonly event: string;
  readonly when: Expression | null;
  readonly input: Template;
  /** Gives the business key of the instance. */
  readonly key: Template | null;
};

/** Starts an instance at each time of the cron expression. */
export type ScheduleTrigger = {
  readonly kind: 'schedule';
  readonly name: string;
  readonly cron: Cron;
  /** As it was written. */
  readonly expression: string;
  readonly timeZone: string;
  readonly overlap: Overlap;
  readonly catchUp: CatchUp;
  readonly input: Template;
};

export type Trigger = EventTrigger | ScheduleTrigger;
