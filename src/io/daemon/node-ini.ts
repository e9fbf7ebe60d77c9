/**
 * `node.ini` in the data directory: who this node is, the keys of its lab, and the first administrator.
 *
 * Everything else that the lab knows is in the event log; this is what must be known before the log can be opened, or
 * must not be in it. Only the service reads and writes the file. Whoever can read it can read every secret of the lab:
 * it has mode 0600, and wider permissions are refused. It is replaced as a whole, or not at all.
 */
import { Buffer } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { name } from '#events/values/name.ts';
import { IoError } from '../devices/error.ts';
import { replaceFile } from '../stores/files.ts';
import { formatIni, IniError, parseIni, type Ini } from './ini.ts';

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'use 1 to 64 of letters, digits, "_" and "-"');

/** 32 bytes in 43 characters; in base64url the last one has only four bits. */
const key = z
  .string()
  .regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'expected 32 bytes in base64url')
  .transform((text) => new Uint8Array(Buffer.from(text, 'base64url')));

const schema = z.strictObject({
  node: z.strictObject({
    id,
    name,
    /** Of its disk: another one after that was lost. Missing where one machine was all there could be. */
    incarnation: id.exactOptional(),
    /** It runs no apps. */
    witness: z
      .enum(['yes', 'no'])
      .transform((text) => text === 'yes')
      .exactOptional(),
  }),
  lab: z.strictObject({
    id,
    /** Raised by every recovery and restore. */
    generation: z
      .string()
      .regex(/^[1-9]\d{0,8}$/, 'expected a number from 1 on')
      .transform(Number)
      .exactOptional(),
    /** Another machine founded it. */
    joined: z
      .enum(['yes', 'no'])
      .transform((text) => text === 'yes')
      .exactOptional(),
    /** Encrypts blobs and secrets. */
    data_key: key,
    /** Labs of before signed sessions with it; each node does so with its own key. */
    session_key: key.exactOptional(),
  }),
  admin: z.strictObject({
    name,
    /** As argon2 writes it. */
    password_hash: z.string().regex(/^\$[\x21-\x7e]{8,511}$/, 'expected a hash like "$argon2id$…"'),
    /** The password is the one that the first start made up: its person is reminded to change it. */
    password_initial: z.enum(['yes', 'no']).transform((text) => text === 'yes'),
    /** Until a person has seen it, every start makes a new one. */
    password_shown: z.enum(['yes', 'no']).transform((text) => text === 'yes'),
    /** When it was changed, in milliseconds since 1970: the latest one counts in the whole lab. */
    password_changed: z
      .string()
      .regex(/^\d{1,15}$/, 'expected milliseconds since 1970')
      .transform(Number)
      .exactOptional(),
  }),
});

export interface NodeIni {
  readonly node: {
    readonly id: string;
    readonly name: string;
    readonly incarnation: string | undefined;
    readonly isWitness: boolean;
  };
  /** Keys have 32 bytes. */
  readonly lab: {
    readonly id: string;
    readonly generation: number;
    readonly wasJoined: boolean;
    readonly dataKey: Uint8Array;
  };
  readonly admin: {
    readonly name: string;
    readonly passwordHash: string;
    readonly passwordIsInitial: boolean;
    readonly passwordWasShown: boolean;
    /** Milliseconds since 1970; 0 for the one that the first start made up. */
    readonly passwordChangedAt: number;
  };
}

const comment = [
  'Written by FloatLab; stop the service before you change anything.',
  'These keys open every secret of the lab: keep this file to yourself, and in your backups.',
];

export const nodeIniPath = (dataDir: string): string => join(dataDir, 'node.ini');

/**
 * @returns undefined when there is none: the first start
 * @throws IoError INVALID with the line, PERMISSION, FAILED
 */
export async function readNodeIni(dataDir: string): Promise<NodeIni | undefined> {
  const path = nodeIniPath(dataDir);
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) throw tooOpen(path, mode);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
    throw failed('read', path, error);
  }
  return parseNodeIni(text, path);
}

/** @throws IoError FAILED; then the file is as it was */
export async function writeNodeIni(dataDir: string, ini: NodeIni): Promise<void> {
  const path = nodeIniPath(dataDir);
  const text = formatNodeIni(ini);
  // What could not be read back must not replace what can.
  parseNodeIni(text, path);
  try {
    await replaceFile(path, Buffer.from(text), { mode: 0o600 });
  } catch (error) {
    throw failed('write', path, error);
  }
}

export function formatNodeIni({ node, lab, admin }: NodeIni): string {
  return formatIni(comment, {
    node: {
      id: node.id,
      name: node.name,
      ...(node.incarnation === undefined ? {} : { incarnation: node.incarnation }),
      ...(node.isWitness ? { witness: 'yes' } : {}),
    },
    lab: {
      id: lab.id,
      generation: String(lab.generation),
      ...(lab.wasJoined ? { joined: 'yes' } : {}),
      data_key: base64url(lab.dataKey),
    },
    admin: {
      name: admin.name,
      password_hash: admin.passwordHash,
      password_initial: admin.passwordIsInitial ? 'yes' : 'no',
      password_shown: admin.passwordWasShown ? 'yes' : 'no',
      password_changed: String(admin.passwordChangedAt),
    },
  });
}

/**
 * @param path for messages only
 * @throws IoError INVALID, with the line
 */
export function parseNodeIni(text: string, path = 'node.ini'): NodeIni {
  try {
    const ini = parseIni(text);
    const parsed = schema.safeParse(plain(ini));
    if (!parsed.success) throw asIniError(parsed.error, ini);
    const { node, lab, admin } = parsed.data;
    return {
      node: { id: node.id, name: node.name, incarnation: node.incarnation, isWitness: node.witness ?? false },
      lab: {
        id: lab.id,
        generation: lab.generation ?? 1,
        wasJoined: lab.joined ?? false,
        dataKey: lab.data_key,
      },
      admin: {
        name: admin.name,
        passwordHash: admin.password_hash,
        passwordIsInitial: admin.password_initial,
        passwordWasShown: admin.password_shown,
        passwordChangedAt: admin.password_changed ?? 0,
      },
    };
  } catch (error) {
    if (!(error instanceof IniError)) throw error;
    throw new IoError('INVALID', {
      op: 'read',
      target: path,
      message: `${path}, line ${error.line}: ${error.message}`,
      hint: `Undo your last change of this line, or restore ${path} from a backup.`,
      cause: error,
    });
  }
}

const plain = (ini: Ini): Record<string, Record<string, string>> =>
  Object.fromEntries(
    [...ini].map(([section, { values }]) => [
      section,
      Object.fromEntries([...values].map(([valueKey, { value }]) => [valueKey, value])),
    ]),
  );

/** The first thing that the schema has to say, with its line. Values are not repeated: they may be secret. */
function asIniError(error: z.ZodError, ini: Ini): IniError {
  const [issue] = error.issues;
  const [section, valueKey] = (issue?.path ?? []).map(String);
  const at = section === undefined ? undefined : ini.get(section);
  if (issue?.code === 'unrecognized_keys') {
    const unknown = issue.keys[0] as string;
    if (section === undefined) return new IniError(ini.get(unknown)?.line ?? 1, `there is no section [${unknown}]`);
    return new IniError(at?.values.get(unknown)?.line ?? 1, `there is no "${unknown}" in section [${section}]`);
  }
  if (!at) return new IniError(1, `section [${section}] is missing`);
  const value = valueKey === undefined ? undefined : at.values.get(valueKey);
  if (!value) return new IniError(at.line, `"${valueKey}" is missing in section [${section}]`);
  return new IniError(value.line, `"${valueKey}" is not valid: ${issue?.message}`);
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

const tooOpen = (path: string, mode: number): IoError =>
  new IoError('PERMISSION', {
    op: 'read',
    target: path,
    message: `${path} holds the keys of the lab, and others may access it (mode ${(mode & 0o777).toString(8)})`,
    hint: `Run: chmod 600 ${path}. If others could read it, change the passwords that the lab holds.`,
  });

const failed = (op: string, path: string, error: unknown): IoError =>
  error instanceof IoError
    ? error
    : new IoError('FAILED', {
        op,
        target: path,
        message: `cannot ${op} ${path}: ${error instanceof Error ? error.message : String(error)}`,
        hint: 'Look at the permissions and the free space of the data directory.',
        cause: error,
      });
