/**
 * Writes src/messaging/generated/records.ts from the `.avsc` files beside this one: a TypeScript type for each record,
 * and the schemas themselves, so that no process reads files. `npm run schemas:generate`; a test compares.
 * Knows exactly the part of Avro that our records may use, and refuses the rest: see README.md.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export const schemasDir = import.meta.dirname;
export const generatedFile = join(schemasDir, '..', 'src', 'messaging', 'generated', 'records.ts');

export type AvroField = { readonly name: string; readonly doc?: string; readonly type: AvroType; readonly default?: unknown };
export type AvroRecord = {
  readonly type: 'record';
  readonly name: string;
  readonly namespace: string;
  readonly doc?: string;
  readonly fields: readonly AvroField[];
};
export type AvroType =
  | string
  | AvroRecord
  | readonly AvroType[]
  | { readonly type: 'array'; readonly items: AvroType }
  | { readonly type: string; readonly logicalType: string };

/** The current schemas, by record name. */
export function readSchemas(folder = schemasDir): AvroRecord[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.avsc'))
    .sort()
    .map((name) => {
      const record = JSON.parse(readFileSync(join(folder, name), 'utf8')) as AvroRecord;
      if (record.name !== basename(name, '.avsc')) throw new Error(`${name} holds the record ${record.name}`);
      return record;
    });
}

const primitives: Readonly<Record<string, string>> = {
  string: 'string',
  int: 'number',
  long: 'number',
  boolean: 'boolean',
  bytes: 'Buffer',
};
const logicalTypes: Readonly<Record<string, { readonly base: string; readonly type: string }>> = {
  json: { base: 'string', type: 'JsonText' },
  'timestamp-millis': { base: 'long', type: 'EpochMs' },
};

/** The TypeScript type of an Avro type; types of records inside it are added to `nested`. */
function typeOf(type: AvroType, nested: Map<string, AvroRecord>): string {
  if (typeof type === 'string') {
    const primitive = primitives[type];
    if (primitive === undefined) throw new Error(`Avro type ${type} is not one that our records use`);
    return primitive;
  }
  if (isUnion(type)) {
    const [first, second] = type;
    if (first !== 'null' || second === undefined || type.length !== 2)
      throw new Error(`a union must be ["null", T]: ${JSON.stringify(type)}`);
    return `${typeOf(second, nested)} | null`;
  }
  if ('items' in type) return `readonly ${typeOf(type.items, nested)}[]`;
  if ('fields' in type) {
    nested.set(type.name, type);
    return type.name;
  }
  const logical = logicalTypes[type.logicalType];
  if (logical?.base !== type.type) throw new Error(`logical type ${JSON.stringify(type)} is not one that our records use`);
  return logical.type;
}

function isUnion(type: AvroType): type is readonly AvroType[] {
  return Array.isArray(type);
}

function declare(record: AvroRecord, nested: Map<string, AvroRecord>): string {
  const members = record.fields.map((field) => {
    if (field.doc === undefined) throw new Error(`${record.name}.${field.name} has no doc`);
    if (isUnion(field.type) && field.default !== null) throw new Error(`${record.name}.${field.name} needs "default": null`);
    return `  /** ${field.doc} */\n  readonly ${field.name}: ${typeOf(field.type, nested)};`;
  });
  if (record.doc === undefined) throw new Error(`${record.name} has no doc`);
  return `/** ${record.doc} */\nexport type ${record.name} = {\n${members.join('\n')}\n};`;
}

/** The whole text of the generated file. */
export function generate(records: readonly AvroRecord[]): string {
  const nested = new Map<string, AvroRecord>();
  const declarations = records.map((record) => declare(record, nested));
  for (const record of nested.values()) declarations.push(declare(record, nested));
  const names = records.map(({ name }) => name);
  return `${[
    '/** Generated from schemas/*.avsc by `npm run schemas:generate`: change those, never this. */',
    "import type { EpochMs } from '../../core/ids.ts';",
    '/** A JSON value as its text. */\nexport type JsonText = string;',
    ...declarations,
    `/** Every record that travels, by its name. */\nexport type Records = {\n${names.map((name) => `  readonly ${name}: ${name};`).join('\n')}\n};`,
    'export type RecordName = keyof Records;',
    `export const recordNames = [${names.map((name) => `'${name}'`).join(', ')}] as const satisfies readonly RecordName[];`,
    `/** Full names, as the registry and other readers see them. */\nexport const fullNames = {\n${records
      .map(({ name, namespace }) => `  ${name}: '${namespace}.${name}',`)
      .join('\n')}\n} as const satisfies Record<RecordName, string>;`,
    `/** The Avro schemas, as JSON texts. */\nexport const schemaTexts = {\n${records
      .map((record) => `  ${record.name}: ${JSON.stringify(JSON.stringify(record))},`)
      .join('\n')}\n} as const satisfies Record<RecordName, string>;`,
  ].join('\n\n')}\n`;
}

if (import.meta.main) {
  writeFileSync(generatedFile, generate(readSchemas()));
  process.stdout.write(`wrote ${generatedFile}\n`);
}
