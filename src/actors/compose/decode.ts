/** The files that are handed in travel as base64. */

const maxTextBytes = 2 ** 20;

/** @returns the text, or undefined when it is not UTF-8, not base64, or larger than 1 MiB */
export function decodeText(base64: string): string | undefined {
  if (base64.length > Math.ceil(maxTextBytes / 3) * 4) return undefined;
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
