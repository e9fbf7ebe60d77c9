/**
 * The administrator of the lab at this node: in `node.ini`, at the door of the API, and the same on all nodes.
 *
 *   changed here       ─▶ node.ini ─▶ the other nodes are told
 *   changed elsewhere  ─▶ node.ini ─▶ the door
 */
import type { Logger } from 'pino';
import type { Clock } from '../devices/clock/port.ts';
import type { Credentials } from '../http/auth/account.ts';
import type { Others } from '../lab/others.ts';
import { SharedAdmin } from './cluster/shared-admin.ts';
import type { KeptIni } from './kept-ini.ts';

export interface Administrator {
  readonly credentials: Credentials;
  stop(): void;
}

export function administratorOf({
  kept,
  others,
  clock,
  log,
}: {
  readonly kept: KeptIni;
  readonly others: Others;
  readonly clock: Clock;
  readonly log: Logger;
}): Administrator {
  let changedElsewhere: (passwordHash: string, isInitial: boolean) => void = () => {};
  const shared = new SharedAdmin({
    others,
    log,
    clock,
    admin: () => kept.now.admin,
    adopt: async (admin) => {
      await kept.changeAdmin(() => admin);
      changedElsewhere(admin.passwordHash, admin.passwordIsInitial);
    },
  });
  const { admin } = kept.now;
  const credentials: Credentials = {
    adminName: admin.name,
    passwordHash: admin.passwordHash,
    initialPassword: admin.passwordIsInitial,
    save: async (passwordHash) => {
      await kept.changeAdmin((present) => ({
        ...present,
        passwordHash,
        passwordIsInitial: false,
        passwordWasShown: true,
        // Later than any before, whatever the clocks of those nodes say.
        passwordChangedAt: Math.max(clock.now(), present.passwordChangedAt + 1),
      }));
      shared.tell();
    },
    watch: (changed) => void (changedElsewhere = changed),
  };
  return { credentials, stop: () => shared.stop() };
}
