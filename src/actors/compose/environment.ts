/**
 * `environment` and `env_file`: what a service finds in its environment. Files come first, in their order, and
 * `environment` over them. A key without a value takes it from the `.env` file; compose would also look into the
 * shell of the person, which the lab does not see.
 */
import { decodeText } from './decode.ts';
import { readEnvFile, type EnvFile, type EnvFormat } from './env-file.ts';
import { keysAt } from './keys.ts';
import { quoted } from './locate.ts';
import { pathFrom } from './project/paths.ts';
import type { Scope } from './project/sources.ts';
import type { Place, Reading } from './reading.ts';
import { booleanAt, entriesOf, isEmpty, itemsAt, stringAt, textAt, written, wrongType } from './values.ts';

/** What the services of one app share while it is read. */
export interface Environments {
  /** Characters of all environments so far. */
  chars: number;
}

const maxVariables = 1000;
const maxChars = 4 * 2 ** 20;

/** @returns `KEY=value`, sorted by key */
export function environmentAt(
  reading: Reading,
  environment: Place | undefined,
  envFile: Place | undefined,
  all: Environments,
): readonly string[] {
  const variables = new Map<string, string>();
  if (envFile && !isEmpty(envFile)) readEnvFiles(reading, envFile, variables);
  if (environment && !isEmpty(environment)) readVariables(reading, environment, variables);
  for (const [key, value] of variables) all.chars += key.length + value.length;
  const place = environment ?? envFile;
  if (place && (variables.size > maxVariables || all.chars > maxChars)) {
    const what =
      variables.size > maxVariables
        ? `This service has more than ${maxVariables} variables.`
        : 'The environments of all services together are longer than 4 MiB.';
    reading.report(place, what, 'Put them into a file and mount that.');
    return [];
  }
  return [...variables.keys()].toSorted().map((key) => `${key}=${variables.get(key)}`);
}

function readVariables(reading: Reading, place: Place, into: Map<string, string>): void {
  const { node } = place;
  if (node.kind === 'map') {
    for (const entry of entriesOf(place.path, node)) {
      const at = { path: entry.path, at: entry.keyAt };
      if (!checkKey(reading, at, entry.key, quoted(entry.key))) continue;
      const value = isEmpty(entry) ? inherited(reading, at, entry.key) : textAt(reading, entry);
      if (value !== undefined) into.set(entry.key, value);
    }
    return;
  }
  if (node.kind !== 'list') {
    wrongType(reading, place, 'a map or a list', 'Write `KEY: value` on lines of their own.');
    return;
  }
  for (const item of itemsAt(reading, place) ?? []) {
    const text = stringAt(reading, item, 'KEY=value');
    if (text === undefined) continue;
    const equals = text.indexOf('=');
    const key = equals === -1 ? text : text.slice(0, equals);
    if (!checkKey(reading, item, key, written(item))) continue;
    const value = equals === -1 ? inherited(reading, item, key) : text.slice(equals + 1);
    if (value !== undefined) into.set(key, value);
  }
}

function checkKey(reading: Reading, at: Pick<Place, 'path' | 'at'>, key: string, shown: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what this refuses
  if (/^[^\s=\u0000-\u001f\u007f]{1,256}$/.test(key)) return true;
  reading.report(
    at,
    `${shown} does not begin with the name of a variable.`,
    'Write KEY=value without spaces in the key.',
  );
  return false;
}

function inherited(reading: Reading, at: Pick<Place, 'path' | 'at'>, key: string): string | undefined {
  return (
    reading.sourceAt(at.at).scope.variables.get(key) ??
    reading.report(
      at,
      'This variable has no value, and the environment of your shell does not reach the lab.',
      'Write its value here or into the file .env, or use `""` for an empty one.',
    )
  );
}

function readEnvFiles(reading: Reading, place: Place, into: Map<string, string>): void {
  const items = place.node.kind === 'list' ? (itemsAt(reading, place) ?? []) : [place];
  for (const item of items) {
    const wanted = item.node.kind === 'map' ? readLongForm(reading, item) : readShortForm(reading, item);
    if (!wanted) continue;
    const file = loadEnvFile(reading, wanted);
    for (const [key, value] of file?.variables ?? []) into.set(key, value);
    if (into.size > maxVariables) return;
  }
}

interface Wanted {
  readonly place: Place;
  readonly path: string;
  readonly required: boolean;
  readonly format: EnvFormat;
  /** Whether the person may say that it is not required. */
  readonly mayBeMissing?: true;
}

function readShortForm(reading: Reading, item: Place): Wanted | undefined {
  const path = textFileAt(reading, item);
  return path === undefined ? undefined : { place: item, path, required: true, format: 'compose', mayBeMissing: true };
}

export const envFileKeys = { of: 'an env_file', read: ['path', 'required', 'format'] } as const;

function readLongForm(reading: Reading, item: Place): Wanted | undefined {
  const keys = keysAt(reading, item, envFileKeys);
  const place = keys?.get('path');
  if (!keys || !place) return reading.report(item, 'This env_file has no `path`.', 'Write path: ./app.env.');
  const path = textFileAt(reading, place);
  const requiredAt = keys.get('required');
  const required = requiredAt ? booleanAt(reading, requiredAt) : true;
  const formatAt = keys.get('format');
  const format = formatAt ? stringAt(reading, formatAt) : 'compose';
  if (format !== undefined && format !== 'raw' && format !== 'compose') {
    return reading.report(
      formatAt ?? item,
      `${written(formatAt ?? item)} is not a format of env files.`,
      'Write raw, or leave it out.',
    );
  }
  if (path === undefined || required === undefined || format === undefined) return undefined;
  return { place, path, required, format, mayBeMissing: true };
}

/** Of a file that is read as text: an env file, a file of labels. @returns where it is among those handed in */
export function textFileAt(reading: Reading, place: Place): string | undefined {
  const text = textAt(reading, place, 'the path of a file');
  if (text === undefined) return undefined;
  const path = pathFrom(reading, place.at, text);
  if (path !== undefined && path !== '.') return path;
  return reading.report(
    place,
    `${written(place)} is not a file beside the compose file.`,
    'Copy it into the folder of the compose file: only that folder is sent to the lab.',
  );
}

/** Reads a file and reports it when it is missing, and the lines that are wrong. */
export function loadEnvFile(
  reading: Reading,
  { place, path, required, format, mayBeMissing }: Wanted,
  scope = reading.sourceAt(place.at).scope,
): EnvFile | undefined {
  reading.named.add(path);
  const file = reading.files.get(path);
  if (file) return parseEnvFile(reading, path, file.content, format, scope);
  if (reading.present.has(path))
    return reading.report(place, `${written(place)} is a folder, not a file.`, 'Name a file in it.');
  if (required)
    reading.report(
      place,
      `The file ${written(place)} is not there.`,
      mayBeMissing
        ? 'Create it beside the compose file, or write `required: false`.'
        : 'Create it beside the compose file, or correct its path.',
    );
  return undefined;
}

/** Reads a file, once for each scope, and reports the lines that are wrong. */
export function parseEnvFile(
  reading: Reading,
  path: string,
  content: string,
  format: EnvFormat,
  { variables, envFiles }: Scope,
): EnvFile | undefined {
  const key = `${format}:${path}`;
  if (envFiles.has(key)) return envFiles.get(key);
  envFiles.set(key, undefined);
  const text = decodeText(content);
  if (text === undefined) {
    reading.reportIn(path, 1, 'This file is not UTF-8 text of at most 1 MiB.', 'Save it as UTF-8.');
    return undefined;
  }
  reading.envFileChars += text.length;
  if (reading.envFileChars > maxEnvFileChars) {
    reading.reportIn(path, 1, 'The env files are longer than 16 MiB together.', 'Name fewer of them.');
    return undefined;
  }
  const read = readEnvFile(text, format, (name) => variables.get(name));
  for (const { line, message, hint } of read.problems) reading.reportIn(path, line, message, hint);
  envFiles.set(key, read);
  return read;
}

/** Each counts once for each scope that it is read in. */
const maxEnvFileChars = 16 * 2 ** 20;
