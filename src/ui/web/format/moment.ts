/** @returns an index, a time in ISO 8601, or undefined when the text is neither */
export function momentIn(text: string): number | string | undefined {
  const trimmed = text.trim();
  if (/^\d{1,15}$/.test(trimmed)) return Number(trimmed);
  const at = /^\d{4}-\d{2}-\d{2}/.test(trimmed) ? Date.parse(trimmed.replace(' ', 'T')) : Number.NaN;
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}
