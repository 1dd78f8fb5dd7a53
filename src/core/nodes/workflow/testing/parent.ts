/** A scenario of a parent: it hears how its children end, and its books can be looked at. */
import { Scenario } from '../../../../../test/support/scenario.ts';
import type { InstanceId, TaskPath } from '../../../ids.ts';
import type { ChildResult } from '../../../instance/children/messages.ts';
import { bookAt } from '../../../instance/state/scopes.ts';
import type { BookedChild } from '../../../instance/state/state.ts';
import type { Json } from '../../../json.ts';

export class Parent extends Scenario {
  book(path = 'n'): BookedChild | undefined {
    return bookAt(this.state, path as TaskPath);
  }

  childOf(path = 'n'): InstanceId {
    const book = this.book(path);
    if (book === undefined) throw new Error(`no child of ${path} is in the books`);
    return book.childId;
  }

  hears(result: ChildResult, { path = 'n', childId = this.childOf(path), attempt = 1 } = {}): this {
    const parent = { kind: 'instance', instanceId: this.state.instanceId, path: path as TaskPath, attempt } as const;
    return this.send({ type: 'ChildEnd', childId, parent, result });
  }

  get said(): readonly (readonly [string, unknown])[] {
    return this.effectsOf('bookChild').map(({ path, message }) => [path, message] as const);
  }
}

export const done = (output: Json): ChildResult => ({ status: 'completed', output });
