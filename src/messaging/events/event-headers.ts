/**
 * The headers of an event, as the frameworks write them: `ce_type` or `ce-type` in any case, and the content type under any of its
 * usual names, in capitals or in quotes.
 */
import { headerText, type LogRecord } from '../log.ts';

export type ContentType = { readonly mediaType: string; readonly charset: string | null };

/** @returns the attribute of CloudEvents in binary mode, or null. `ce_` is what the binding says, `ce-` is that of HTTP. */
export function attributeOf(record: LogRecord, name: string): string | null {
  const text = writtenAttributeOf(record, name);
  // Mappers that write headers as JSON put all strings in quotes, and the version shows it.
  return text !== null && isJsonString(text) && isJsonString(writtenAttributeOf(record, 'specversion') ?? '') ? fromJson(text) : text;
}

function writtenAttributeOf(record: LogRecord, name: string): string | null {
  return headerOf(record, `ce_${name}`) ?? headerOf(record, `ce-${name}`);
}

function isJsonString(text: string): boolean {
  return /^"(?:[^"\\]|\\.)*"$/s.test(text);
}

function fromJson(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    // In quotes, but not as JSON has them.
    return text.slice(1, -1);
  }
}

export function versionOf(record: LogRecord): string | null {
  return attributeOf(record, 'specversion');
}

/** Whether the record has any required attribute. */
export function namesAttributes(record: LogRecord): boolean {
  return ['id', 'type', 'source'].some((name) => attributeOf(record, name) !== null);
}

/** Some clients write `ce_datacontenttype` in place of the header that the binding names. */
export function contentTypeOf(record: LogRecord): ContentType | null {
  const text = headerOf(record, 'content-type') ?? headerOf(record, 'contenttype') ?? attributeOf(record, 'datacontenttype');
  return text === null ? null : parseContentType(text);
}

export function parseContentType(text: string): ContentType {
  const [mediaType = '', ...parameters] = unquoted(text).toLowerCase().split(';');
  const charset = parameters.map((parameter) => /^\s*charset\s*=\s*(.*)$/.exec(parameter)?.[1]).find((found) => found !== undefined);
  return { mediaType: mediaType.trim(), charset: charset === undefined ? null : unquoted(charset) };
}

function unquoted(text: string): string {
  return text
    .trim()
    .replace(/^"(.*)"$/s, '$1')
    .trim();
}

function headerOf(record: LogRecord, name: string): string | null {
  const exact = headerText(record, name);
  if (exact !== null) return exact;
  return record.headers.findLast(({ key }) => key.toLowerCase() === name)?.value.toString('utf8') ?? null;
}
