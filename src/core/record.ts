/** Reads of objects that are used as maps: a node may well be called `constructor`. */
export function own<Key extends string, Value>(record: { readonly [key in Key]?: Value }, key: Key): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
