/**
 * References of images: `[registry[:port]/]path[:tag][@digest]`, by the grammar of the distribution project.
 * Taken apart by hand, because one expression for all of it can take very long on hostile text.
 */
import type { Place, Reading } from './reading.ts';
import { stringAt, written } from './values.ts';

const hostPart = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;
const pathPart = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagRule = /^\w[\w.-]{0,127}$/;
const digestRule = /^[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,256}$/;

export function imageAt(reading: Reading, place: Place): string | undefined {
  const text = stringAt(reading, place, 'the name of an image');
  if (text === undefined) return undefined;
  if (text === '') return reading.report(place, 'The name of this image is empty.', 'Write it like `nginx:1.27`.');
  const wrong = checkImage(text);
  if (wrong === undefined) return text;
  return reading.report(
    place,
    `${written(place)} is not an image: ${wrong}.`,
    'Write it like `nginx:1.27` or `ghcr.io/owner/app:v2`.',
  );
}

/** @returns what is wrong, as the end of a sentence */
export function checkImage(reference: string): string | undefined {
  if (reference.length > 512) return 'it is longer than 512 characters';
  if (reference !== reference.trim() || /\s/.test(reference)) return 'it contains a space';
  const [rest = '', digest, ...more] = reference.split('@');
  if (more.length > 0 || (digest !== undefined && !digestRule.test(digest))) return 'its digest is not valid';
  const colon = rest.lastIndexOf(':');
  const hasTag = colon > rest.lastIndexOf('/');
  if (hasTag && !tagRule.test(rest.slice(colon + 1))) return 'its tag is not valid';
  const name = hasTag ? rest.slice(0, colon) : rest;
  if (name.length > 255) return 'its name is longer than 255 characters';
  const parts = name.split('/');
  const first = parts[0] ?? '';
  const hasRegistry =
    parts.length > 1 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  if (hasRegistry && !isRegistry(first)) return 'its registry is not valid';
  const path = hasRegistry ? parts.slice(1) : parts;
  if (path.some((part) => part !== part.toLowerCase())) return 'its name has capital letters';
  if (!path.every((part) => part.length <= 128 && pathPart.test(part))) return 'its name is not valid';
  return /^[0-9a-f]{64}$/.test(name) ? 'it is the id of an image, which other machines do not know' : undefined;
}

function isRegistry(text: string): boolean {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text);
  if (!match) return false;
  const host = match[1] ?? '';
  return host.startsWith('[') || host.split('.').every((part) => hostPart.test(part));
}
