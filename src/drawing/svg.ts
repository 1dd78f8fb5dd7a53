/**
 * A definition as an SVG document that stands alone: no script, no style sheet, no font, no link. All strings of a definition are
 * escaped and cut; tooltips hold them whole.
 */
import type { InParts } from '../core/parts.ts';
import { escapeXml } from '../core/xml.ts';
import { type Item, type Placed, type Point, placeInLayers } from './layers.ts';
import { type Arrow, type Box, type NodeStatus, type Picture, type PictureGraph, type Statuses, shortened } from './picture.ts';

const NAME_LENGTH_MAX = 36;
const LABEL_LENGTH_MAX = 40;
/** Assumed width of a character, in px, since no font can be measured here; a wide character counts twice. */
const CHARACTER_WIDTH = 7.2;
const SMALL_CHARACTER_WIDTH = 6;
const BOX_HEIGHT = 46;
const BOX_WIDTH_MIN = 96;
const PADDING = 16;
const LOOP_HEADER_HEIGHT = 40;
const END_SIZE = 12;

type Colours = { readonly fill: string; readonly stroke: string; readonly dash?: string; readonly width?: number };
const plain: Colours = { fill: '#ffffff', stroke: '#374151' };
const colours: { readonly [Status in NodeStatus]: Colours } = {
  running: { fill: '#dbeafe', stroke: '#1d4ed8' },
  incident: { fill: '#fee2e2', stroke: '#b91c1c', width: 3 },
  completed: { fill: '#dcfce7', stroke: '#15803d' },
  failed: { fill: '#fee2e2', stroke: '#b91c1c' },
  skipped: { fill: '#f3f4f6', stroke: '#9ca3af', dash: '4 3' },
  cancelled: { fill: '#e5e7eb', stroke: '#4b5563' },
};

export function* svgInParts({ title, graph }: Picture, statuses: Statuses = new Map()): InParts<string> {
  const laid = layOut(graph);
  yield;
  const width = Math.ceil(laid.width + 2 * PADDING);
  const height = Math.ceil(laid.height + 2 * PADDING);
  const content: string[] = [];
  draw(laid, { x: PADDING, y: PADDING }, statuses, content);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif">`,
    `<title>${escapeXml(title)}</title>`,
    '<defs>',
    ...[
      ['flow', '#374151'],
      ['failure', '#b91c1c'],
    ].map(
      ([id, colour]) =>
        `<marker id="${id}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="${colour}"/></marker>`,
    ),
    '</defs>',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...content,
    '</svg>',
    '',
  ].join('\n');
}

type LaidBox = { readonly box: Box | null; readonly size: Item; readonly body: LaidGraph | null };
type LaidGraph = {
  /** The boxes of the picture, then an end for each arrow without a target. */
  readonly boxes: readonly LaidBox[];
  readonly arrows: readonly Arrow[];
  readonly placed: Placed;
  readonly width: number;
  readonly height: number;
};

function layOut({ boxes, arrows }: PictureGraph): LaidGraph {
  const laid: LaidBox[] = boxes.map((box) => {
    const body = box.body === null ? null : layOut(box.body);
    return { box, body, size: sizeOf(box, body) };
  });
  const links = arrows.map(({ from, to, label }) => {
    const end = to ?? laid.length;
    if (to === null) laid.push({ box: null, body: null, size: { width: END_SIZE, height: END_SIZE } });
    return { from, to: end, labelWidth: label === '' ? 0 : widthOf(shortened(label, LABEL_LENGTH_MAX), SMALL_CHARACTER_WIDTH) + 8 };
  });
  const placed = placeInLayers(
    laid.map(({ size }) => size),
    links,
  );
  return {
    boxes: laid,
    arrows: arrows.map((arrow, index) => ({ ...arrow, to: links[index]?.to ?? arrow.to })),
    placed,
    width: placed.width,
    height: placed.height,
  };
}

/** Below the name or title: the type, the name where a title stands above, and what undoes it. */
function secondLine({ type, name, title, undoneBy }: Box): string {
  const first = title === null ? type : `${type} ${shortened(name, NAME_LENGTH_MAX - type.length)}`;
  return undoneBy === null ? first : `${first}, undone by ${shortened(undoneBy, NAME_LENGTH_MAX)}`;
}

function sizeOf(box: Box, body: LaidGraph | null): Item {
  const text = widthOf(shortened(box.title ?? box.name, NAME_LENGTH_MAX), CHARACTER_WIDTH) + 2 * PADDING;
  const second = box.undoneBy === null ? 0 : widthOf(secondLine(box), SMALL_CHARACTER_WIDTH) + 2 * PADDING;
  const width = Math.max(BOX_WIDTH_MIN, text, second, body === null ? 0 : body.width + 2 * PADDING);
  return { width, height: body === null ? BOX_HEIGHT : LOOP_HEADER_HEIGHT + body.height + PADDING };
}

function widthOf(text: string, characterWidth: number): number {
  let width = 0;
  for (const character of text) width += (character.codePointAt(0) ?? 0) > 0x2e7f ? 2 : 1;
  return width * characterWidth;
}

function draw({ boxes, arrows, placed }: LaidGraph, origin: Point, statuses: Statuses, into: string[]): void {
  for (const [index, { box, size, body }] of boxes.entries()) {
    const centre = shifted(placed.centres[index] ?? { x: 0, y: 0 }, origin);
    if (box === null) into.push(`<circle cx="${n(centre.x)}" cy="${n(centre.y)}" r="${END_SIZE / 2}" fill="#374151"/>`);
    else drawBox(box, size, centre, statuses.get(box.nodeId), into);
    if (body === null) continue;
    const left = centre.x - body.width / 2;
    draw(body, { x: left, y: centre.y - size.height / 2 + LOOP_HEADER_HEIGHT }, statuses, into);
  }
  for (const [index, arrow] of arrows.entries()) {
    const way = placed.ways[index];
    const [from, to] = [boxes[arrow.from], boxes[arrow.to ?? -1]];
    if (way === undefined || from === undefined || to === undefined) continue;
    const start = placed.centres[arrow.from] ?? { x: 0, y: 0 };
    const end = placed.centres[arrow.to ?? -1] ?? { x: 0, y: 0 };
    const points = [{ x: start.x, y: start.y + from.size.height / 2 }, ...way.points, { x: end.x, y: end.y - to.size.height / 2 }].map(
      (point) => shifted(point, origin),
    );
    drawArrow(arrow, points, shifted(way.label, origin), into);
  }
}

function drawBox(box: Box, { width, height }: Item, centre: Point, status: NodeStatus | undefined, into: string[]): void {
  const { fill, stroke, dash, width: strokeWidth = 1.5 } = status === undefined ? plain : colours[status];
  const [x, y] = [centre.x - width / 2, centre.y - height / 2];
  const shown = shortened(box.title ?? box.name, NAME_LENGTH_MAX);
  const words = box.title === null ? box.name : `${box.title} (${box.name})`;
  const corner = box.type === 'event' || box.type === 'wait' ? BOX_HEIGHT / 2 : 6;
  into.push(
    `<g><title>${escapeXml(`${words}, ${box.type}${box.undoneBy === null ? '' : `, undone by ${box.undoneBy}`}${status === undefined ? '' : `, ${status}`}`)}</title>`,
    `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${corner}" fill="${fill}" stroke="${stroke}" stroke-width="${strokeWidth}"${dash === undefined ? '' : ` stroke-dasharray="${dash}"`}/>`,
    `<text x="${n(centre.x)}" y="${n(y + 20)}" text-anchor="middle" font-size="13" font-weight="600" fill="#111827">${escapeXml(shown)}</text>`,
    `<text x="${n(centre.x)}" y="${n(y + 36)}" text-anchor="middle" font-size="11" fill="#4b5563">${escapeXml(secondLine(box))}</text></g>`,
  );
}

function drawArrow({ label, kind }: Arrow, points: readonly Point[], at: Point, into: string[]): void {
  const colour = kind === 'failure' ? '#b91c1c' : '#374151';
  const dash = kind === 'failure' ? ' stroke-dasharray="5 3"' : '';
  into.push(`<path d="${curveThrough(points)}" fill="none" stroke="${colour}" stroke-width="1.3"${dash} marker-end="url(#${kind})"/>`);
  if (label === '') return;
  const shown = shortened(label, LABEL_LENGTH_MAX);
  const width = widthOf(shown, SMALL_CHARACTER_WIDTH) + 6;
  into.push(
    `<g><title>${escapeXml(label)}</title><rect x="${n(at.x - width / 2)}" y="${n(at.y - 8)}" width="${n(width)}" height="16" fill="#ffffff" fill-opacity="0.9"/>`,
    `<text x="${n(at.x)}" y="${n(at.y + 4)}" text-anchor="middle" font-size="11" fill="${colour}">${escapeXml(shown)}</text></g>`,
  );
}

/** From point to point, leaving and arriving downwards. */
function curveThrough(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  let path = `M${n(first.x)} ${n(first.y)}`;
  let before = first;
  for (const point of rest) {
    const middle = (before.y + point.y) / 2;
    path += before.x === point.x ? `V${n(point.y)}` : `C${n(before.x)} ${n(middle)} ${n(point.x)} ${n(middle)} ${n(point.x)} ${n(point.y)}`;
    before = point;
  }
  return path;
}

function shifted({ x, y }: Point, by: Point): Point {
  return { x: x + by.x, y: y + by.y };
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}
