/** Drawings of definitions, plain or coloured by the status of an instance's nodes. Pure: from a definition to a string. */
import type { Definition } from '../core/definition/types.ts';
import { type InParts, toEnd } from '../core/parts.ts';
import type { DrawingFormat } from './format.ts';
import { mermaidOf } from './mermaid.ts';
import { pictureOf, type Statuses } from './picture.ts';
import { svgInParts } from './svg.ts';

export { type DrawingFormat, drawingFormats } from './format.ts';
export { statusesOf } from './statuses.ts';

export function draw(...given: Parameters<typeof drawInParts>): string {
  return toEnd(drawInParts(...given));
}

/** The same in parts: thousands of edges take a tenth of a second. */
export function* drawInParts(definition: Definition, format: DrawingFormat, statuses?: Statuses): InParts<string> {
  const picture = pictureOf(definition);
  return format === 'svg' ? yield* svgInParts(picture, statuses) : mermaidOf(picture, statuses);
}
