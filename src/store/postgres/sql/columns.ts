/**
 * Text and parameters of the statements that unnest columns. A column has its array type and the function that makes one binary
 * parameter of its rows. SQL and parameters are made from the same list in the same order, so they cannot differ.
 */
import { endsPart, type InParts } from '../../../core/parts.ts';
import { boolArray, byteaArray, int4Array, int8Array, jsonArray, textArray, timestamptzArray, uuidArray } from './binary-array.ts';

type Encoders = {
  uuid: string | null;
  text: string | null;
  json: string | null;
  int4: number | null;
  int8: number | bigint | null;
  bool: boolean | null;
  bytea: Uint8Array | null;
  timestamptz: number | null;
};

const encoders: { readonly [Type in keyof Encoders]: (items: readonly Encoders[Type][]) => Buffer } = {
  uuid: uuidArray,
  text: textArray,
  json: jsonArray,
  int4: int4Array,
  int8: int8Array,
  bool: boolArray,
  bytea: byteaArray,
  timestamptz: timestamptzArray,
};

/** From here on a column is a part of its own: ten thousand rows of sixteen columns take 0.2 s. */
const ROWS_LONG = 500;

type Column<Row> = {
  readonly name: string;
  readonly type: keyof Encoders;
  readonly encode: (rows: readonly Row[]) => Buffer;
  /** The same, where there may be thousands of rows. */
  readonly encodeInParts: (rows: readonly Row[]) => InParts<Buffer>;
};

function column<Row, Type extends keyof Encoders>(name: string, type: Type, pick: (row: Row) => Encoders[Type]): Column<Row> {
  return {
    name,
    type,
    encode: (rows) => encoders[type](rows.map(pick)),
    *encodeInParts(rows) {
      // What is picked may be made: ten thousand scopes are written out in half a second.
      const items: Encoders[Type][] = [];
      for (const [index, row] of rows.entries()) {
        if (endsPart(index)) yield;
        items.push(pick(row));
      }
      return encoders[type](items);
    },
  };
}

/** Columns of one kind of row, in the order of the parameters. */
export class Columns<Row> {
  readonly #columns: readonly Column<Row>[];

  constructor(
    define: (
      of: <Type extends keyof Encoders>(name: string, type: Type, pick: (row: Row) => Encoders[Type]) => Column<Row>,
    ) => readonly Column<Row>[],
  ) {
    this.#columns = define((name, type, pick) => column(name, type, pick));
  }

  get count(): number {
    return this.#columns.length;
  }

  /** `unnest($5::uuid[], …) WITH ORDINALITY AS alias (id, …, ordinal)`. @param first number of the first parameter. */
  unnest(alias: string, first: number): string {
    const parameters = this.#columns.map(({ type }, index) => `$${first + index}::${type}[]`);
    const names = this.#columns.map(({ name }) => name);
    return `unnest(${parameters.join(', ')}) WITH ORDINALITY AS ${alias} (${names.join(', ')}, ordinal)`;
  }

  encode(rows: readonly Row[]): Buffer[] {
    return this.#columns.map(({ encode }) => encode(rows));
  }

  /** The same, where there may be thousands of rows. */
  *encodeInParts(rows: readonly Row[]): InParts<Buffer[]> {
    if (rows.length < ROWS_LONG) return this.encode(rows);
    const buffers: Buffer[] = [];
    for (const { encodeInParts } of this.#columns) {
      yield;
      buffers.push(yield* encodeInParts(rows));
    }
    return buffers;
  }
}
