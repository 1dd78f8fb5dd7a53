/**
 * SHA-256 of a string, as hex. The only import of the core from Node: it is pure, and six times as fast as one in JavaScript.
 * Every step computes the basis of its tasks with it.
 */
import { hash } from 'node:crypto';

export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex');
}
