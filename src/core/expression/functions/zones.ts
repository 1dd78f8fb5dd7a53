/** Time zones by name. What they mean comes from the time zone data of the process (Node's ICU). */
import { LRUCache } from 'lru-cache';

const formatters = new LRUCache<string, Intl.DateTimeFormat>({ max: 100 });

/** Undefined for an unknown zone. */
export function zoneFormatter(zone: string): Intl.DateTimeFormat | undefined {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  try {
    const formatter = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formatters.set(zone, formatter);
    return formatter;
  } catch (error) {
    // There is no other way to ask whether a zone exists.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
