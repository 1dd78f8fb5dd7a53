/** What processing depends on. */
import type { EpochMs } from '../../core/ids.ts';
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import type { RunLimits } from '../../core/instance/index.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { InstanceStore } from '../../store/instance-store.ts';
import type { Births } from '../child/births.ts';
import type { ReadyDefinitions } from '../ready-definitions.ts';
import type { ProcessingObserver } from './decision.ts';

export type ProcessingLimits = RunLimits & {
  /** About how many bytes an instance may take in memory, as far as it is loaded. Default 128 MiB. */
  readonly instanceBytes?: number;
};

export type ProcessingDependencies<N extends AddressedNotification> = {
  readonly store: Pick<InstanceStore, 'load' | 'loadScopes' | 'apply'>;
  readonly definitions: ReadyDefinitions;
  /** Of children: what comes for an instance that is not there may start it. */
  readonly births: Births;
  readonly outgoing: Pick<OutgoingMessages, 'ofEffects'>;
  readonly limits: ProcessingLimits;
  /** Whether workers may go on by themselves with tasks of definitions that say so. Absent: they may not. */
  readonly continuation?: boolean;
  /** Whether whoever calls tells of each instance that is seen ended, so that no message says so. Absent: the outbox does. */
  readonly tellsEnds?: boolean;
  /** The instance database's clock. */
  readonly now: () => EpochMs;
  readonly observer: ProcessingObserver<N>;
};
