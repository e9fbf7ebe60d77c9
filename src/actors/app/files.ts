/**
 * The files that came with a compose file (`.env`, env files, what it mounts) as one blob beside it: whoever sends the
 * next revision without files means these.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { ComposeInput } from '../compose/model.ts';

export type Files = ComposeInput['files'];

/** The same files give the same bytes. */
export const packFiles = (files: Files): Uint8Array =>
  utf8ToBytes(JSON.stringify(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1))));

export const unpackFiles = (bytes: Uint8Array): Files =>
  Object.fromEntries(JSON.parse(new TextDecoder().decode(bytes)) as [string, Files[string]][]);
