/** What starts instances by itself: events and schedules of the newest versions. */
import { type Static, Type } from 'typebox';
import {
  DefinitionRef,
  Instant,
  JsonValue,
  Nullable,
  NullableInstant,
  NullableString,
  PageOf,
  PageQuery,
  StorableString,
  strict,
} from './common.ts';

const ScheduleEntry = Type.Object({
  what: Type.Enum(['started', 'queued', 'skipped', 'missed', 'paused', 'failed']),
  time: Instant,
  until: NullableInstant,
  count: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: 'How many times from `time` up to `until`; null above 100.',
  }),
  instanceId: NullableString('The run.'),
  lateMs: Type.Unsafe<number | null>({ type: ['integer', 'null'], description: 'How long after its time the run began.' }),
  reason: NullableString('Why it could not start.'),
});
export type ScheduleEntry = Static<typeof ScheduleEntry>;

const Schedule = Type.Object({
  cron: Type.String(),
  timeZone: Type.String(),
  overlap: Type.Enum(['skip', 'queue', 'allow']),
  catchUp: Type.Enum(['last', 'none']),
  nextAt: NullableInstant,
  lastAt: NullableInstant,
  running: Nullable(Type.Object({ instanceId: Type.String(), time: Instant })),
  queued: Type.Array(Instant),
  recent: Type.Array(ScheduleEntry, { description: 'What became of the latest times, the newest last; 20 at most.' }),
  lastError: Nullable(Type.Object({ time: Instant, reason: Type.String() })),
});

export const Trigger = Type.Object({
  name: Type.String(),
  paused: Type.Boolean({ description: 'Whether the trigger is paused, by itself or with all of its definition.' }),
  event: NullableString('The type of the events that start an instance; null for a schedule.'),
  schedule: Nullable(Schedule),
});
export type Trigger = Static<typeof Trigger>;

export const DefinitionTriggers = Type.Object({
  definition: DefinitionRef,
  paused: Type.Boolean({ description: 'Whether all of them are paused, also those of later versions.' }),
  triggers: Type.Array(Trigger),
});
export type DefinitionTriggers = Static<typeof DefinitionTriggers>;

export const TriggersPage = PageOf(DefinitionTriggers);
export const TriggersQuery = Type.Object(PageQuery, strict);

export const FireBody = Type.Object(
  {
    event: Type.Optional(
      Type.Object(
        {
          id: Type.Optional(StorableString(500)),
          source: Type.Optional(StorableString(500)),
          key: StorableString(500),
          time: Type.Optional(Instant),
          data: Type.Optional(JsonValue),
        },
        { ...strict, description: 'What a trigger by event sees as `event`.' },
      ),
    ),
    time: Type.Optional(Type.String({ format: 'date-time', description: 'What a schedule sees as `schedule.time`; default now.' })),
  },
  strict,
);
export type FireBody = Static<typeof FireBody>;
