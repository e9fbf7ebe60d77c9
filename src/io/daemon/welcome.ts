/** What a person reads when a start has succeeded: in one piece, whatever else goes to the same place. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from './version.ts';

export interface Welcome {
  /** Where people reach it. */
  readonly urls: readonly string[];
  readonly admin: string;
  /** Made by this start, and kept nowhere by it. */
  readonly newPassword: string | undefined;
  /** Opens the lab's sealed keys when every node is lost; made by this start, and kept nowhere. */
  readonly recoveryKey: string | undefined;
  /** Of the authority, where there is TLS. */
  readonly fingerprint: string | undefined;
  /** What a person should know beside, in sentences. */
  readonly notes: readonly string[];
  /** Whether somebody sits there; else it goes into a file or a journal. */
  readonly isTerminal: boolean;
  /** Where the person stands. */
  readonly folder: string;
}

export function welcomeLines(welcome: Welcome): readonly string[] {
  const { urls, admin, newPassword, fingerprint, notes } = welcome;
  return [
    `FloatLab ${version} is ready: ${urls.join('  ')}`,
    ...(fingerprint === undefined ? [] : [`  its authority has the SHA-256 fingerprint ${fingerprint}`]),
    ...(newPassword === undefined ? [] : [`  name      ${admin}`, `  password  ${newPassword}`]),
    `  sign in   ${loginCommand(urls[0] ?? '', welcome.folder)}`,
    ...(newPassword === undefined ? [] : [passwordNote(welcome)]),
    ...(welcome.recoveryKey === undefined ? [] : [`  recovery key  ${welcome.recoveryKey}`, recoveryNote]),
    ...notes,
  ];
}

/** As it can be typed: `floatlab` itself is found only once somebody has put it on the search path. */
export function loginCommand(url: string, folder: string): string {
  const program = fileURLToPath(new URL('../bin/floatlab.js', import.meta.url));
  return `node ${program === join(folder, 'bin', 'floatlab.js') ? 'bin/floatlab.js' : program} login ${url}`;
}

const recoveryNote =
  'Write the recovery key down and keep it apart from these machines: shown once, it opens a backup when all else is lost.';

const passwordNote = ({ isTerminal }: Welcome): string =>
  isTerminal
    ? 'The password is shown once and kept nowhere: change it after you have signed in.'
    : 'The password is shown once. This output is no terminal: whatever keeps it keeps the password too, until you change it.';
