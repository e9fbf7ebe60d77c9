/**
 * Goes on to newer machines as soon as every node can fold by them: also nodes that are down, which would come back and
 * understand nothing. Nodes that only wait at the door have no say. There is no way back.
 */
import type { LabView } from '../actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import { foldVersionIn, libraries } from '../libraries.ts';
import type { Policy } from './policy.ts';

export const upgradePolicy: Policy = {
  name: 'upgrade',
  subjects: ['cluster'],

  wakes: ({ after }) => (after?.kind === 'node' || after?.kind === 'cluster' ? [clusterStream] : []),

  propose: (_, lab) => {
    const version = newestOfAll(lab);
    if (version === undefined || version <= foldVersionIn(lab)) return [];
    return [
      {
        name: 'switch-fold-version',
        input: { version },
        because: { everyNodeFoldsBy: version, nodes: lab.list('node').length },
      },
    ];
  },
};

/** The newest version by which every node folds, this program included; undefined where one does not say. */
function newestOfAll(lab: LabView): number | undefined {
  const ranges = lab
    .list('node')
    .filter(({ state }) => state !== 'waiting')
    .map(({ context }) => context.facts.supports?.fold);
  const common = [...libraries.keys()].filter((version) =>
    ranges.every((range) => range !== undefined && range.min <= version && version <= range.max),
  );
  return ranges.length === 0 || common.length === 0 ? undefined : Math.max(...common);
}
