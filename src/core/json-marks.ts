/** A look at JSON before it is read: its characters outside of strings. */

/** Whether one of them fits. Goes no further than that. @param text JSON, or anything. */
export function someMark(text: string, fits: (code: number) => boolean): boolean {
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c) i++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (fits(code)) return true;
  }
  return false;
}
