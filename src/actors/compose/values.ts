/** Readers of single values. Each reports a wrong type in words and returns undefined then. */
import { parseDuration } from '#events/values/duration.ts';
import { quoted } from './locate.ts';
import type { Place, Reading } from './reading.ts';
import type { MapNode, Node } from './tree.ts';

export function pathTo(parent: string, key: string): string {
  if (!/^[A-Za-z0-9_-]{1,63}$/.test(key)) return `${parent}[${quoted(key).replaceAll('`', '"')}]`;
  return parent === '' ? key : `${parent}.${key}`;
}

export const typeName = (node: Node): string => {
  if (node.kind === 'map') return 'a map';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'empty';
  return typeof node.value === 'string' ? 'text' : typeof node.value === 'number' ? 'a number' : 'true or false';
};

/** `services.web.ports must be a list, but is text.` */
export function wrongType(reading: Reading, place: Place, expected: string, hint?: string): undefined {
  if (place.node.kind === 'scalar' && place.node.unknown) return undefined;
  const name = place.path === '' ? 'A compose file' : quoted(place.path);
  return reading.report(place, `${name} must be ${expected}, but is ${typeName(place.node)}.`, hint);
}

export const isEmpty = (place: Place): boolean => place.node.kind === 'scalar' && place.node.value === null;

/** Text, a number or true/false, as it is written, with variables replaced. */
export function textAt(reading: Reading, place: Place, expected = 'text'): string | undefined {
  const { node } = place;
  if (node.kind !== 'scalar' || node.value === null) return wrongType(reading, place, expected);
  const text = reading.expand(place, node);
  if (text?.includes('\0')) return reading.report(place, `${quoted(place.path)} holds a NUL character.`, 'Remove it.');
  return text;
}

/** The same where the specification takes text alone: a number would be another one elsewhere (`1.10`, `0777`). */
export function stringAt(reading: Reading, place: Place, expected = 'text'): string | undefined {
  const { node } = place;
  if (node.kind !== 'scalar' || node.value === null || typeof node.value === 'string')
    return textAt(reading, place, expected);
  return wrongType(reading, place, expected, `Put it into quotes: "${node.text}".`);
}

/** For keys that may be left out. */
export const optional = <T>(place: Place | undefined, read: (at: Place) => T | undefined): T | undefined =>
  place && read(place);

/** What a message may say about a scalar: the text of the file, before interpolation. */
export const written = (place: Place): string =>
  place.node.kind === 'scalar' ? quoted(place.node.text) : quoted(place.path);

export function itemsAt(reading: Reading, place: Place, expected = 'a list'): readonly Place[] | undefined {
  const { node, path } = place;
  if (node.kind !== 'list') return wrongType(reading, place, expected);
  return node.items.map((item, index) => ({ path: `${path}[${index}]`, at: item.at, node: item }));
}

export interface KeyedPlace extends Place {
  readonly key: string;
  readonly keyAt: number;
}

export function entriesAt(reading: Reading, place: Place, expected = 'a map'): readonly KeyedPlace[] | undefined {
  if (place.node.kind !== 'map') return wrongType(reading, place, expected);
  return entriesOf(place.path, place.node);
}

export const entriesOf = (path: string, node: MapNode): readonly KeyedPlace[] =>
  [...node.entries].map(([key, { keyAt, value }]) => ({
    key,
    keyAt,
    path: pathTo(path, key),
    // An empty value has no place of its own that a person would look at.
    at: value.kind === 'scalar' && value.value === null ? keyAt : value.at,
    node: value,
  }));

const yes = ['true', 'yes', 'on', 'y'];
const no = ['false', 'no', 'off', 'n'];

export function booleanAt(reading: Reading, place: Place): boolean | undefined {
  const { node } = place;
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
  if (node.kind !== 'scalar' || typeof node.value !== 'string') return wrongType(reading, place, 'true or false');
  const text = reading.expand(place, node)?.toLowerCase();
  if (text === undefined) return undefined;
  if (yes.includes(text)) return true;
  return no.includes(text) ? false : wrongType(reading, place, 'true or false');
}

/** Whole numbers only; both ends are included. */
export function numberAt(reading: Reading, place: Place, min: number, max: number): number | undefined {
  const text = textAt(reading, place, 'a whole number');
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < min || value > max) {
    return reading.report(place, `${written(place)} is not a whole number from ${min} to ${max}.`);
  }
  return value;
}

/** @returns milliseconds, rounded; at least `minMs` */
export function durationAt(reading: Reading, place: Place, minMs: number): number | undefined {
  const text = textAt(reading, place, 'a duration');
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) {
    return reading.report(
      place,
      `${written(place)} is not a duration.`,
      'Write a number with its unit: 30s, 1m30s, 500ms.',
    );
  }
  if (ms < minMs || ms > maxDurationMs) {
    return reading.report(
      place,
      `${written(place)} is too ${ms < minMs ? 'short' : 'long'}.`,
      `Choose from ${minMs >= 1000 ? `${minMs / 1000}s` : '1ms'} to 365d.`,
    );
  }
  return Math.round(ms);
}
const maxDurationMs = 365 * 86_400_000;
