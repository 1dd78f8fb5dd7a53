/** Avro schemas as definitions declare them: read, and made into the JSON Schema that is enforced. Nothing here reads or writes bytes. */
export { type Decimal, decimalOf } from './decimal-pattern.ts';
export { decimalBytesMax, decimalText, uuidText } from './decimal-text.ts';
export { jsonSchemaOf, type Translated } from './json-schema.ts';
export { fullNameOf, namespaceOf } from './names.ts';
export { readAvro } from './read.ts';
