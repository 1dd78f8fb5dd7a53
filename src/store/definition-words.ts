/** The words for people in a deployed document, which lists of definitions show. Relies on nothing: it may be any JSON. */
import { isJsonObject, type Json } from '../core/json.ts';
import type { DefinitionSummary } from './definition-store.ts';

export function wordsOf(document: Json): Pick<DefinitionSummary, 'title' | 'description' | 'labels'> {
  const { title = null, description = null, labels = {} } = isJsonObject(document) ? document : {};
  return {
    title: typeof title === 'string' ? title : null,
    description: typeof description === 'string' ? description : null,
    labels: isJsonObject(labels) ? Object.fromEntries(Object.entries(labels).map(([name, label]) => [name, String(label)])) : {},
  };
}
