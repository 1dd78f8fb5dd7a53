/** Names of generated types: identifiers of TypeScript, each used once. */

/** `charge-card` becomes `ChargeCard`. Characters that no identifier has only end a word. */
export function pascal(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return /^[A-Za-z]/.test(name) ? name : `T${name}`;
}

export class Names {
  readonly #used: Set<string>;

  constructor(reserved: readonly string[]) {
    this.#used = new Set(reserved);
  }

  /** The name, or with the first number behind it that is free. */
  take(wanted: string): string {
    let name = wanted;
    for (let number = 2; this.#used.has(name); number++) name = `${wanted}${number}`;
    this.#used.add(name);
    return name;
  }
}

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** A key of an object type, in quotes where it is no identifier. */
export function keyOf(name: string): string {
  return IDENTIFIER.test(name) ? name : literal(name);
}

/** A string literal that no character of the string can end. */
export function literal(text: string): string {
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

/** A comment before a declaration or a member; nothing for an empty one. What would end it is written apart. */
export function comment(text: string | undefined, indent: string): string {
  const lines = (text ?? '')
    .replaceAll('*/', '* /')
    .split(/[\n\r\u2028\u2029]+/)
    .map((line) => line.replaceAll(/\p{C}/gu, ' ').trim())
    .filter((line) => line !== '');
  if (lines.length === 0) return '';
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join('')}${indent} */\n`;
}
