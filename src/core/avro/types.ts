/** An Avro schema that was read and is right. Its pointers lead into the schema as it was given. */
import type { Json } from '../json.ts';

export type Logical =
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'uuid' }
  /** A number within these bounds: a date, a time or a timestamp. */
  | { readonly kind: 'time'; readonly min: number; readonly max: number };

export const primitiveNames = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
export type PrimitiveName = (typeof primitiveNames)[number];

/** `isSensitive`: marked by `"sensitive": true`, which is ours. A named type that is marked is so wherever it stands. */
export type AvroType = { readonly isSensitive?: true } & (
  | { readonly kind: 'primitive'; readonly pointer: string; readonly name: PrimitiveName; readonly logical: Logical | null }
  | { readonly kind: 'array'; readonly pointer: string; readonly items: AvroType }
  | { readonly kind: 'map'; readonly pointer: string; readonly values: AvroType }
  | { readonly kind: 'union'; readonly pointer: string; readonly branches: readonly AvroType[] }
  /** A record, an enum or a fixed, where it is defined or referred to: `named` of the schema has it. */
  | { readonly kind: 'named'; readonly pointer: string; readonly name: string }
);

export type AvroField = {
  readonly name: string;
  readonly pointer: string;
  readonly type: AvroType;
  readonly doc: string | null;
  readonly isSensitive: boolean;
  /** Undefined: none. */
  readonly default: Json | undefined;
};

export type Notes = { readonly doc: string | null; readonly isSensitive: boolean };

export type NamedType = Notes &
  (
    | { readonly kind: 'record'; readonly fields: readonly AvroField[] }
    | { readonly kind: 'enum'; readonly symbols: readonly string[] }
    | { readonly kind: 'fixed'; readonly size: number; readonly logical: Logical | null }
  );

export type AvroSchema = {
  readonly root: AvroType;
  /** By full name. */
  readonly named: ReadonlyMap<string, NamedType>;
  /** Names that stand in the schema more than once: where they are defined, and where they are referred to. */
  readonly shared: ReadonlySet<string>;
};
