/**
 * Places the boxes of one graph in layers, from top to bottom. Every arrow that spans layers, or has a label, gets waypoints in
 * the layers between, so that it crosses no box and its label covers nothing. Work is bounded: a graph with too many arrows gets
 * no waypoints.
 */

/** Size of a box, or of a waypoint of an arrow. */
export type Item = { readonly width: number; readonly height: number };
export type Link = { readonly from: number; readonly to: number; readonly labelWidth: number };

export type Placed = {
  /** Centres of the items. */
  readonly centres: readonly Point[];
  /** For each link its waypoints, and the place of its label. */
  readonly ways: readonly { readonly points: readonly Point[]; readonly label: Point }[];
  readonly width: number;
  readonly height: number;
};
export type Point = { readonly x: number; readonly y: number };

const GAP_X = 28;
const GAP_Y = 26;
const LABEL_HEIGHT = 18;
const WAY_WIDTH = 10;
/** Largest number of waypoints of all arrows. */
const WAYPOINTS_MAX = 6_000;
const SWEEPS = 6;

type Slot = {
  readonly width: number;
  readonly height: number;
  readonly before: number[];
  readonly after: number[];
  layer: number;
  x: number;
};

export function placeInLayers(items: readonly Item[], links: readonly Link[]): Placed {
  // Boxes are in even layers, labels and waypoints in all.
  const depths = depthsOf(items.length, links);
  const slots: Slot[] = items.map(({ width, height }, index) => ({
    width,
    height,
    before: [],
    after: [],
    layer: (depths[index] ?? 0) * 2,
    x: 0,
  }));
  const chains = addWaypoints(slots, links);
  const layers = layersOf(slots);
  orderLayers(layers, slots);
  assignX(layers, slots);
  const tops = topsOf(layers, slots);
  const left = Math.min(0, ...slots.map(({ x, width }) => x - width / 2));
  const at = (index: number): Point => {
    const slot = slots[index];
    return slot === undefined ? { x: 0, y: 0 } : { x: slot.x - left, y: tops.centres[slot.layer] ?? 0 };
  };
  return {
    centres: items.map((_, index) => at(index)),
    ways: links.map(({ from, to }, index) => {
      const chain = chains[index] ?? [];
      const [a, b] = [at(from), at(to)];
      const middle = chain[0];
      return { points: chain.map(at), label: middle === undefined ? { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } : at(middle) };
    }),
    width: Math.max(0, ...slots.map(({ x, width }) => x + width / 2)) - left,
    height: tops.height,
  };
}

/** The longest way from a start: each link leads downwards. */
function depthsOf(count: number, links: readonly Link[]): readonly number[] {
  const depths = new Array<number>(count).fill(0);
  const missing = new Array<number>(count).fill(0);
  const after: number[][] = Array.from({ length: count }, () => []);
  for (const { from, to } of links) {
    after[from]?.push(to);
    missing[to] = (missing[to] ?? 0) + 1;
  }
  const ready = [...missing.keys()].filter((index) => missing[index] === 0);
  for (let at = ready.pop(); at !== undefined; at = ready.pop()) {
    for (const next of after[at] ?? []) {
      depths[next] = Math.max(depths[next] ?? 0, (depths[at] ?? 0) + 1);
      const left = (missing[next] ?? 0) - 1;
      missing[next] = left;
      if (left === 0) ready.push(next);
    }
  }
  return depths;
}

/** @returns for each link the slots that it passes. */
function addWaypoints(slots: Slot[], links: readonly Link[]): readonly (readonly number[])[] {
  const spans = links.reduce((sum, { from, to }) => sum + ((slots[to]?.layer ?? 0) - (slots[from]?.layer ?? 0) - 1), 0);
  const isBounded = spans <= WAYPOINTS_MAX;
  return links.map(({ from, to, labelWidth }) => {
    const [first, last] = [slots[from]?.layer ?? 0, slots[to]?.layer ?? 0];
    const chain: number[] = [];
    for (let layer = first + 1; layer < (isBounded ? last : Math.min(last, first + 2)); layer++) {
      const isLabel = layer === first + 1 && labelWidth > 0;
      chain.push(slots.length);
      slots.push({ width: isLabel ? labelWidth : WAY_WIDTH, height: isLabel ? LABEL_HEIGHT : 0, before: [], after: [], layer, x: 0 });
    }
    const way = [from, ...chain, to];
    for (const [index, slot] of way.entries()) {
      const next = way[index + 1];
      if (next === undefined) continue;
      slots[slot]?.after.push(next);
      slots[next]?.before.push(slot);
    }
    return chain;
  });
}

function layersOf(slots: readonly Slot[]): number[][] {
  const layers: number[][] = Array.from({ length: Math.max(0, ...slots.map(({ layer }) => layer)) + 1 }, () => []);
  for (const [index, { layer }] of slots.entries()) layers[layer]?.push(index);
  return layers;
}

/** Barycentre method: each slot moves to the mean of its neighbours, from above and from below in turn. */
function orderLayers(layers: number[][], slots: readonly Slot[]): void {
  const places = new Array<number>(slots.length).fill(0);
  const note = (layer: readonly number[]): void => {
    for (const [place, slot] of layer.entries()) places[slot] = place;
  };
  for (const layer of layers) note(layer);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isDown = sweep % 2 === 0;
    for (const layer of isDown ? layers : layers.toReversed()) {
      const wanted = new Map(
        layer.map((slot) => [slot, mean((isDown ? slots[slot]?.before : slots[slot]?.after) ?? [], places) ?? places[slot] ?? 0]),
      );
      layer.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
      note(layer);
    }
  }
}

function mean(of: readonly number[], values: readonly number[]): number | null {
  if (of.length === 0) return null;
  return of.reduce((sum, index) => sum + (values[index] ?? 0), 0) / of.length;
}

/**
 * Each slot near the mean of its neighbours, in the order of its layer, with a gap; the results of pushing right and of pushing
 * left are averaged.
 */
function assignX(layers: readonly (readonly number[])[], slots: readonly Slot[]): void {
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isDown = sweep % 2 === 0;
    const xs = slots.map(({ x }) => x);
    for (const layer of isDown ? layers : layers.toReversed()) {
      const wanted = layer.map((slot) => mean((isDown ? slots[slot]?.before : slots[slot]?.after) ?? [], xs) ?? xs[slot] ?? 0);
      for (const [place, x] of spread(layer, wanted, slots).entries()) {
        const slot = layer[place];
        const found = slot === undefined ? undefined : slots[slot];
        if (slot === undefined || found === undefined) continue;
        found.x = x;
        xs[slot] = x;
      }
    }
  }
}

function spread(layer: readonly number[], wanted: readonly number[], slots: readonly Slot[]): readonly number[] {
  const width = (place: number): number => slots[layer[place] ?? -1]?.width ?? 0;
  const distance = (place: number): number => (width(place) + width(place + 1)) / 2 + GAP_X;
  const right = [...wanted];
  for (let place = 1; place < right.length; place++)
    right[place] = Math.max(right[place] ?? 0, (right[place - 1] ?? 0) + distance(place - 1));
  const left = [...wanted];
  for (let place = left.length - 2; place >= 0; place--) left[place] = Math.min(left[place] ?? 0, (left[place + 1] ?? 0) - distance(place));
  return right.map((x, place) => (x + (left[place] ?? 0)) / 2);
}

function topsOf(
  layers: readonly (readonly number[])[],
  slots: readonly Slot[],
): { readonly centres: readonly number[]; readonly height: number } {
  let top = 0;
  const centres = layers.map((layer, index) => {
    const height = Math.max(0, ...layer.map((slot) => slots[slot]?.height ?? 0));
    const centre = top + height / 2;
    top += height + (index === layers.length - 1 ? 0 : GAP_Y);
    return centre;
  });
  return { centres, height: top };
}
