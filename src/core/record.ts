/** Reads objects that are used as maps by their own properties only: a node may be called `constructor`. */
export function own<Key extends string, Value>(record: { readonly [key in Key]?: Value }, key: Key): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
