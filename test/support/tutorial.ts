/** Reads the tutorial of a README: its shell blocks, each with the output that it shows. */

export type TutorialStep = {
  /** As it stands, several lines perhaps. */
  readonly commands: string;
  /** Shown lines; empty when none are shown. */
  readonly shown: readonly string[];
};

/** Every `sh` block between the two markers, with the `text` block that follows it, if one does. */
export function readTutorial(markdown: string): TutorialStep[] {
  const part = /<!-- tutorial:[^>]*-->(.*?)<!-- \/tutorial -->/s.exec(markdown)?.[1];
  if (part === undefined) throw new Error('The tutorial has no markers.');
  const steps: TutorialStep[] = [];
  for (const [, language, body = ''] of part.matchAll(/^```(\w+)\n(.*?)\n```$/gms)) {
    if (language === 'sh') steps.push({ commands: body, shown: [] });
    const last = steps.at(-1);
    if (language === 'text' && last !== undefined) steps[steps.length - 1] = { ...last, shown: body.split('\n') };
  }
  return steps;
}

/**
 * The shown lines that no line of the output is like, in order. Ids, times, blanks and versions may be others; `…` stands for
 * anything, a line of it for any lines.
 */
export function missingLines(shown: readonly string[], output: string): string[] {
  const lines = output.split('\n').map(normalise);
  let from = 0;
  return shown.filter((line) => {
    if (line.trim() === '' || line.trim() === '…') return false;
    const pattern = new RegExp(`^${normalise(line).split('…').map(escapePattern).join('.*')}$`);
    const found = lines.findIndex((candidate, index) => index >= from && pattern.test(candidate));
    if (found === -1) return true;
    from = found + 1;
    return false;
  });
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function normalise(line: string): string {
  return line
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '<time>')
    .replaceAll(/TR-[0-9a-f]{10}/g, '<transfer>')
    .replaceAll(/\bversion \d+/g, 'version <n>')
    .replaceAll(/^ *\d+ {2}(?=<time>)/g, '<seq> ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
