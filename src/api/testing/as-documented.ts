/** Holds an answer against the OpenAPI document: its status must be there, and its body fit the schema of that status. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { ApiApp } from '../context.ts';

type Responses = Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>>;
type Document = {
  readonly components?: object;
  readonly paths?: Readonly<Record<string, Readonly<Record<string, { readonly responses: Responses }>>>>;
};

const ajv = new Ajv2020({ strict: false, validateFormats: false });
const compiled = new Map<string, ValidateFunction>();

export function assertAsDocumented(
  app: ApiApp,
  request: { readonly method?: string | undefined; readonly url?: unknown },
  response: { readonly statusCode: number; readonly payload: string; readonly headers: Readonly<Record<string, unknown>> },
): void {
  const method = String(request.method).toLowerCase();
  const path = String(request.url).split('?')[0] ?? '';
  // Its own type covers three versions of OpenAPI at once.
  const { paths = {}, components = {} } = app.swagger() as unknown as Document;
  const template = Object.keys(paths).find((each) => paths[each]?.[method] !== undefined && matches(each, path));
  const responses = template === undefined ? undefined : paths[template]?.[method]?.responses;
  // No route: nothing is promised.
  if (template === undefined || responses === undefined) return;
  const name = `${method} ${template} ${response.statusCode}`;
  const documented = responses[response.statusCode];
  if (documented === undefined) throw new Error(`${name} is not documented`);
  const type = String(response.headers['content-type']).split(';')[0] ?? '';
  const schema = documented.content?.[type]?.schema;
  if (schema === undefined) {
    if (response.payload !== '') throw new Error(`${name} answers ${type}, which is not documented`);
    return;
  }
  let validate = compiled.get(name);
  if (validate === undefined) {
    // `$ref` points into the document: what it names stands beside the schema.
    validate = ajv.compile({ ...schema, components });
    compiled.set(name, validate);
  }
  const body: unknown = type.endsWith('json') ? JSON.parse(response.payload) : response.payload;
  if (!validate(body)) throw new Error(`${name} is not as documented: ${ajv.errorsText(validate.errors)}`);
}

function matches(template: string, path: string): boolean {
  const [wanted, given] = [template.split('/'), path.split('/')];
  return wanted.length === given.length && wanted.every((part, index) => part.startsWith('{') || part === given[index]);
}
