/** What runs on a node beside the lab, and what would become of it if it were handed over. Nothing here changes anything. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { formatSize } from '#events/values/size.ts';
import type { AdoptableProject, AdoptionPlanAnswer } from '#io/contract/adoption.ts';
import { CodeView } from '../../components/code-view.tsx';
import { cx } from '../../components/cx.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { Marked } from '../../components/marked.tsx';
import { Empty, Loading, Section } from '../../components/page.tsx';
import { State } from '../../components/state.tsx';
import { Findings, ProblemBox, TroubleBox } from '../../components/trouble.tsx';
import type { Tone } from '../../format/state.ts';
import { count } from '../../format/who.ts';
import { rest } from '../../live/clients.tsx';
import { troubleOf } from '../../live/use-command.ts';
import classes from './adopt.module.css';
import { useNode } from './use-node.ts';

type MountRow = AdoptionPlanAnswer['mounts'][number];
type DifferenceRow = AdoptionPlanAnswer['differences'][number];

export function NodeAdopt() {
  const node = useNode();
  const [chosen, setChosen] = useState<string>();
  const found = useQuery({
    queryKey: ['projects', node?.name],
    queryFn: ({ signal }) => rest.projects(node?.name ?? '', { signal }),
    enabled: Boolean(node),
    retry: false,
    gcTime: 0,
  });
  if (!node) return null;
  if (found.error) return <TroubleBox trouble={troubleOf(found.error)} />;
  if (!found.data) return <Loading />;
  const { items } = found.data;
  if (items.length === 0)
    return (
      <Empty title="Nothing runs here beside the lab" command={`floatlab adopt scan --node ${node.name}`}>
        Compose projects and containers that somebody else started on this machine would be shown here, and what handing
        them over to the lab would mean.
      </Empty>
    );
  return (
    <>
      <Section title="Beside the lab" note="as it is now" bare>
        <DataTable
          label="Projects"
          rows={items}
          columns={projectColumns(setChosen)}
          rowKey={({ name, isCompose }) => `${isCompose} ${name}`}
          marked={
            items.map(({ name, isCompose }) => [name, `${isCompose} ${name}`]).find(([name]) => name === chosen)?.[1]
          }
        />
      </Section>
      {chosen !== undefined && <Plan key={chosen} node={node.name} project={chosen} />}
    </>
  );
}

function stateOf({ containers }: AdoptableProject): readonly [words: string, tone: Tone] {
  if (containers.some(({ health }) => health === 'unhealthy')) return ['unhealthy', 'attention'];
  const running = containers.filter(({ state }) => state === 'running').length;
  if (running === containers.length) return ['running', 'running'];
  return running === 0 ? ['stopped', 'off'] : [`${running} of ${containers.length} run`, 'attention'];
}

const projectColumns = (onPlan: (project: string) => void): readonly Column<AdoptableProject>[] => [
  {
    id: 'name',
    title: 'Project',
    width: 'minmax(110px, 1.2fr)',
    cell: ({ name, isCompose }) => (
      <>
        {name}
        <span className="muted"> · {isCompose ? 'compose' : 'container'}</span>
      </>
    ),
  },
  {
    id: 'state',
    title: 'State',
    width: 'minmax(104px, 1fr)',
    cell: (row) => {
      const [words, tone] = stateOf(row);
      return <State state={words} tone={tone} words={words} />;
    },
  },
  {
    id: 'containers',
    title: 'Containers',
    width: 'minmax(88px, 1.5fr)',
    cell: ({ containers }) => containers.map(({ service }) => service).join(', '),
  },
  {
    id: 'plan',
    title: '',
    width: '96px',
    cell: ({ name }) => (
      <Button size="compact-xs" variant="default" aria-label={`Plan for ${name}`} onClick={() => onPlan(name)}>
        Plan
      </Button>
    ),
  },
];

function Plan({ node, project }: { readonly node: string; readonly project: string }) {
  const found = useQuery({
    queryKey: ['adoption-plan', node, project],
    queryFn: ({ signal }) => rest.adoptionPlan(node, project, { signal }),
    retry: false,
    gcTime: 0,
  });
  const [isShown, setShown] = useState(false);
  if (found.error) return <TroubleBox trouble={troubleOf(found.error)} />;
  if (!found.data) return <Loading />;
  const { file, mounts, differences, findings, problems, steps, containers } = found.data;
  return (
    <>
      {problems.map((problem) => (
        <ProblemBox key={problem} tone="attention" title={problem} />
      ))}
      <Section
        title={`Handing over ${project}`}
        note={`${count(containers.length, 'container')}; its file is ${file.origin === 'original' ? `${file.name}, as it lies there` : 'written from the containers'}`}
        actions={
          <Button size="compact-xs" variant="default" onClick={() => setShown(!isShown)}>
            {isShown ? 'Hide the file' : 'Show the file'}
          </Button>
        }
        bare
      >
        {file.why !== null && (
          <p className={cx('muted', classes['why'])}>
            <Marked text={file.why} />
          </p>
        )}
        {isShown && <CodeView text={file.text} label={file.name} />}
        {findings.length > 0 && <Findings findings={findings} />}
      </Section>
      {differences.length > 0 && (
        <Section title="The file, and what runs" bare>
          <DataTable
            label="Differences"
            rows={differences}
            columns={differenceColumns}
            rowKey={({ service, key }) => `${service} ${key}`}
          />
        </Section>
      )}
      {mounts.length > 0 && (
        <Section title="What its data becomes" bare>
          <DataTable
            label="Mounts"
            rows={mounts}
            columns={mountColumns}
            rowKey={({ service, target }) => `${service} ${target}`}
          />
        </Section>
      )}
      {steps.length > 0 && (
        <Section title="Step by step">
          <ol className={classes['steps']}>
            {steps.map(({ words, interrupts, command }) => (
              <li key={words}>
                {words}
                {interrupts && <span className="muted"> · the app does not answer</span>}
                {command !== null && (
                  <div>
                    <code>{command}</code>
                  </div>
                )}
              </li>
            ))}
          </ol>
        </Section>
      )}
    </>
  );
}

const differenceColumns: readonly Column<DifferenceRow>[] = [
  { id: 'service', title: 'Service', width: 'minmax(88px, 1fr)', cell: ({ service }) => service },
  { id: 'key', title: 'Key', width: 'minmax(110px, 1.2fr)', cell: ({ key }) => <code>{key}</code> },
  { id: 'file', title: 'File', width: 'minmax(110px, 1.5fr)', cell: ({ file }) => file || '–' },
  { id: 'runs', title: 'Runs', width: 'minmax(110px, 1.5fr)', cell: ({ runs }) => runs || '–' },
];

const becomes: Readonly<Record<MountRow['becomes'], readonly [words: string, tone: Tone]>> = {
  adopted: ['volume, in place', 'running'],
  copied: ['volume, copied', 'running'],
  external: ['data of the node', 'off'],
  share: ['share', 'off'],
  problem: ['problem', 'attention'],
};

const mountColumns: readonly Column<MountRow>[] = [
  {
    id: 'target',
    title: 'Mount',
    width: 'minmax(110px, 1.2fr)',
    cell: ({ service, target }) => (
      <>
        {target}
        <span className="muted"> · {service}</span>
      </>
    ),
  },
  {
    id: 'becomes',
    title: 'Becomes',
    width: 'minmax(120px, 1fr)',
    cell: (mount) => {
      const [words, tone] = becomes[mount.becomes];
      return <State state={words} tone={tone} words={words} />;
    },
  },
  {
    id: 'size',
    title: 'Size',
    width: '80px',
    numeric: true,
    cell: ({ bytes }) => (bytes === null ? '–' : formatSize(bytes)),
  },
  {
    id: 'how',
    title: 'How',
    width: 'minmax(160px, 3fr)',
    cell: ({ words }) => <span className={classes['how']}>{words}</span>,
  },
];
