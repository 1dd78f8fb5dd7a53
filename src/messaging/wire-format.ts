/** The registry's wire format: a zero byte, the id of the writer's schema in four bytes (big endian), then Avro. */

export const frameBytes = 5;

/** Writes the header of the frame into the first bytes of `target`. */
export function writeFrameHead(target: Buffer, schemaId: number): void {
  target[0] = 0;
  target.writeInt32BE(schemaId, 1);
}

/** @returns the schema's id, or null when the bytes are not framed. The Avro begins at `frameBytes`. */
export function readFrameHead(bytes: Buffer): number | null {
  return bytes.length >= frameBytes && bytes[0] === 0 ? bytes.readInt32BE(1) : null;
}
