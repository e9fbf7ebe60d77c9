/** A node in a few square centimetres: state, load, memory, and how full its pools are. */
import type { NodeRow } from '#projections/views/nodes.ts';
import { formatSize } from '#events/values/size.ts';
import { count, percent } from '../format/who.ts';
import { nodeStateWords } from '../format/cluster.ts';
import { lastKnown, toneOf } from '../format/state.ts';
import { usePast } from '../live/past.ts';
import { useIsCurrent } from '../live/use-cluster.ts';
import { useUsage } from '../live/use-usage.ts';
import { NodeLink } from './links.tsx';
import { Meter, usedOf } from './meter.tsx';
import { State } from './state.tsx';
import classes from './node-tile.module.css';

export function NodeTile({ row }: { readonly row: NodeRow }) {
  const usage = useUsage();
  // What was measured is not kept: of the past there is nothing to show.
  const { isPast } = usePast();
  const isCurrent = useIsCurrent();
  const tone = toneOf(row.state);
  const node = usage.node(row);
  const memory = usedOf(node?.memoryBytes, node?.memoryTotalBytes ?? row.facts.memoryBytes);
  return (
    <article className={classes['tile']} aria-label={row.name}>
      <div className={classes['head']}>
        <NodeLink name={row.name} className={classes['name']} />
        <State state={row.state} tone={isCurrent ? tone : lastKnown(tone)} words={nodeStateWords(row.state)} />
        {row.cordoned && <span className={classes['tag']}>cordoned</span>}
        {row.departing && <span className={classes['tag']}>leaves</span>}
      </div>
      {!isPast && (
        <div className={classes['meters']}>
          <Meter
            label="CPU"
            share={node?.cpu}
            text={node?.cpu === undefined ? '–' : `${percent(node.cpu)} of ${count(row.facts.cpus, 'core')}`}
          />
          <Meter label="Memory" {...memory} />
          {row.facts.pools.map((pool) => {
            const used = usage.pool(row, pool.name);
            return (
              <Meter
                key={pool.name}
                label={`Pool ${pool.name}`}
                {...usedOf(used?.usedBytes, used?.sizeBytes ?? pool.sizeBytes)}
              />
            );
          })}
        </div>
      )}
      <div className={classes['foot']}>
        {row.instances + row.volumes === 0
          ? 'Holds nothing yet'
          : `${count(row.instances, 'app')} · ${count(row.volumes, 'volume')} · ${formatSize(row.reservedBytes)} reserved`}
      </div>
    </article>
  );
}
