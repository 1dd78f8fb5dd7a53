/** The schema registry in memory, for `millrace dev` and for tests, which can take it away. Takes any schema: nothing older is there to fit. */
import { MillraceError } from '../../core/error.ts';
import { fullNames, type RecordName, schemaTexts } from '../generated/records.ts';
import type { Registry, WriterSchema } from '../registry.ts';

export class MemoryRegistry implements Registry {
  /** false: every call fails as if the registry were away. */
  available = true;
  /** Calls so far, by method. */
  readonly calls = { schemaById: 0, idOf: 0, register: 0 };
  readonly #schemas: WriterSchema[] = [];
  readonly #ids = new Map<string, number>();
  readonly #levels = new Map<string, string>();

  async schemaById(id: number): Promise<WriterSchema | null> {
    this.calls.schemaById++;
    this.#check();
    return this.#schemas[id - 1] ?? null;
  }

  async idOf(subject: string, schemaText: string): Promise<number | null> {
    this.calls.idOf++;
    this.#check();
    return this.#ids.get(`${subject} ${schemaText}`) ?? null;
  }

  async register(subject: string, schemaText: string): Promise<number> {
    this.calls.register++;
    this.#check();
    return this.add(subject, schemaText);
  }

  async compatibilityOf(subject: string): Promise<string | null> {
    return this.#levels.get(subject) ?? null;
  }

  async setCompatibility(subject: string, level: string): Promise<void> {
    this.#levels.set(subject, level);
  }

  /** Adds any schema at once. @returns its id. */
  add(subject: string, schemaText: string): number {
    const known = this.#schemas.findIndex((schema) => schema.kind === 'avro' && schema.text === schemaText) + 1;
    const id = known > 0 ? known : this.addWriter({ kind: 'avro', text: schemaText });
    this.#ids.set(`${subject} ${schemaText}`, id);
    return id;
  }

  addWriter(schema: WriterSchema): number {
    return this.#schemas.push(schema);
  }

  /** Adds our own schema of a record under the subject of the topic. */
  addRecord(topic: string, record: RecordName): number {
    return this.add(`${topic}-${fullNames[record]}`, schemaTexts[record]);
  }

  #check(): void {
    if (!this.available) throw new MillraceError('MR_REGISTRY_UNAVAILABLE', 'The registry is away.', { retryable: true });
  }
}
