/** Numbers that decide what happens next; when they are used up, it is always the first choice. */
export class Chance {
  readonly #numbers: readonly number[];
  #used = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  get isUsedUp(): boolean {
    return this.#used >= this.#numbers.length;
  }

  below(limit: number): number {
    return (this.#numbers[this.#used++] ?? 0) % limit;
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[this.below(Math.max(1, list.length))];
  }
}
