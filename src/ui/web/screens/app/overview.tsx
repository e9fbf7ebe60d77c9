/** What runs: each service with its image, ports, state and container; what is wrong with it stands above. */
import { unknownState } from '#projections/unheard.ts';
import type { AppRow, ServiceRow } from '#projections/views/apps.ts';
import { formatSize } from '#events/values/size.ts';
import { AppAddress } from '../../components/app-address.tsx';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { NodeLink, VolumeLink } from '../../components/links.tsx';
import { CopyButton, Facts, Section } from '../../components/page.tsx';
import { State } from '../../components/state.tsx';
import { Time } from '../../components/time.tsx';
import { ProblemBox } from '../../components/trouble.tsx';
import { WorkLine } from '../../components/work-line.tsx';
import { useUsage, type Usage } from '../../live/use-usage.ts';
import { useView } from '../../live/use-view.ts';
import { useApp } from './use-app.ts';
import classes from './overview.module.css';

interface Service extends ServiceRow {
  readonly name: string;
  readonly cpu: number | undefined;
  readonly memoryBytes: number | undefined;
}

export function AppOverview() {
  const app = useApp();
  const work = useView('work');
  const usage = useUsage();
  if (!app) return null;
  const mine = work.rows.filter((row) => row.app === app.id || row.subject === app.id);
  const volumeWork = work.rows.filter(({ subject }) => app.volumes.some(({ id }) => id === subject));
  return (
    <>
      <Problems app={app} />
      <WorkBox work={[...mine, ...volumeWork].filter(({ work: name }) => name !== 'watch-instance')} />
      <Section title="Services" note={Object.keys(app.services).length} bare>
        <DataTable label="Services" rows={servicesOf(app, usage)} columns={columns} rowKey={({ name }) => name} />
      </Section>
      <Section title="Facts" bare>
        <Facts
          facts={[
            { label: 'Node', value: app.node ? <NodeLink name={app.node.name} /> : '–' },
            { label: 'Address', value: <AppAddress app={app} /> },
            {
              label: 'Volumes',
              value:
                app.volumes.length === 0
                  ? 'none'
                  : app.volumes.map(({ id, name }) => (
                      <div key={id}>
                        <VolumeLink namespace={app.namespace} name={name} />
                      </div>
                    )),
            },
            ...(app.external
              ? [
                  {
                    label: 'External data',
                    value: (
                      <>
                        {app.external.paths.map((path) => (
                          <div key={path}>{path}</div>
                        ))}
                        {app.external.node ? (
                          <>
                            on <NodeLink name={app.external.node.name} />, and the app runs nowhere else
                          </>
                        ) : (
                          'The app stays on the node on which it first starts.'
                        )}
                      </>
                    ),
                  },
                ]
              : []),
            ...(app.imagesOn.length > 0
              ? [
                  {
                    label: 'Images ready on',
                    value: app.imagesOn.map(({ name }) => <NodeLink key={name} name={name} />),
                  },
                ]
              : []),
            { label: 'Revision', value: app.revision },
            { label: 'Created', value: <Time at={app.createdAt} /> },
          ]}
        />
      </Section>
    </>
  );
}

function Problems({ app }: { readonly app: AppRow }) {
  if (!app.problem && !app.delay) return null;
  const where = app.failedService === null ? '' : `Service ${app.failedService}: `;
  return (
    <div className={classes['problems']}>
      {app.problem && (
        <ProblemBox
          tone={app.state === 'failed' ? 'failed' : 'attention'}
          title={`${where}${app.problem.message}`}
          hint={app.problem.hint}
          code={app.problem.code}
        />
      )}
      {app.delay && (
        <ProblemBox
          tone="attention"
          title={app.state === unknownState ? app.delay.message : `It waits: ${app.delay.message}`}
          hint={app.delay.hint}
          code={app.delay.code}
        />
      )}
    </div>
  );
}

const WorkBox = ({ work }: { readonly work: Parameters<typeof WorkLine>[0]['work'] }) =>
  work.length === 0 ? null : (
    <div className={classes['work']}>
      {work.map((row) => (
        <WorkLine key={`${row.subject}${row.work}`} work={[row]} />
      ))}
    </div>
  );

const servicesOf = (app: AppRow, usage: Usage): readonly Service[] =>
  Object.entries(app.services).map(([name, service]) => {
    const used = usage.service(app, name);
    return { ...service, name, cpu: used?.cpu, memoryBytes: used?.memoryBytes };
  });

const columns: readonly Column<Service>[] = [
  {
    id: 'name',
    title: 'Service',
    width: 'minmax(110px, 1fr)',
    cell: ({ name }) => <strong className={classes['service']}>{name}</strong>,
  },
  {
    id: 'state',
    title: 'State',
    width: 'minmax(104px, 0.8fr)',
    cell: ({ state, exitCode, restarts }) => (
      <>
        <State state={state} />
        {exitCode !== null && <span className="muted"> code {exitCode}</span>}
        {restarts > 0 && <span className="muted"> {restarts}×</span>}
      </>
    ),
  },
  {
    id: 'image',
    title: 'Image',
    width: 'minmax(140px, 1.8fr)',
    cell: ({ image, newer }) => (
      <>
        <code className={classes['image']} data-tip={image}>
          {image}
        </code>
        {newer !== null && <span className="muted"> newer image</span>}
      </>
    ),
  },
  {
    id: 'ports',
    title: 'Ports',
    width: 'minmax(90px, 1fr)',
    cell: ({ ports }) =>
      ports.length === 0 ? (
        <span className="faint">–</span>
      ) : (
        ports.map(({ published, target, protocol, hostIp }) => (
          <div
            key={`${hostIp ?? ''}${published}${protocol}`}
            className="nowrap"
            data-tip={
              hostIp === undefined
                ? `port ${published} of the node leads to ${target} of the container`
                : `only on ${hostIp}`
            }
          >
            {published} → {target}
            {protocol === 'udp' && <span className="muted"> udp</span>}
          </div>
        ))
      ),
  },
  {
    id: 'container',
    title: 'Container',
    width: '128px',
    wideOnly: true,
    cell: ({ container }) =>
      container === null ? (
        <span className="faint">–</span>
      ) : (
        <span className={classes['container']}>
          <code>{container.slice(0, 12)}</code>
          <CopyButton text={container} label="Copy the id" />
        </span>
      ),
  },
  {
    id: 'cpu',
    title: 'Cores',
    width: '56px',
    numeric: true,
    cell: ({ cpu }) => (cpu === undefined ? <span className="faint">–</span> : cpu.toFixed(2)),
  },
  {
    id: 'memory',
    title: 'Memory',
    width: '72px',
    numeric: true,
    cell: ({ memoryBytes }) =>
      memoryBytes === undefined ? (
        <span className="faint">–</span>
      ) : (
        <span className="nowrap">{formatSize(memoryBytes)}</span>
      ),
  },
];
