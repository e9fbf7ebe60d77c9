/**
 * Names on their way into the address of a request. What is no name never gets there: nothing may lead out of the
 * address (`../`), add to its query (`?`) or cut it (`#`). The engine itself knows the exact grammar.
 */
import { IoError } from '../error.ts';

const name = /^[a-zA-Z0-9][\w.-]{0,254}$/;
const reference = /^[a-zA-Z0-9][\w.-]*(?:[/:@]\w[\w.-]*)*$/;

/** Of a container (or its id) or a network. @throws INVALID */
export function checkedName(text: string): string {
  if (name.test(text)) return text;
  throw new IoError('INVALID', {
    op: 'docker',
    target: text,
    message: `"${text}" is not a name that a container engine knows`,
    hint: 'Names consist of letters, digits, ".", "_" and "-".',
  });
}

/** Of an image. @throws INVALID */
export function checkedReference(text: string): string {
  if (text.length <= 512 && reference.test(text) && !text.includes('..')) return text;
  throw new IoError('INVALID', {
    op: 'docker',
    target: text,
    message: `"${text}" is not the name of an image`,
    hint: 'Write it like "postgres:16" or "ghcr.io/owner/name:1.2": lower case, without spaces.',
  });
}
