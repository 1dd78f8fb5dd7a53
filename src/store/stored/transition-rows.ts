/** The rows that transitions change, by table; each row once, as it is in the end. Pure; every store writes these. */
import type { EpochMs, InstanceId, ScopePath, TaskPath } from '../../core/ids.ts';
import { requestOf } from '../../core/instance/children/books.ts';
import type { ChildRequest } from '../../core/instance/children/messages.ts';
import type { Effect } from '../../core/instance/outgoing/effects.ts';
import { bookAt, rootPath } from '../../core/instance/state/scopes.ts';
import {
  type BookedChild,
  type HumanTask,
  hasEnded,
  type Incident,
  type InstanceState,
  type StatePart,
} from '../../core/instance/state/state.ts';
import type { Json } from '../../core/json.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { endsPart, type InParts, toEnd } from '../../core/parts.ts';
import { own } from '../../core/record.ts';
import { type HumanRecord, humanRecords } from '../human-task-record.ts';
import type { Transition } from '../instance-store.ts';
import { type StoredEntry, storeHistory } from './history.ts';
import type { Payloads } from './payloads.ts';
import { heldTask, outputSeqOf, type TaskImage, taskImages } from './task-images.ts';

type OpenHumanTask = HumanTask & { readonly status: 'open' };
type EffectOf<Type extends Effect['type']> = Effect & { readonly type: Type };
type Of<T> = T & { readonly instanceId: InstanceId };
type Placed<T> = Of<T> & { readonly partition: number };

export type TaskRowImage = TaskImage & {
  readonly instanceId: InstanceId;
  /** Of a human task that the step changed; null keeps the value of the row. */
  readonly human: HumanRecord | null;
  readonly updatedAt: EpochMs;
};

/** The scope of an item or a round that the step changed. */
export type ScopeRow = { readonly instanceId: InstanceId; readonly path: ScopePath; readonly scope: StatePart };

/** A transition's part of the history, and which entry brought the instance's output. */
export type HistoryImage = {
  readonly entries: readonly StoredEntry[];
  readonly payloads: Payloads;
  readonly outputSeq: number | null;
  /** Scopes that changed beside the instance's own. */
  readonly scopes: readonly StatePart[];
};

type Scopes = { readonly [path: string]: StatePart };
type Incidents = { readonly [path: string]: Incident };
const NONE = {};

function incidentsIn(scopes: Scopes, path: string): Incidents {
  const scope = own(scopes, path);
  return scope?.status === 'open' ? scope.incidents : NONE;
}

export class TransitionRows {
  readonly newTasks: TaskRowImage[] = [];
  readonly changedTasks: TaskRowImage[] = [];
  readonly changedScopes: ScopeRow[] = [];
  readonly deletedScopes: Omit<ScopeRow, 'scope'>[] = [];
  readonly raisedIncidents: { readonly instanceId: InstanceId; readonly path: string; readonly code: string }[] = [];
  readonly closedIncidents: { readonly instanceId: InstanceId; readonly path: string }[] = [];
  readonly messages: Of<OutboxMessage>[] = [];
  readonly armed: Placed<EffectOf<'armTimer'>>[] = [];
  readonly disarmed: Of<EffectOf<'disarmTimer'>>[] = [];
  readonly openedWaits: Placed<Pick<EffectOf<'openSubscription'>, 'path' | 'attempt' | 'count'>>[] = [];
  readonly openedSubscriptions: Placed<EffectOf<'openSubscription'>>[] = [];
  readonly closedWaits: { readonly instanceId: InstanceId; readonly path: TaskPath; readonly isReopened: boolean }[] = [];
  readonly openedHuman: (Placed<EffectOf<'openHumanTask'>> & { readonly state: InstanceState; readonly task: OpenHumanTask })[] = [];
  /** Of those that are open already: who may decide it now, who has voted, and the version whose form they have. */
  readonly reassigned: Of<{ readonly path: TaskPath; readonly task: OpenHumanTask; readonly definitionVersion: number }>[] = [];
  readonly closedHuman: { readonly instanceId: InstanceId; readonly path: TaskPath }[] = [];
  readonly results: Placed<EffectOf<'commandApplied' | 'commandRefused'>>[] = [];
  readonly bookedChildren: (Placed<{ readonly message: 'start' | 'word' | null }> & {
    readonly path: TaskPath;
    readonly book: BookedChild;
    readonly request: ChildRequest;
  })[] = [];
  readonly struckChildren: Of<EffectOf<'strikeChild'>>[] = [];
  readonly returned: Of<EffectOf<'returnEvent'>>[] = [];

  add(transition: Transition): HistoryImage {
    return toEnd(this.addInParts(transition));
  }

  *addInParts(transition: Transition): InParts<HistoryImage> {
    const { instanceId, before, after, history } = transition;
    const payloads = new Map<number, Json>();
    const entries = storeHistory(history, payloads);
    const people = humanRecords(history, before);
    const images = yield* taskImages(before, after, history);
    for (const [index, image] of images.entries()) {
      if (endsPart(index)) yield;
      const row = { instanceId, ...image, human: people.get(image.path) ?? null, updatedAt: after.updatedAt };
      (image.isNew ? this.newTasks : this.changedTasks).push(row);
    }
    const scopes = this.#addScopes(transition);
    this.#addIncidents(transition);
    for (const message of transition.messages) this.messages.push({ instanceId, ...message });
    if (transition.effects.length > 0) yield* this.#addEffects(transition);
    return { entries, payloads, outputSeq: outputSeqOf(history), scopes };
  }

  /** Only instances, history, tasks and messages change, so the shorter statement is enough. */
  get isPlain(): boolean {
    const rarely = [
      this.changedScopes,
      this.deletedScopes,
      this.raisedIncidents,
      this.closedIncidents,
      this.armed,
      this.disarmed,
      this.openedWaits,
      this.closedWaits,
      this.openedHuman,
      this.reassigned,
      this.closedHuman,
      this.results,
      this.bookedChildren,
      this.struckChildren,
    ];
    return rarely.every((rows) => rows.length === 0);
  }

  /** Scopes are replaced and never changed, so one that is another object has changed. The instance's own is in its row. */
  #addScopes({ instanceId, before, after }: Transition): readonly StatePart[] {
    if (before?.scopes === after.scopes) return [];
    const changed = Object.values(after.scopes).filter((scope) => scope.path !== rootPath && scope !== before?.scopes[scope.path]);
    for (const scope of changed) this.changedScopes.push({ instanceId, path: scope.path, scope });
    for (const { path } of Object.values(before?.scopes ?? {})) {
      if (!Object.hasOwn(after.scopes, path)) this.deletedScopes.push({ instanceId, path });
    }
    return changed;
  }

  /** Of each path: one that ended and was raised anew in the same step is the new one. */
  #addIncidents({ instanceId, before, after }: Transition): void {
    if (before?.scopes === after.scopes) return;
    const now = hasEnded(after) ? NONE : after.scopes;
    for (const path in now) {
      const [was, is] = [incidentsIn(before?.scopes ?? NONE, path), incidentsIn(now, path)];
      if (was === is) continue;
      for (const key in was) if (own(is, key) === undefined) this.closedIncidents.push({ instanceId, path: key });
      for (const [key, incident] of Object.entries(is))
        if (own(was, key) !== incident) this.raisedIncidents.push({ instanceId, path: key, code: incident.error.code });
    }
    for (const path in before?.scopes)
      if (!Object.hasOwn(now, path))
        for (const key in incidentsIn(before.scopes, path)) this.closedIncidents.push({ instanceId, path: key });
  }

  *#addEffects({ instanceId, partition, after, effects }: Transition): InParts<void> {
    const waits = new Map<TaskPath, { isClosed: boolean; opened: EffectOf<'openSubscription'>[] }>();
    const people = new Map<TaskPath, EffectOf<'openHumanTask' | 'reassignHumanTask' | 'countVote' | 'closeHumanTask'>>();
    for (const [index, effect] of effects.entries()) {
      if (endsPart(index)) yield;
      switch (effect.type) {
        case 'armTimer':
          this.armed.push({ instanceId, partition, ...effect });
          break;
        case 'disarmTimer':
          this.disarmed.push({ instanceId, ...effect });
          break;
        case 'closeSubscriptions':
          // A wait that was opened and closed in the same batch needs no row.
          waits.set(effect.path, { isClosed: true, opened: [] });
          break;
        case 'openSubscription': {
          const wait = waits.get(effect.path) ?? { isClosed: false, opened: [] };
          wait.opened.push(effect);
          waits.set(effect.path, wait);
          break;
        }
        case 'openHumanTask':
        case 'closeHumanTask':
          people.set(effect.path, effect);
          break;
        case 'reassignHumanTask':
        case 'countVote':
          // A row that this step inserts has the final values already.
          if (people.get(effect.path)?.type !== 'openHumanTask') people.set(effect.path, effect);
          break;
        case 'commandApplied':
        case 'commandRefused':
          this.results.push({ instanceId, partition, ...effect });
          break;
        case 'returnEvent':
          this.returned.push({ instanceId, ...effect });
          break;
        case 'bookChild': {
          const { path, message } = effect;
          const book = bookAt(after, path);
          if (book !== undefined) this.bookedChildren.push({ instanceId, partition, path, message, book, request: requestOf(after, book) });
          break;
        }
        case 'strikeChild':
          this.struckChildren.push({ instanceId, ...effect });
          break;
        case 'startChild':
        case 'tellParent':
        case 'commandChild':
        case 'dispatchTask':
        case 'publishEvent':
        case 'lifecycle':
          // Messages: whoever made the transition has encoded them.
          break;
      }
    }
    for (const [path, { isClosed, opened }] of waits) {
      const [first] = opened;
      if (isClosed) this.closedWaits.push({ instanceId, path, isReopened: first !== undefined });
      if (first !== undefined) this.openedWaits.push({ instanceId, partition, path, attempt: first.attempt, count: first.count });
      for (const effect of opened) this.openedSubscriptions.push({ instanceId, partition, ...effect });
    }
    for (const [path, effect] of people) {
      const task = heldTask(after, path);
      if (effect.type === 'closeHumanTask') this.closedHuman.push({ instanceId, path });
      else if (task?.type !== 'human' || task.status !== 'open') continue;
      else if (effect.type === 'openHumanTask') this.openedHuman.push({ instanceId, partition, ...effect, state: after, task });
      else this.reassigned.push({ instanceId, path, task, definitionVersion: after.definitionVersion });
    }
  }
}
