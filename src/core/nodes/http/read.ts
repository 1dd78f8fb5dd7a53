/** Reads an `http` node: a request that the built-in worker sends. */
import { decodeBase64 } from '../../base64.ts';
import { shown } from '../../definition/errors.ts';
import type { ObjectReader } from '../../definition/object-reader.ts';
import type { HttpNode } from '../../definition/types.ts';
import { splitPlaceholders } from '../../expression/placeholders.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import { readEffort } from '../common/effort.ts';
import { type NodeContext, opening, readCommon } from '../common/node-context.ts';
import { readSchema } from '../common/schemas.ts';
import { defaultAnswer, numberModes, parseModes } from './answer-rules.ts';
import {
  type BodyEncoding,
  BYTES_EXPECTED,
  bodyEncodings,
  canBeHeader,
  httpMethods,
  isCredential,
  methodsWithoutBody,
} from './request-rules.ts';
import { secretPlaces } from './secret-places.ts';
import { urlEncoders } from './url.ts';

export const httpTimeoutMsDefault = 30_000;

export function readHttp(context: NodeContext): HttpNode {
  const { reader, expressions } = context;
  reader.required('method', 'the method of the request, such as "POST"');
  reader.required('url', 'the address of the request');
  const method = reader.string('method') ?? 'GET';
  if (!method.includes('${') && !httpMethods.includes(method.toUpperCase())) reader.refuse('method', `one of ${httpMethods.join(', ')}`);
  const url = reader.string('url') ?? '-';
  const split = splitPlaceholders(url);
  const parts = split.ok ? split.parts : [];
  if (!url.includes('${') && url !== '-') checkUrl(reader, url);
  else if (parts[0]?.kind === 'text' && parts.length > 1 && !/^https?:\/\//i.test(parts[0].text))
    reader.refuse('url', 'an address that begins with http://, https:// or an expression that gives such an address');
  const headers = reader.raw('headers');
  if (headers !== undefined && !(typeof headers === 'string' && headers.includes('${'))) checkHeaders(context);
  const query = fieldsOf(reader, 'query');
  const form = fieldsOf(reader, 'form');
  const body = reader.raw('body');
  if (form !== undefined && body !== undefined) reader.refuse('form', 'left out beside "body": a request has one of them');
  if (form !== undefined && methodsWithoutBody.has(method.toUpperCase()))
    reader.refuse('form', `left out of a ${method.toUpperCase()} request, which has no body: use "query", or another method`);
  if (body !== undefined && body !== null && methodsWithoutBody.has(method.toUpperCase()))
    reader.errors.add(
      reader.at('body'),
      'MR_DEF_SHAPE',
      `A ${method.toUpperCase()} request has no body: leave it out, or use another method.`,
    );
  const bodyEncoding = readBodyEncoding(reader, body);
  const parse = reader.oneOf('parse', parseModes) ?? defaultAnswer.parse;
  const numbers = reader.oneOf('numbers', numberModes) ?? defaultAnswer.numbers;
  if (numbers !== defaultAnswer.numbers && (parse === 'text' || parse === 'base64'))
    reader.refuse('numbers', `left out beside "parse": "${parse}", which reads no numbers`);
  const request = {
    method,
    url,
    ...(query === undefined ? {} : { query }),
    ...(headers === undefined ? {} : { headers }),
    ...(form === undefined ? {} : { form }),
    ...(body === undefined ? {} : { body }),
    ...(bodyEncoding === 'none' ? {} : { bodyEncoding }),
    // A field that the node leaves out is not sent.
    ...(parse === defaultAnswer.parse ? {} : { parse }),
    ...(numbers === defaultAnswer.numbers ? {} : { numbers }),
  };
  return {
    ...readCommon(context),
    type: 'http',
    request: expressions.template(request, reader.pointer, opening(context), {
      encoders: (pointer, of) => (pointer === '/url' ? urlEncoders(of) : null),
      secrets: secretPlaces,
    }),
    isUrlComposed: parts.length > 1,
    outputSchema: readSchema(context, 'outputSchema'),
    ...readEffort(context, httpTimeoutMsDefault),
  };
}

function readBodyEncoding(reader: ObjectReader, body: Json | undefined): BodyEncoding {
  const encoding = reader.oneOf('bodyEncoding', bodyEncodings) ?? 'none';
  if (encoding === 'none') return encoding;
  if (body === undefined) reader.refuse('bodyEncoding', 'left out where there is no "body"');
  else if (!canBeBytes(body)) reader.refuse('body', BYTES_EXPECTED);
  return encoding;
}

function canBeBytes(body: Json): boolean {
  return typeof body === 'string' && (body.includes('${') || decodeBase64(body) !== undefined);
}

/** An object of strings, numbers, booleans, arrays of these and null, or an expression that gives one. */
function fieldsOf(reader: ObjectReader, field: 'query' | 'form'): Json | undefined {
  const value = reader.raw(field);
  if (value === undefined || (typeof value === 'string' && value.includes('${'))) return value;
  for (const [name, member] of Object.entries(reader.nested(field)?.object ?? {}))
    if (isJsonObject(member) || (Array.isArray(member) && member.some((one: Json) => typeof one === 'object' && one !== null)))
      reader.errors.add(
        pointerTo(reader.at(field), name),
        'MR_DEF_SHAPE',
        `A value of "${field}" must be a string, a number, a boolean, null or an array of these.`,
      );
  return value;
}

function checkUrl(reader: ObjectReader, text: string): void {
  const url = /^https?:\/\/[^/?#\s]/i.test(text) ? URL.parse(text) : null;
  if (url === null) reader.refuse('url', 'a whole address that begins with http:// or https://');
  else if (url.username !== '' || url.password !== '')
    reader.refuse('url', 'an address without user name and password: put them into a header, since a URL is stored and shown');
}

const CREDENTIAL_WRITTEN_OUT =
  'This credential is stored and shown as it stands here: write `${ secrets.NAME }`, and give the worker the secret.';

function isWrittenOut(value: Json): boolean {
  return value !== null && value !== '' && !(typeof value === 'string' && value.includes('${'));
}

function checkHeaders({ reader }: NodeContext): void {
  const headers = reader.nested('headers');
  if (headers === undefined) return;
  for (const [name, value] of Object.entries(headers.object)) {
    const pointer = pointerTo(headers.pointer, name);
    if (!canBeHeader(name))
      reader.errors.add(
        pointer,
        'MR_DEF_SHAPE',
        `${shown(name)} cannot be set: it is no name of a header, or the connection itself decides it.`,
      );
    else if (isJsonObject(value) || Array.isArray(value))
      reader.errors.add(pointer, 'MR_DEF_SHAPE', 'A header must be a string, a number or a boolean.');
    else if (isCredential(name) && isWrittenOut(value)) reader.errors.warn(pointer, 'MR_DEF_CREDENTIAL_IN_CLEAR', CREDENTIAL_WRITTEN_OUT);
  }
}
