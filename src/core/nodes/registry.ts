/** The behaviours of all types of nodes. A new type does not compile until it stands here. */
import type { NodeType } from '../definition/types.ts';
import type { OpenTask } from '../instance/state/state.ts';
import type { NodeBehaviour } from './common/behaviour.ts';
import type { WaitingFor } from './common/waiting-for.ts';
import { event } from './event/behaviour.ts';
import { forEach } from './forEach/behaviour.ts';
import { http } from './http/behaviour.ts';
import { human } from './human/behaviour.ts';
import { publish } from './publish/behaviour.ts';
import { repeat } from './repeat/behaviour.ts';
import { task } from './task/behaviour.ts';
import { transform } from './transform/behaviour.ts';
import { wait } from './wait/behaviour.ts';
import { workflow } from './workflow/behaviour.ts';

const behaviours: { readonly [Type in NodeType]: NodeBehaviour<Type> } = {
  task,
  http,
  transform,
  human,
  wait,
  event,
  publish,
  workflow,
  forEach,
  repeat,
};

export function behaviourOf<Type extends NodeType>(type: Type): NodeBehaviour<Type> {
  return behaviours[type];
}

/** What the open task waits for. */
export function waitingFor(task: OpenTask): WaitingFor {
  const shown: { readonly waitingFor: (task: never) => WaitingFor } = behaviours[task.type];
  return shown.waitingFor(task as never);
}
