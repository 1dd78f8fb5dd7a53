/** Drawings of definitions, plain or coloured by the status of an instance's nodes. Pure: from a definition to a string. */
import type { Definition } from '../core/definition/types.ts';
import type { DrawingFormat } from './format.ts';
import { mermaidOf } from './mermaid.ts';
import { pictureOf, type Statuses } from './picture.ts';
import { svgOf } from './svg.ts';

export { type DrawingFormat, drawingFormats } from './format.ts';
export { statusesOf } from './statuses.ts';

export function draw(definition: Definition, format: DrawingFormat, statuses?: Statuses): string {
  const picture = pictureOf(definition);
  return format === 'svg' ? svgOf(picture, statuses) : mermaidOf(picture, statuses);
}
