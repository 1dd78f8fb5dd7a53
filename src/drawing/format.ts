/** What a drawing can be. */
export const drawingFormats = ['svg', 'mermaid'] as const;
export type DrawingFormat = (typeof drawingFormats)[number];
