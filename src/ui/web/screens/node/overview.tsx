/** What a machine is, how busy it is, and what it holds. */
import { formatSize } from '#events/values/size.ts';
import type { AppRow } from '#projections/views/apps.ts';
import type { NodeRow } from '#projections/views/nodes.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { AppLink } from '../../components/links.tsx';
import { Meter, usedOf } from '../../components/meter.tsx';
import { FactLines, Section } from '../../components/page.tsx';
import { State } from '../../components/state.tsx';
import { Time } from '../../components/time.tsx';
import { ProblemBox } from '../../components/trouble.tsx';
import { VolumeTable } from '../../components/volume-table.tsx';
import { voteWords } from '../../format/cluster.ts';
import { useFollowing } from '../../live/use-following.ts';
import { thingTone, thingWords } from '../../format/state.ts';
import { count, percent } from '../../format/who.ts';
import { useUsage } from '../../live/use-usage.ts';
import { useView } from '../../live/use-view.ts';
import { useNode } from './use-node.ts';
import classes from './overview.module.css';

export function NodeOverview() {
  const node = useNode();
  const apps = useView('apps');
  const volumes = useView('volumes');
  if (!node) return null;
  const itsApps = apps.rows.filter((row) => row.node?.id === node.id);
  const itsVolumes = volumes.rows.filter((row) => row.node?.id === node.id);
  return (
    <>
      {node.state === 'down' && (
        <div className={classes['box']}>
          <ProblemBox
            tone="failed"
            title={`${node.name} does not answer.`}
            hint="Look at the machine: is it on, is its network up, does floatlabd run?"
          />
        </div>
      )}
      {node.state === 'stopped' && (
        <div className={classes['box']}>
          <ProblemBox
            tone="attention"
            title={`${node.name} was stopped on purpose.`}
            hint="What it ran goes on there, and nobody watches it. Start it again with npm start on that machine."
          />
        </div>
      )}
      {node.state === 'waiting' && !node.approved && (
        <div className={classes['box']}>
          <ProblemBox
            tone="attention"
            title={`${node.name} asks to join the lab.`}
            hint="Compare its key with what the machine shows, then approve or refuse it."
          />
        </div>
      )}
      <div className={classes['columns']}>
        <Section title="Now">
          <Figures node={node} />
        </Section>
        <Section title="Machine">
          <Machine node={node} />
        </Section>
      </div>
      <Section title="Apps" note={itsApps.length} bare>
        {itsApps.length === 0 ? (
          <p className="muted">No app runs here.</p>
        ) : (
          <DataTable label="Apps" rows={itsApps} columns={appColumns} rowKey={({ id }) => id} />
        )}
      </Section>
      <Section title="Volumes" note={itsVolumes.length} bare>
        {itsVolumes.length === 0 ? (
          <p className="muted">No volume is kept here.</p>
        ) : (
          <VolumeTable rows={itsVolumes} of="node" />
        )}
      </Section>
    </>
  );
}

function Figures({ node }: { readonly node: NodeRow }) {
  const usage = useUsage();
  const now = usage.node(node);
  return (
    <div className={classes['figures']}>
      <Meter
        label={`CPU, ${count(node.facts.cpus, 'core')}`}
        share={now?.cpu}
        text={now?.cpu === undefined ? '–' : percent(now.cpu)}
      />
      <Meter label="Memory" {...usedOf(now?.memoryBytes, now?.memoryTotalBytes ?? node.facts.memoryBytes)} />
      {node.facts.pools.map((pool) => {
        const used = usage.pool(node, pool.name);
        return (
          <Meter
            key={pool.name}
            label={`Pool ${pool.name}, ${pool.driver}`}
            {...usedOf(used?.usedBytes, used?.sizeBytes ?? pool.sizeBytes)}
          />
        );
      })}
      <p className="muted">
        {now?.load1 !== undefined && <>Load {now.load1.toFixed(2)} · </>}
        {formatSize(node.reservedBytes)} promised to {count(node.volumes, 'volume')}
      </p>
    </div>
  );
}

const Machine = ({ node }: { readonly node: NodeRow }) => {
  const following = useFollowing();
  const { facts, addresses, joinedAt, labels } = node;
  return (
    <FactLines
      facts={[
        { label: 'System', value: `${facts.os}, ${facts.architecture}` },
        { label: 'Kernel', value: facts.kernel },
        {
          label: 'Engine',
          value: facts.engine === null ? 'none found' : `${facts.engine.name} ${facts.engine.version}`,
        },
        { label: 'Memory', value: formatSize(facts.memoryBytes) },
        ...((facts.devices ?? []).length === 0
          ? []
          : [
              {
                label: 'Disks',
                value: (facts.devices ?? []).map((disk) => <div key={disk.name}>{diskWords(disk)}</div>),
              },
            ]),
        { label: 'Addresses', value: addresses.length === 0 ? '–' : addresses.join(', ') },
        { label: 'FloatLab', value: facts.version },
        ...(Object.keys(labels).length === 0
          ? []
          : [
              {
                label: 'Labels',
                value: Object.entries(labels)
                  .map(([key, value]) => `${key}=${value}`)
                  .join(', '),
              },
            ]),
        { label: 'Vote', value: following(node) ?? voteWords(node) },
        ...(node.zone === null ? [] : [{ label: 'Zone', value: node.zone }]),
        ...(node.keySha256 === null ? [] : [{ label: 'Key, SHA-256', value: <code>{node.keySha256}</code> }]),
        { label: node.state === 'waiting' ? 'Asked' : 'Joined', value: <Time at={joinedAt} /> },
      ]}
    />
  );
};

/** `sda, 3.64 TiB, turning, WDC WD40EFRX` */
const diskWords = ({ name, sizeBytes, model, rotational }: NonNullable<NodeRow['facts']['devices']>[number]): string =>
  [name, formatSize(sizeBytes), ...(rotational ? ['turning'] : []), ...(model === null ? [] : [model])].join(', ');

const appColumns: readonly Column<AppRow>[] = [
  {
    id: 'name',
    title: 'App',
    width: 'minmax(120px, 2fr)',
    cell: ({ namespace, name }) => <AppLink namespace={namespace} name={name} />,
  },
  {
    id: 'state',
    title: 'State',
    width: 'minmax(104px, 1fr)',
    cell: (row) => <State state={row.state} tone={thingTone(row)} words={thingWords(row)} />,
  },
  { id: 'since', title: 'Since', width: '72px', numeric: true, cell: ({ since }) => <Time at={since} as="since" /> },
  { id: 'epoch', title: 'Epoch', width: '72px', numeric: true, cell: ({ instance }) => instance?.epoch ?? '–' },
];
