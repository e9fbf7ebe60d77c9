/**
 * Text that came over the network, made safe for a terminal: an app's name, an image, a log line must not move the
 * cursor, rename the window, answer for the keyboard, or turn the direction of the text.
 */
import { printable } from '#actors/compose/locate.ts';

/** One line: control, invisible and direction characters become `·`. */
export const safe = printable;

/** Several lines, each made safe. */
export const safeLines = (text: string): string => text.split(/\r?\n/).map(printable).join('\n');

// oxlint-disable-next-line no-control-regex -- colours begin with a control character
const colour = /(\u001b\[[0-9;]{0,32}m)/;
const endOfColour = '\u001b[0m';

/** A log line: its colours stay and end with the line, everything else of the kind goes. */
export function safeLogLine(text: string): string {
  const parts = text.replace(/\r+$/, '').split(colour);
  const shown = parts.map((part, n) => (n % 2 === 1 ? part : printable(part.replaceAll('\t', '    ')))).join('');
  return parts.length > 1 ? `${shown}${endOfColour}` : shown;
}

/** Characters that JSON and YAML leave as they are although a terminal acts upon them. */
const acting = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export const hasActing = (text: string): boolean => text.search(acting) !== -1;

/** Inside a quoted string of JSON or YAML: the same value, written as an escape. */
export const escapeActing = (text: string): string =>
  text.replace(acting, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
