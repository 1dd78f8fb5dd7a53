/** Names of Avro: what they look like, and the namespace in which they are read. */

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function isAvroName(text: string): boolean {
  return NAME.test(text);
}

/** Names with dots between them. The empty one is no namespace. */
export function isNamespace(text: string): boolean {
  return text === '' || text.split('.').every(isAvroName);
}

/** A name with dots brings its namespace. */
export function namespaceOf({ name, namespace }: { readonly name?: unknown; readonly namespace?: unknown }, outer: string): string {
  if (typeof name === 'string' && name.includes('.')) return name.slice(0, name.lastIndexOf('.'));
  return typeof namespace === 'string' ? namespace : outer;
}

export function fullNameOf(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}
