/** Values that compose takes as a list or as one, and as a map or as a list of `key=value`. */
import { quoted } from '../locate.ts';
import type { Place, Reading } from '../reading.ts';
import { entriesAt, entriesOf, isEmpty, itemsAt, stringAt, textAt, wrongType, written } from '../values.ts';

/** What is right about a text, or what to write instead. */
export interface Form {
  /** For sentences: `the name of a capability`. */
  readonly what: string;
  readonly hint: string;
  fits(text: string): boolean;
  /** Whether a number is taken as it is written. */
  readonly allowsNumbers?: true;
}

/** @returns the text, or undefined after a report */
export function formAt(reading: Reading, place: Place, form: Form): string | undefined {
  const isNumber = place.node.kind === 'scalar' && typeof place.node.value === 'number';
  const text = isNumber && form.allowsNumbers ? textAt(reading, place) : stringAt(reading, place, form.what);
  if (text === undefined || form.fits(text)) return text;
  return reading.report(place, `${written(place)} is not ${form.what}.`, form.hint);
}

/** @returns those that fit, without repetitions */
export function listAt(reading: Reading, place: Place, form: Form, allows: 'list' | 'one or list'): readonly string[] {
  if (isEmpty(place)) return [];
  const isOne = allows === 'one or list' && place.node.kind === 'scalar';
  const places = isOne ? [place] : (itemsAt(reading, place) ?? []);
  return [...new Set(places.flatMap((item) => formAt(reading, item, form) ?? []))];
}

export interface Keyed {
  readonly key: string;
  readonly value: string;
  /** Where a report of the pair belongs. */
  readonly at: Pick<Place, 'path' | 'at'>;
  /** As it stands in the file, for messages. */
  readonly shown: string;
}

/** A map, or a list of `key=value`; a key without a value has the empty one. */
export function pairsAt(reading: Reading, place: Place, separator: RegExp = /=/): readonly Keyed[] {
  if (isEmpty(place)) return [];
  if (place.node.kind === 'map')
    return entriesOf(place.path, place.node).flatMap((entry) => {
      const value = isEmpty(entry) ? '' : textAt(reading, entry);
      const shown = quoted(entry.node.kind === 'scalar' ? `${entry.key}: ${entry.node.text}` : entry.key);
      return value === undefined ? [] : [{ key: entry.key, value, at: { path: entry.path, at: entry.keyAt }, shown }];
    });
  if (place.node.kind !== 'list') {
    wrongType(reading, place, 'a map or a list', 'Write `key: value` on lines of their own.');
    return [];
  }
  return (itemsAt(reading, place) ?? []).flatMap((item) => {
    const text = stringAt(reading, item, 'key=value');
    if (text === undefined) return [];
    const found = separator.exec(text);
    const [key, value] = found ? [text.slice(0, found.index), text.slice(found.index + found[0].length)] : [text, ''];
    return [{ key, value, at: item, shown: written(item) }];
  });
}

/** Of a driver: a map alone, of texts and numbers. */
export function optionsAt(reading: Reading, place: Place, key: Form): Readonly<Record<string, string>> {
  for (const entry of entriesAt(reading, place) ?? []) {
    const isNumber = entry.node.kind === 'scalar' && typeof entry.node.value === 'number';
    if (!isNumber && stringAt(reading, entry) === undefined) return {};
  }
  return place.node.kind === 'map' ? recordAt(reading, place, key) : {};
}

/** As a record, keys sorted; what does not fit is reported. */
export function recordAt(reading: Reading, place: Place, key: Form): Readonly<Record<string, string>> {
  const found = new Map<string, string>();
  for (const pair of pairsAt(reading, place)) {
    if (pair.key !== '__proto__' && key.fits(pair.key)) found.set(pair.key, pair.value);
    else reading.report(pair.at, `${pair.shown} does not begin with ${key.what}.`, key.hint);
  }
  return Object.fromEntries([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
