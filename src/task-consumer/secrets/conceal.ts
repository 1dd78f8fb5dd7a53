/** Takes values of secrets out of what comes back: servers repeat what they were sent, and errors quote it. */
import { assertNever } from '../../core/assert.ts';
import { errorDetailsBytesMax } from '../../core/instance/state/state.ts';
import { isJsonObject, type Json, jsonByteLength } from '../../core/json.ts';
import { encodeComponent } from '../../core/nodes/http/url.ts';
import { secretReference } from '../../core/secrets.ts';
import { type AttemptResult, errorMessageLengthMax } from '../attempt-result.ts';

/** Shorter ones are found everywhere: taking them out would destroy what comes back, and hides nothing. */
const LENGTH_MIN = 4;

/** Puts references in the place of values, in strings and in JSON. */
export class Concealer {
  /** Each value as it is, as JSON writes it, and as a url does. The longest first, since one secret may be part of another. */
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

  /** Of an error: a string that was cut to its limit may end in the middle of a value. */
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

  /** By `JSON.stringify`, which visits what this gives. */
  #member(value: Json, conceal: (text: string) => string): Json {
    if (typeof value === 'string') return conceal(value);
    // A value of digits comes back as a number.
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
