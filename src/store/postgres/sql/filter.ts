/** The WHERE of a search with optional parts: conditions and their parameters, numbered as they are added. */

type Value = string | number | boolean | readonly string[];

export class Filter {
  readonly values: Value[] = [];
  readonly #conditions: string[] = [];

  /** @param condition gets the parameter's name. Without a value there is no condition. */
  add(condition: (parameter: string) => string, value: Value | undefined): void {
    if (value === undefined) return;
    this.#conditions.push(condition(this.parameter(value)));
  }

  always(condition: string): void {
    this.#conditions.push(condition);
  }

  /** A parameter for another part of the statement. */
  parameter(value: Value): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  get sql(): string {
    return this.#conditions.length === 0 ? '' : `WHERE ${this.#conditions.join(' AND ')}`;
  }
}
