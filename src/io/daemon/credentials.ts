/** Who this node is and who administers it: made at the first start, kept in `node.ini`, which this service alone writes. */
import { randomBytes } from 'node:crypto';
import { hash } from '@node-rs/argon2';
import type { Random } from '../devices/random/port.ts';
import { readNodeIni, writeNodeIni, type NodeIni } from './node-ini.ts';
import { makePassword } from './password.ts';

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
}): Promise<Identity> {
  const { dataDir, nodeName, random, resetPassword } = options;
  const known = await readNodeIni(dataDir);
  if (known && !resetPassword) return { ini: known, newPassword: undefined };
  const newPassword = makePassword();
  const admin = { name: known?.admin.name ?? 'admin', passwordHash: await hash(newPassword), passwordIsInitial: true };
  const ini: NodeIni = known
    ? { ...known, admin }
    : {
        node: { id: random.id(), name: nodeName },
        lab: { id: random.id(), dataKey: randomBytes(keyBytes), sessionKey: randomBytes(keyBytes) },
        admin,
      };
  await writeNodeIni(dataDir, ini);
  return { ini, newPassword };
}
