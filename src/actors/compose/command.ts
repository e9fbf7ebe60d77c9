/**
 * `command` and `entrypoint`: text is split into words, a list is taken as it is, and a key without a value leaves it to
 * the image. An empty `entrypoint` replaces the image's with nothing. An empty `command` does so only beside an
 * `entrypoint` of the file: without one, Docker takes no command for the command of the image.
 */
import type { Place, Reading } from './reading.ts';
import { splitWords } from './shell-words.ts';
import { isEmpty, itemsAt, stringAt, written } from './values.ts';

export function commandAt(reading: Reading, place: Place): readonly string[] | undefined {
  if (isEmpty(place)) return undefined;
  if (place.node.kind === 'list') {
    const words = (itemsAt(reading, place) ?? []).map((item) => stringAt(reading, item));
    return words.every((word) => word !== undefined) ? words : undefined;
  }
  const text = stringAt(reading, place, 'text or a list');
  if (text === undefined) return undefined;
  const words = splitWords(text);
  if (!('what' in words)) return words;
  switch (words.what) {
    case 'quote':
      return reading.report(
        place,
        `${written(place)} opens a quote that it does not close.`,
        'Close it, or write a list.',
      );
    case 'backslash':
      return reading.report(place, `${written(place)} ends in a backslash.`, 'Remove it, or write a list.');
    case 'operator':
      return reading.report(
        place,
        `${written(place)} needs a shell for its \`${words.char === '`' ? "'" : words.char}\`, and no shell runs it.`,
        'Put it into quotes, or write ["sh", "-c", "…"].',
      );
  }
}
