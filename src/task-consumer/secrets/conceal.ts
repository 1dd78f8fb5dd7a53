/** Removes values of secrets from results, errors and logs: servers repeat what they were sent, and errors quote it. */
import { assertNever } from '../../core/assert.ts';
import { errorDetailsBytesMax } from '../../core/instance/state/state.ts';
import { isJsonObject, type Json, jsonByteLength } from '../../core/json.ts';
import { encodeComponent } from '../../core/nodes/http/url.ts';
import { secretReference } from '../../core/secrets.ts';
import { type AttemptResult, errorMessageLengthMax } from '../attempt-result.ts';

/** Shorter values occur everywhere by chance: removing them would spoil results and hide nothing. */
const LENGTH_MIN = 4;

/** Replaces values by their references, in strings and in JSON. */
export class Concealer {
  /** Each value as it is, as JSON writes it, and as a url writes it; the longest first, since one secret may be a part of another. */
  readonly #forms: readonly (readonly [form: string, reference: string])[];

  constructor(values: ReadonlyMap<string, string>) {
    this.#forms = [...values]
      .filter(([, value]) => value.length >= LENGTH_MIN)
      .flatMap(([name, value]) =>
        [...new Set([value, JSON.stringify(value).slice(1, -1), encodeComponent(value)])].map(
          (form) => [form, secretReference(name)] as const,
        ),
      )
      .sort(([left], [right]) => right.length - left.length);
  }

  text(given: string): string {
    let text = given;
    for (const [form, reference] of this.#forms) text = text.replaceAll(form, () => reference);
    return text;
  }

  /** A message of an error is cut to its limit, so it may end in the middle of a value. */
  #errorText(given: string): string {
    const text = this.text(given);
    if (given.length < errorMessageLengthMax && !given.endsWith('…')) return text;
    const end = text.endsWith('…') ? text.length - 1 : text.length;
    for (const [form] of this.#forms)
      for (let length = Math.min(form.length - 1, end); length >= LENGTH_MIN; length--)
        if (text.endsWith(form.slice(0, length), end)) return `${text.slice(0, end - length)}…`;
    return text;
  }

  /** @param json text, which stays as it is where it holds no value. */
  json(json: string): string {
    if (!this.#forms.some(([form]) => json.includes(form))) return json;
    return JSON.stringify(JSON.parse(json), (_key, value: Json) => this.#member(value, (text) => this.text(text)));
  }

  /** `JSON.stringify` then visits the members of the result. */
  #member(value: Json, conceal: (text: string) => string): Json {
    if (typeof value === 'string') return conceal(value);
    // A value of digits may come back as a number.
    if (typeof value === 'number') return this.#forms.find(([form]) => form === String(value))?.[1] ?? value;
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [this.text(key), member]));
  }

  result(result: AttemptResult): AttemptResult {
    switch (result.status) {
      case 'completed':
        return { ...result, output: this.json(result.output) };
      case 'failed':
      case 'timedOut': {
        const concealed = { ...result, code: this.text(result.code), message: this.#errorText(result.message) };
        return result.details === undefined ? concealed : { ...concealed, details: this.#details(result.details) };
      }
      case 'returned':
      // Nothing of it is here.
      case 'kept':
        return result;
      default:
        return assertNever(result);
    }
  }

  /** References are longer than some values, and details must not grow. */
  #details(details: Json): Json {
    const concealed = JSON.parse(
      JSON.stringify(details, (_key, value: Json) => this.#member(value, (text) => this.#errorText(text))),
    ) as Json;
    if (jsonByteLength(concealed) <= errorDetailsBytesMax) return concealed;
    return isJsonObject(concealed) ? { ...concealed, body: null } : null;
  }
}
