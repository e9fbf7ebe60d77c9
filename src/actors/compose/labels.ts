/**
 * `labels` of a container: a map, or a list of `key=value`; `label_file`: files of such lines, read like env files. Those
 * that tell whose container it is are not the person's.
 */
import { loadEnvFile, textFileAt } from './environment.ts';
import { quoted } from './locate.ts';
import type { Place, Reading } from './reading.ts';
import { entriesOf, isEmpty, itemsAt, stringAt, textAt, written, wrongType } from './values.ts';

const reserved = /^(?:com\.docker\.|io\.docker\.|org\.dockerproject\.|(?:io\.)?floatlab[./])/i;

type Labels = Readonly<Record<string, string>>;

/** @returns whether this can be a label; else it was reported. @param shown the label as it is written */
function checkLabel(reading: Reading, at: Pick<Place, 'path' | 'at'>, key: string, shown: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what this refuses
  if (!/^[^\s\u0000-\u001f\u007f]{1,256}$/.test(key) || key === '__proto__') {
    reading.report(
      at,
      `${shown} does not begin with the key of a label.`,
      'Write key=value without spaces in the key.',
    );
    return false;
  }
  if (!reserved.test(key)) return true;
  reading.report(at, `${shown} is a label that FloatLab and Docker write themselves.`, 'Use a name of your own.');
  return false;
}

/** One file or several; the last one that says something counts. */
export function labelFilesAt(reading: Reading, place: Place): Labels {
  const labels = new Map<string, string>();
  if (isEmpty(place)) return {};
  for (const item of place.node.kind === 'list' ? (itemsAt(reading, place) ?? []) : [place]) {
    const path = textFileAt(reading, item);
    const file =
      path === undefined ? undefined : loadEnvFile(reading, { place: item, path, required: true, format: 'compose' });
    for (const [key, value] of file?.variables ?? [])
      if (checkLabel(reading, item, key, `A line of ${written(item)}`)) labels.set(key, value);
  }
  return Object.fromEntries(labels);
}

export function labelsAt(reading: Reading, place: Place): Labels {
  const labels = new Map<string, string>();
  const add = (at: Pick<Place, 'path' | 'at'>, key: string, value: string | undefined, shown: string): void => {
    if (checkLabel(reading, at, key, shown) && value !== undefined) labels.set(key, value);
  };
  if (isEmpty(place)) return {};
  if (place.node.kind === 'map') {
    for (const entry of entriesOf(place.path, place.node)) {
      const value = isEmpty(entry) ? '' : textAt(reading, entry);
      add({ path: entry.path, at: entry.keyAt }, entry.key, value, quoted(entry.key));
    }
  } else if (place.node.kind === 'list') {
    for (const item of itemsAt(reading, place) ?? []) {
      const text = stringAt(reading, item, 'key=value');
      if (text === undefined) continue;
      const equals = text.indexOf('=');
      if (equals === -1) add(item, text, '', written(item));
      else add(item, text.slice(0, equals), text.slice(equals + 1), written(item));
    }
  } else wrongType(reading, place, 'a map or a list', 'Write `key: value` on lines of their own.');
  return Object.fromEntries(labels);
}
