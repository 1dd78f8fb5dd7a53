/** Reads an `http` node: a request that the built-in worker sends. */
import { shown } from '../../definition/errors.ts';
import type { ObjectReader } from '../../definition/object-reader.ts';
import type { HttpNode } from '../../definition/types.ts';
import { isJsonObject } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import { readEffort } from '../common/effort.ts';
import { type NodeContext, opening, readCommon } from '../common/node-context.ts';
import { defaultAnswer, numberModes, parseModes } from './answer-rules.ts';
import { canBeHeader, httpMethods, methodsWithoutBody } from './request-rules.ts';

export const httpTimeoutMsDefault = 30_000;

export function readHttp(context: NodeContext): HttpNode {
  const { reader, expressions } = context;
  reader.required('method', 'the method of the request, such as "POST"');
  reader.required('url', 'the address of the request');
  const method = reader.string('method') ?? 'GET';
  if (!method.includes('${') && !httpMethods.includes(method.toUpperCase())) reader.refuse('method', `one of ${httpMethods.join(', ')}`);
  const url = reader.string('url') ?? '-';
  if (!url.includes('${') && url !== '-') checkUrl(reader, url);
  const headers = reader.raw('headers');
  if (headers !== undefined && typeof headers !== 'string') checkHeaders(context);
  const body = reader.raw('body');
  if (body !== undefined && body !== null && methodsWithoutBody.has(method.toUpperCase()))
    reader.errors.add(
      reader.at('body'),
      'MR_DEF_SHAPE',
      `A ${method.toUpperCase()} request has no body: leave it out, or use another method.`,
    );
  const parse = reader.oneOf('parse', parseModes) ?? defaultAnswer.parse;
  const numbers = reader.oneOf('numbers', numberModes) ?? defaultAnswer.numbers;
  if (numbers !== defaultAnswer.numbers && (parse === 'text' || parse === 'base64'))
    reader.refuse('numbers', `left out beside "parse": "${parse}", which reads no numbers`);
  const request = {
    method,
    url,
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
    // What is not said is not sent either.
    ...(parse === defaultAnswer.parse ? {} : { parse }),
    ...(numbers === defaultAnswer.numbers ? {} : { numbers }),
  };
  return {
    ...readCommon(context),
    type: 'http',
    request: expressions.template(request, reader.pointer, opening(context)),
    ...readEffort(context, httpTimeoutMsDefault),
  };
}

function checkUrl(reader: ObjectReader, text: string): void {
  const url = /^https?:\/\/[^/?#\s]/i.test(text) ? URL.parse(text) : null;
  if (url === null) reader.refuse('url', 'a whole address that begins with http:// or https://');
  else if (url.username !== '' || url.password !== '')
    reader.refuse('url', 'an address without user name and password: put them into a header, since a URL is stored and shown');
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
  }
}
