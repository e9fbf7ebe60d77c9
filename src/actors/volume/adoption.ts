/** What is in a pool already becomes a volume where it is, and can be given back as it is. */
import { streamOf } from '#events/envelope.ts';
import type { LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import {
  draft,
  drafts,
  missing,
  nameTaken,
  newMetadata,
  startOperation,
  systemNamespace,
  unchanged,
  withNamed,
  withVisit,
} from '../drafting.ts';
import { namespaceExists, noNamespace } from '../namespace/decide.ts';
import { isAway, isDeparting, runsApps } from '../node/known.ts';
import { promisedTo, refuseNew } from '../placement/capacity.ts';
import { replicasGoneWith } from '../replica/ending.ts';
import { poolStream } from '../pool/stream.ts';
import { reject } from '../rejection.ts';
import { beingCloned } from './clones.ts';
import { goneWith, halfRolledBack, inUse } from './deletion.ts';
import { vacated } from './loss.ts';
import { isLost } from './volume.ts';
import { reported, write } from './scopes.ts';

export const adoptionDecisions: Decisions<'adopt-volume' | 'release-volume' | 'report-volume-released'> = {
  'adopt-volume': {
    scope: write,
    decide: (ask, lab) => {
      const { namespace, name, pool, native, spec, labels } = ask.input;
      if (!namespaceExists(lab, namespace)) return noNamespace(namespace);
      const node = lab.byName('node', systemNamespace, ask.input.node);
      if (!node || !runsApps(node)) return missing('node', systemNamespace, ask.input.node);
      const known = adopter(node.stream, pool, native, lab);
      if (known && known.context.metadata.name === name && known.context.metadata.namespace === namespace)
        return unchanged;
      const other = lab.byName('volume', namespace, name);
      if (other?.state === 'failed' && other.context.failedIn === 'adopting') {
        return reject(
          'NAME_TAKEN',
          `Volume ${name} is there: ${other.context.adopted} could not be adopted as it.`,
          `Let it go first: floatlab volume release ${name}. Nothing of what is there is touched.`,
        );
      }
      const free = vacated(namespace, name, lab);
      if ('rejected' in free) return free;
      if (other && free.drafts.length === 0) return nameTaken('volume', name);
      if (known) {
        return reject(
          'NAME_TAKEN',
          `${native} is volume ${known.context.metadata.name} already.`,
          `floatlab volume show ${known.context.metadata.name} shows it.`,
        );
      }
      if (isAway(node))
        return reject('NOT_NOW', `Node ${ask.input.node} is ${node.state}.`, 'Try again when it is back.');
      if (isDeparting(node))
        return reject('NOT_NOW', `Node ${ask.input.node} leaves the lab.`, 'Adopt it on a node that stays.');
      if (!node.context.facts.pools.some((one) => one.name === pool)) {
        if (lab.get(poolStream(node.stream, pool)))
          return reject(
            'NOT_NOW',
            `Node ${ask.input.node} has not yet said how much pool ${pool} can hold.`,
            `Try again in a moment; floatlab pool show ${ask.input.node}/${pool} shows whether something is wrong with it.`,
          );
        const pools = node.context.facts.pools.map((one) => one.name).join(', ') || 'none';
        return reject('NOT_FOUND', `Node ${ask.input.node} has no pool ${pool}.`, `It has: ${pools}.`);
      }
      const place = { node: node.stream, pool };
      const tooLarge = refuseNew(`volume ${name}`, promisedTo(spec), place, lab);
      if (tooLarge) return tooLarge;
      const stream = streamOf('volume', ask.id(1));
      const metadata = newMetadata(ask.id(1), name, namespace, labels);
      return drafts(
        startOperation(ask, 'adopt-volume', stream, name, namespace),
        free.drafts,
        draft(stream, 'volume.created', { metadata, spec, adopts: native }),
        draft(stream, 'volume.placed', place),
      );
    },
  },

  'release-volume': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'volume', ask.input, (volume) => {
        const { name, namespace } = ask.input;
        if (volume.context.adopted === null) {
          return reject(
            'NOT_NOW',
            `Volume ${name} was made by the lab: there is nobody to give it back to.`,
            `Delete it (floatlab volume rm ${name}).`,
          );
        }
        if (volume.state === 'releasing') return unchanged;
        const refused = inUse(volume, lab) ?? beingCloned(volume, lab) ?? halfRolledBack(volume);
        if (refused) return refused;
        return drafts(
          startOperation(ask, 'release-volume', volume.stream, name, namespace),
          isLost(volume.context)
            ? [...goneWith(volume, lab), draft(volume.stream, 'volume.released', {})]
            : [...replicasGoneWith(volume.stream, lab), draft(volume.stream, 'volume.release-requested', {})],
        );
      }),
  },

  'report-volume-released': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.volume, input.visit, (volume) =>
        drafts(goneWith(volume, lab), draft(input.volume, 'volume.released', {})),
      ),
  },
};

const adopter = (node: `node:${string}`, pool: string, native: string, lab: LabView) =>
  lab.referrers(node, 'volume').find(({ context }) => context.pool === pool && context.adopted === native);
