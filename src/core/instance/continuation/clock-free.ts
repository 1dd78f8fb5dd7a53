/** Whether what a definition decides is the same at any time: a worker and an orchestrator look at different clocks. */
import type { Definition } from '../../definition/types.ts';
import { isJsonObject } from '../../json.ts';
import { own } from '../../record.ts';

const known = new WeakMap<Definition, boolean>();

/** By the text of its nodes and edges, so a word `now` that is no expression counts too: such a definition is only not continued. */
export function isClockFree(definition: Definition): boolean {
  let isFree = known.get(definition);
  if (isFree === undefined) {
    const { document } = definition;
    const parts = isJsonObject(document) ? ['nodes', 'edges', 'output'].map((name) => own(document, name) ?? null) : [document];
    isFree = !/\bnow\b/.test(JSON.stringify(parts));
    known.set(definition, isFree);
  }
  return isFree;
}
