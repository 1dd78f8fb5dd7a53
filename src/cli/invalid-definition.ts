/** How the errors of a definition are told, found here or by a server. */

/** What a server and a local check say alike: the first errors, and the count of all. */
export type Invalid = {
  readonly errors: readonly { readonly pointer: string; readonly code?: string; readonly message: string }[];
  readonly errorCount: number;
};

export function describeInvalid(file: string, { errors, errorCount }: Invalid): string {
  const lines = errors.map(
    ({ pointer, code, message }) => `  ${pointer === '' ? '(whole)' : pointer}: ${message}${code === undefined ? '' : ` [${code}]`}`,
  );
  const more = errorCount > errors.length ? [`  and ${errorCount - errors.length} more`] : [];
  const count = errorCount === 1 ? 'an error' : `${errorCount} errors`;
  return [`${file} has ${count}:`, ...lines, ...more].join('\n');
}
