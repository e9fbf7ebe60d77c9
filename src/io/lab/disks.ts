/** The disks of nodes, as they are when somebody asks: of this one from its pools, of another one through its link. */
import { idOf, type StreamId } from '#events/envelope.ts';
import type { LabView } from '#actors/actor.ts';
import { disksAnswer, type DiskCandidate } from '#io/contract/disks.ts';
import type { Call } from '../devices/call.ts';
import { IoError } from '../devices/error.ts';
import type { NodePools } from '../devices/pools/node-pools.ts';
import { asIoError, whoIs } from './elsewhere.ts';
import type { Others } from './others.ts';
import type { NodeDisks } from './port.ts';

export function nodeDisks(poolsOf: (node: StreamId<'node'>) => NodePools | undefined): NodeDisks {
  return {
    candidates: async (node, call) => {
      const pools = poolsOf(node);
      if (!pools) {
        throw new IoError('MISSING', { op: 'list the disks', target: node, message: `${node} is not here` });
      }
      const found = await pools.candidates(call);
      return found.map(({ model = null, serial = null, why, ...disk }): DiskCandidate => ({
        ...disk,
        model,
        serial,
        why: [...why],
      }));
    },
  };
}

export interface RemoteDisksParts {
  readonly local: NodeDisks;
  readonly lab: LabView;
  readonly others: Others;
}

const timeoutMs = 20_000;

export function remoteDisks({ local, lab, others }: RemoteDisksParts): NodeDisks {
  others.answer('disks', async (_, __, signal) => {
    const call: Call = { signal, timeoutMs, progress: () => {} };
    return { items: await local.candidates(`node:${others.self}`, call) };
  });
  return {
    candidates: async (node, call) => {
      const id = idOf(node);
      if (id === others.self) return local.candidates(node, call);
      try {
        return disksAnswer.parse(await others.ask(id, 'disks', {}, call.signal)).items;
      } catch (error) {
        throw asIoError(error, 'list the disks', whoIs(lab, id));
      }
    },
  };
}
