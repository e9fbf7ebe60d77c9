/** What could be adopted in the pools of nodes: of this one from its pools, of another one through its link. */
import * as z from 'zod';
import { idOf, type StreamId } from '#events/envelope.ts';
import type { LabView } from '#actors/actor.ts';
import {
  mostVolumeCandidates,
  volumeCandidatesAnswer,
  type VolumeCandidateRow,
  type VolumeCandidatesAnswer,
} from '#io/contract/volume-candidates.ts';
import type { Call } from '../devices/call.ts';
import { IoError } from '../devices/error.ts';
import type { VolumeCandidate, VolumePort } from '../devices/volumes/port.ts';
import { asIoError, whoIs } from './elsewhere.ts';
import type { Others } from './others.ts';
import type { NodeVolumes } from './port.ts';

const op = 'list what could be adopted';

export function nodeVolumes(volumesOf: (node: StreamId<'node'>) => VolumePort | undefined): NodeVolumes {
  return {
    candidates: async (node, pool, call) => {
      const volumes = volumesOf(node);
      if (!volumes) throw new IoError('MISSING', { op, target: node, message: `${node} is not here` });
      const found = await volumes.candidates(pool, call);
      return { items: found.slice(0, mostVolumeCandidates).map(rowOf), truncated: found.length > mostVolumeCandidates };
    },
  };
}

const rowOf = ({ native, path, usedBytes, why }: VolumeCandidate): VolumeCandidateRow => ({
  native,
  path: path ?? null,
  usedBytes: usedBytes ?? null,
  why: why?.slice(0, 2000) ?? null,
});

export interface RemoteVolumesParts {
  readonly local: NodeVolumes;
  readonly lab: LabView;
  readonly others: Others;
}

const timeoutMs = 20_000;
const question = z.object({ pool: z.string().max(63) });

export function remoteVolumes({ local, lab, others }: RemoteVolumesParts): NodeVolumes {
  others.answer('volume-candidates', async (said, _, signal): Promise<VolumeCandidatesAnswer> => {
    const call: Call = { signal, timeoutMs, progress: () => {} };
    return local.candidates(`node:${others.self}`, question.parse(said).pool, call);
  });
  return {
    candidates: async (node, pool, call) => {
      const id = idOf(node);
      if (id === others.self) return local.candidates(node, pool, call);
      try {
        return volumeCandidatesAnswer.parse(await others.ask(id, 'volume-candidates', { pool }, call.signal));
      } catch (error) {
        throw asIoError(error, op, whoIs(lab, id));
      }
    },
  };
}
