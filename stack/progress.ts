/** What startStack and the installers say while they work; who listens decides how to show it. */

export interface ProgressEvent {
  /** Stable name of the step, e.g. `kafka` or `install:connect`. */
  readonly step: string;
  readonly status: 'running' | 'done' | 'failed' | 'note';
  /** One line for a person. */
  readonly text: string;
}
export type OnProgress = (event: ProgressEvent) => void;

/** Runs one step and tells its beginning and its end with the seconds it took. */
export async function runStep<T>(onProgress: OnProgress, step: string, text: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  onProgress({ step, status: 'running', text });
  try {
    const result = await work();
    onProgress({ step, status: 'done', text: `${text} (${((performance.now() - began) / 1000).toFixed(1)} s)` });
    return result;
  } catch (error) {
    onProgress({ step, status: 'failed', text });
    throw error;
  }
}
