/**
 * Which partition a key belongs to: murmur2 as Kafka's default partitioner does it, in Java and in kafkajs. Frozen for
 * ever with the partition count: instance and outbox rows carry the result.
 */

const M = 0x5bd1e995;

/** MurmurHash 2.0, 32 bits, with Kafka's seed. @returns a signed 32-bit integer. */
export function murmur2(data: Buffer): number {
  const { length } = data;
  let h = 0x9747b28c ^ length;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    let k = Math.imul(data.readInt32LE(i), M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  for (let i = length - 1; i >= whole; i--) h ^= (data[i] ?? 0) << ((i - whole) * 8);
  if (whole < length) h = Math.imul(h, M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  h ^= h >>> 15;
  return h;
}

/** Partition of a record with this key in a topic of so many partitions. Instance ids are lower case: the string is hashed. */
export function partitionOf(key: string, partitions: number): number {
  return partitionOfKey(Buffer.from(key, 'utf8'), partitions);
}

/** As `partitionOf`, of a key that is bytes. */
export function partitionOfKey(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}
