/** Who this node is and who administers it: made at the first start, kept in `node.ini`, which this service alone writes. */
import { randomBytes } from 'node:crypto';
import { hash } from '@node-rs/argon2';
import type { Random } from '../devices/random/port.ts';
import { nodeIniPath, readNodeIni, writeNodeIni, type NodeIni } from './node-ini.ts';
import { makePassword } from './password.ts';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { asIoError, IoError } from '../devices/error.ts';

export interface Identity {
  readonly ini: NodeIni;
  /** To be shown once: it is kept nowhere. */
  readonly newPassword: string | undefined;
}

const keyBytes = 32;

/** @param options.nodeName for the first start @throws IoError */
export async function ensureIdentity(options: {
  dataDir: string;
  nodeName: string;
  random: Random;
  resetPassword: boolean;
  isWitness: boolean;
  nowMs: number;
}): Promise<Identity> {
  const { dataDir, nodeName, random, resetPassword, isWitness, nowMs } = options;
  const known = await readNodeIni(dataDir);
  if (known && !resetPassword && known.admin.passwordWasShown) {
    return { ini: await withIncarnation(dataDir, known, random), newPassword: undefined };
  }
  if (!known && (await hasHistory(dataDir))) {
    throw new IoError('MISSING', {
      op: 'read',
      target: nodeIniPath(dataDir),
      message: `${dataDir} holds the history of a lab, and its node.ini with the keys is gone`,
      hint: 'Restore node.ini from your backup, or choose an empty data directory.',
    });
  }
  const newPassword = makePassword();
  const admin = {
    name: known?.admin.name ?? 'admin',
    passwordHash: await hash(newPassword),
    passwordIsInitial: true,
    passwordWasShown: false,
    // One that somebody asked for goes to all nodes.
    passwordChangedAt: known ? Math.max(nowMs, known.admin.passwordChangedAt + 1) : 0,
  };
  const ini: NodeIni = known
    ? { ...known, node: { ...known.node, incarnation: known.node.incarnation ?? random.id() }, admin }
    : {
        node: { id: random.id(), name: nodeName, incarnation: random.id(), isWitness },
        lab: {
          id: random.id(),
          generation: 1,
          wasJoined: false,
          dataKey: randomBytes(keyBytes),
        },
        admin,
      };
  await writeNodeIni(dataDir, ini);
  return { ini, newPassword };
}

/** Nodes of before there were several had none. */
async function withIncarnation(dataDir: string, known: NodeIni, random: Random): Promise<NodeIni> {
  if (known.node.incarnation !== undefined) return known;
  const ini = { ...known, node: { ...known.node, incarnation: random.id() } };
  await writeNodeIni(dataDir, ini);
  return ini;
}

/**
 * New keys beside an old log would make every blob of it unreadable: only where there surely is none are they made.
 * A link counts as well: the disk that it leads to may not be mounted.
 */
export async function hasHistory(dataDir: string): Promise<boolean> {
  for (const path of [join(dataDir, 'log', 'raft'), join(dataDir, 'db', 'log')]) {
    try {
      await lstat(path);
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOENT') throw asIoError(error, 'read', path);
    }
  }
  return false;
}

/** The person has seen the password: the next start keeps it. */
export async function passwordWasShown(dataDir: string): Promise<void> {
  const ini = await readNodeIni(dataDir);
  if (ini && !ini.admin.passwordWasShown)
    await writeNodeIni(dataDir, { ...ini, admin: { ...ini.admin, passwordWasShown: true } });
}
