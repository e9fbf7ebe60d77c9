/**
 * The law of replication, once for all file systems: when a step may be taken. Backends only take it.
 *
 *     turns.ts       one call on a dataset at a time, whoever is behind is refused
 *     streaming.ts   send and receive
 *     deciding.ts    seal, promote, demote, set aside, remove
 */
import { asIoError } from '../error.ts';
import { describe } from '../volumes/names.ts';
import type { Backend } from './backend.ts';
import { deciding } from './deciding.ts';
import { guarded } from './guard.ts';
import { checkForm } from './names.ts';
import type { ReplicationPort } from './port.ts';
import { basesOf, refusal } from './refusals.ts';
import { streaming } from './streaming.ts';
import { turnsOn, type OverOptions } from './turns.ts';

export function replicationOver(backend: Backend, options: OverOptions = {}): ReplicationPort {
  const turns = turnsOn(backend, options);
  const { handsOf, on, alone, running } = turns;

  return {
    ...streaming(backend, turns),
    ...deciding(backend, turns),

    async abilities(pool, call, format) {
      const hands = handsOf('abilities', pool, call);
      try {
        hands.within.check();
        return await backend.abilities(pool, hands, format);
      } catch (error) {
        throw asIoError(error, 'abilities', pool);
      }
    },

    async replicas(pool, call) {
      const hands = handsOf('replicas', pool, call);
      try {
        hands.within.check();
        return await backend.replicas(pool, hands);
      } catch (error) {
        throw asIoError(error, 'replicas', pool);
      }
    },

    bases: (of, call) => on('bases', of, call, async (found) => basesOf(found)),

    async protect(of, guid, peer, call) {
      checkForm('protect', 'guid of a snapshot', guid);
      checkForm('protect', 'name of a peer', peer);
      return on('protect', of, call, async (found, hands) => {
        const base = found.bases.find((one) => one.guid === guid);
        if (base?.kind !== 'snapshot') throw refusal(hands, 'MISSING', `there is no snapshot ${guid}`);
        await backend.hold(of, [base], peer, hands);
      });
    },

    async unprotect(of, peer, except, call) {
      checkForm('unprotect', 'name of a peer', peer);
      return alone('unprotect', of, call, (hands) => backend.release(of, peer, new Set(except), hands));
    },

    guard: (volumes) =>
      guarded(volumes, {
        turn: (op, of, call, body) => on(op, of, call, body),
        alone,
        isSent: (of, guid) => running.isSent(describe(of), guid),
      }),
  };
}
