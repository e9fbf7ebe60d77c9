/** The page of a volume: title line, main action, figures, tabs. */
import { Button, Menu } from '@mantine/core';
import { IconCamera, IconCalendarPlus, IconDots, IconRefresh, IconRuler2, IconTrash } from '@tabler/icons-react';
import { Link, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { ActionButton, ActionItem } from '../../components/action-button.tsx';
import { AppLink, NodeLink } from '../../components/links.tsx';
import { Empty, Loading, Page } from '../../components/page.tsx';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { State } from '../../components/state.tsx';
import { Tabs } from '../../components/tabs.tsx';
import { ProblemBox } from '../../components/trouble.tsx';
import { WorkLine } from '../../components/work-line.tsx';
import { thingTone, thingWords } from '../../format/state.ts';
import { useCommand } from '../../live/use-command.ts';
import { useView } from '../../live/use-view.ts';
import { ChangeVolume, NewSchedule, TakeSnapshot } from './volume-forms.tsx';
import { useVolume } from './use-volume.ts';
import classes from './volume.module.css';

export function VolumePage() {
  const volume = useVolume();
  const { name = '' } = useParams({ strict: false });
  if (volume === undefined) {
    return (
      <Page title={name}>
        <Loading />
      </Page>
    );
  }
  if (volume === null) {
    return (
      <Page title={name}>
        <Empty
          title={`There is no volume ${name}`}
          action={<Button renderRoot={(props) => <Link to="/volumes" {...props} />}>All volumes</Button>}
        >
          It may have been deleted. Activity still knows what happened to it.
        </Empty>
      </Page>
    );
  }
  return <Loaded volume={volume} />;
}

const base = '/volumes/$namespace/$name';

function Loaded({ volume }: { readonly volume: VolumeRow }) {
  const work = useView('work');
  const mine = work.rows.filter(({ subject }) => subject === volume.id);
  return (
    <Page
      title={volume.name}
      about={
        <>
          <State state={volume.state} tone={thingTone(volume)} words={thingWords(volume)} />
          {volume.node && (
            <span>
              on <NodeLink name={volume.node.name} />, pool {volume.pool}
            </span>
          )}
          {volume.app && (
            <span>
              of app <AppLink namespace={volume.namespace} name={volume.app.name} />
            </span>
          )}
        </>
      }
      actions={<Actions volume={volume} />}
      tabs={
        <Tabs
          label={`Parts of ${volume.name}`}
          params={{ namespace: volume.namespace, name: volume.name }}
          tabs={[
            { to: base, title: 'Snapshots', exact: true, count: volume.snapshots },
            { to: `${base}/history`, title: 'History' },
            { to: `${base}/why`, title: 'Why' },
          ]}
        />
      }
    >
      {volume.problem && (
        <div className={classes['box']}>
          <ProblemBox
            tone="failed"
            title={volume.problem.message}
            hint={volume.problem.hint}
            code={volume.problem.code}
          />
        </div>
      )}
      {volume.delay && (
        <div className={classes['box']}>
          <ProblemBox
            tone="attention"
            title={`It waits: ${volume.delay.message}`}
            hint={volume.delay.hint}
            code={volume.delay.code}
          />
        </div>
      )}
      {mine.length > 0 && (
        <div className={classes['work']}>
          <WorkLine work={mine} />
        </div>
      )}
      <Outlet />
    </Page>
  );
}

type Dialog = 'snapshot' | 'change' | 'schedule' | 'delete';

function Actions({ volume }: { readonly volume: VolumeRow }) {
  const { run, isRunning } = useCommand();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<Dialog>();
  const close = (): void => setDialog(undefined);
  const target = { namespace: volume.namespace, name: volume.name };
  const notReady =
    volume.state === 'ready' ? undefined : `${volume.name} is ${volume.state}; this needs a volume that is ready.`;
  return (
    <>
      {volume.state === 'failed' && (
        <ActionButton
          variant="filled"
          loading={isRunning}
          leftSection={<IconRefresh size={14} />}
          onClick={() => void run('retry-volume', target)}
        >
          Try again
        </ActionButton>
      )}
      <ActionButton leftSection={<IconCamera size={14} />} refused={notReady} onClick={() => setDialog('snapshot')}>
        Snapshot now
      </ActionButton>
      <Menu>
        <Menu.Target>
          <Button variant="default" px={8} aria-label="More actions">
            <IconDots size={16} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <ActionItem icon={<IconRuler2 size={16} />} refused={notReady} onClick={() => setDialog('change')}>
            Size and retention…
          </ActionItem>
          <ActionItem icon={<IconCalendarPlus size={16} />} onClick={() => setDialog('schedule')}>
            Add a schedule…
          </ActionItem>
          <Menu.Divider />
          <ActionItem
            danger
            icon={<IconTrash size={16} />}
            refused={volume.app ? `App ${volume.app.name} uses it. Remove the app first, or both.` : undefined}
            onClick={() => setDialog('delete')}
          >
            Delete…
          </ActionItem>
        </Menu.Dropdown>
      </Menu>
      {dialog === 'snapshot' && <TakeSnapshot volume={volume} onClose={close} />}
      {dialog === 'change' && <ChangeVolume volume={volume} onClose={close} />}
      {dialog === 'schedule' && <NewSchedule volume={volume} onClose={close} />}
      {dialog === 'delete' && (
        <PlanDialog
          title={`Delete ${volume.name}`}
          command="delete-volume"
          input={target}
          confirm="Delete volume"
          danger
          typeName={volume.name}
          undo="This cannot be undone: the data and every snapshot of it are gone."
          onClose={close}
          onDone={() => void navigate({ to: '/volumes' })}
        />
      )}
    </>
  );
}
