/** Takes credentials out of any string: errors of client libraries quote what they were given. One pass, whatever the string is. */

export const censored = '[redacted]';

/** What cannot stand in a url, even in one that was put together carelessly. A quote of the other kind can: in a password. */
const URL_END = /[\s"<>`]/g;
/** Whoever may have no header writes a token into the address. */
const PARAMETERS = /([?&#;])([\w.-]+)=[^&\s"'<>#;]+/g;
const SECRET_NAME = /token|secret|passw|pwd|api[_-]?key|signature|credential|^(?:sig|key|auth)$/i;
const CREDENTIALS = /\b(Bearer|Basic)\s+[A-Za-z0-9+/._~=-]{6,}/gi;

/** Removes passwords in URLs, tokens in their queries and in the place of a user, bearer tokens and basic credentials. Rather too much than a part of a password too little. */
export function redactText(text: string): string {
  return redactUrls(text).replaceAll(PARAMETERS, redactParameter).replaceAll(CREDENTIALS, `$1 ${censored}`);
}

function redactParameter(whole: string, mark: string, name: string): string {
  return SECRET_NAME.test(name) ? `${mark}${name}=${censored}` : whole;
}

function redactUrls(text: string): string {
  let redacted = '';
  let copied = 0;
  for (let mark = text.indexOf('://'); mark >= 0; mark = text.indexOf('://', Math.max(mark + 3, copied))) {
    const start = mark + 3;
    URL_END.lastIndex = start;
    const end = URL_END.exec(text)?.index ?? text.length;
    const password = passwordIn(text.slice(start, end), /https?$/i.test(text.slice(Math.max(0, mark - 5), mark)));
    if (password !== null) redacted += `${text.slice(copied, start + password.start)}${censored}`;
    copied = password === null ? copied : start + password.end;
    mark = end - 3;
  }
  return redacted + text.slice(copied);
}

/**
 * Between the first colon and the last `@`, since passwords hold slashes, quotes and `@` that nobody encoded. In the web a user without a
 * password is a token.
 * @param isWeb a number before a slash is a port.
 */
function passwordIn(rest: string, isWeb: boolean): { readonly start: number; readonly end: number } | null {
  const colon = rest.search(/[:/@]/);
  const end = rest.lastIndexOf('@');
  if (isWeb && /^:\d{1,5}\//.test(rest.slice(Math.max(0, colon), colon + 7))) return null;
  if (isWeb && rest[colon] === '@' && colon > 0) return { start: 0, end: colon };
  return rest[colon] === ':' && end > colon ? { start: colon + 1, end } : null;
}
