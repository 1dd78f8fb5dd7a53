/** Base64 as people and systems write it: of the standard or for urls, padded or not. */

/** Undefined for what is no base64. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const standard = text
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(standard) || standard.length % 4 === 1) return undefined;
  return Uint8Array.from(atob(standard), (character) => character.charCodeAt(0));
}
