/** The page of a volume: title line, main action, figures, tabs. */
import { Button, Menu } from '@mantine/core';
import {
  IconArrowBackUp,
  IconArrowsMove,
  IconCamera,
  IconCalendarPlus,
  IconCopy,
  IconCursorText,
  IconDots,
  IconFolderShare,
  IconRefresh,
  IconRuler2,
  IconTags,
  IconTrash,
} from '@tabler/icons-react';
import { Link, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { ActionButton, ActionItem } from '../../components/action-button.tsx';
import { LabelsDialog } from '../../components/labels-dialog.tsx';
import { AppLink, NodeLink, PoolLink } from '../../components/links.tsx';
import { Empty, Loading, Page } from '../../components/page.tsx';
import { State } from '../../components/state.tsx';
import { Tabs } from '../../components/tabs.tsx';
import { Time } from '../../components/time.tsx';
import { ProblemBox } from '../../components/trouble.tsx';
import { WorkLine } from '../../components/work-line.tsx';
import { poolStateWords, poolTone, thingTone, thingWords } from '../../format/state.ts';
import { useCommand } from '../../live/use-command.ts';
import { useView } from '../../live/use-view.ts';
import { ChangeVolume } from './change-volume.tsx';
import { CloneVolume, DeleteVolume, RecoverVolume, RenameVolume } from './go-and-come.tsx';
import { ReleaseVolume } from './life.tsx';
import { MoveVolume } from './move.tsx';
import { NewSchedule } from './new-schedule.tsx';
import { TakeSnapshot } from './take-snapshot.tsx';
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
  const pools = useView('pools').rows;
  const backups = useView('backups').rows.filter((row) => row.volume?.id === volume.id).length;
  const pool = pools.find(({ name, node }) => node.id === volume.node?.id && name === volume.pool);
  const mine = work.rows.filter(({ subject }) => subject === volume.id);
  return (
    <Page
      title={volume.name}
      about={
        <>
          <State state={volume.state} tone={thingTone(volume)} words={thingWords(volume)} />
          {volume.node && (
            <span>
              on <NodeLink name={volume.node.name} />
              {volume.pool !== null && (
                <>
                  , pool <PoolLink node={volume.node.name} name={volume.pool} />{' '}
                  {pool && <State state={pool.state} tone={poolTone(pool)} words={poolStateWords(pool)} />}
                </>
              )}
            </span>
          )}
          {volume.adopted && (
            <span>
              adopted from <code>{volume.adopted}</code>
            </span>
          )}
          {volume.move && (
            <span>
              moving to {volume.move.node && <NodeLink name={volume.move.node.name} />}
              {volume.move.node && ', '}pool {volume.move.pool}
            </span>
          )}
          {volume.origin && <span>a clone of {volume.origin.name}</span>}
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
            { to: `${base}/files`, title: 'Files' },
            { to: `${base}/replicas`, title: 'Replicas', count: volume.replicas.length },
            { to: `${base}/backups`, title: 'Backups', count: backups },
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
      {volume.drift && (
        <div className={classes['box']}>
          <ProblemBox
            tone="attention"
            title={`It is not as it should be: ${volume.drift.message}`}
            hint={volume.drift.hint}
            code={volume.drift.code}
          />
        </div>
      )}
      {pool && pool.problems.length > 0 && (
        <div className={classes['box']}>
          <ProblemBox
            tone={pool.problems[0]?.severity === 'faulty' ? 'failed' : 'attention'}
            title={`Its pool ${pool.name} is not well: ${pool.problems[0]?.text ?? ''}`}
            hint={pool.problems[0]?.repair}
          />
        </div>
      )}
      {volume.discarded && (
        <p className="muted">
          It was called {volume.discarded.name}, and was deleted. It can be recovered; for ever it goes{' '}
          <Time at={volume.discarded.purgeAt} as="until" />, with its snapshots.
        </p>
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

type Dialog =
  | 'snapshot'
  | 'change'
  | 'labels'
  | 'schedule'
  | 'clone'
  | 'rename'
  | 'move'
  | 'recover'
  | 'release'
  | 'delete';

function Actions({ volume }: { readonly volume: VolumeRow }) {
  const { run, isRunning } = useCommand();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<Dialog>();
  const close = (): void => setDialog(undefined);
  const target = { namespace: volume.namespace, name: volume.name };
  const goTo = (name: string): Promise<void> => navigate({ to: base, params: { namespace: volume.namespace, name } });
  const notReady =
    volume.state === 'ready' ? undefined : `${volume.name} is ${volume.state}; this needs a volume that is ready.`;
  return (
    <>
      {(volume.state === 'failed' || volume.state === 'missing' || volume.drift) && (
        <ActionButton
          variant="filled"
          loading={isRunning}
          leftSection={<IconRefresh size={14} />}
          onClick={() => void run('retry-volume', target)}
        >
          {repairWords(volume)}
        </ActionButton>
      )}
      {volume.rollback !== null && (volume.state === 'draining' || volume.state === 'failed') && (
        <ActionButton
          loading={isRunning}
          leftSection={<IconArrowBackUp size={14} />}
          onClick={() => void run('cancel-rollback', target)}
        >
          Cancel the roll-back
        </ActionButton>
      )}
      {volume.discarded && (
        <ActionButton variant="filled" leftSection={<IconArrowBackUp size={14} />} onClick={() => setDialog('recover')}>
          Recover
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
          <ActionItem
            icon={<IconRuler2 size={16} />}
            refused={volume.state === 'unplaced' ? undefined : notReady}
            onClick={() => setDialog('change')}
          >
            Change…
          </ActionItem>
          <ActionItem icon={<IconCopy size={16} />} refused={notReady} onClick={() => setDialog('clone')}>
            Clone…
          </ActionItem>
          <ActionItem icon={<IconCursorText size={16} />} onClick={() => setDialog('rename')}>
            Rename…
          </ActionItem>
          <ActionItem icon={<IconTags size={16} />} onClick={() => setDialog('labels')}>
            Labels…
          </ActionItem>
          <ActionItem icon={<IconCalendarPlus size={16} />} onClick={() => setDialog('schedule')}>
            Add a schedule…
          </ActionItem>
          {volume.move?.node ? (
            <ActionItem icon={<IconArrowsMove size={16} />} onClick={() => void run('cancel-move', target)}>
              Call the move off
            </ActionItem>
          ) : (
            <ActionItem icon={<IconArrowsMove size={16} />} refused={notReady} onClick={() => setDialog('move')}>
              Move…
            </ActionItem>
          )}
          <Menu.Divider />
          {volume.adopted !== null && (
            <ActionItem
              icon={<IconFolderShare size={16} />}
              refused={volume.app ? `App ${volume.app.name} uses it. Remove the app first.` : undefined}
              onClick={() => setDialog('release')}
            >
              Release…
            </ActionItem>
          )}
          <ActionItem
            danger
            icon={<IconTrash size={16} />}
            refused={notDeleted(volume)}
            onClick={() => setDialog('delete')}
          >
            Delete…
          </ActionItem>
        </Menu.Dropdown>
      </Menu>
      {dialog === 'snapshot' && <TakeSnapshot of={volume} onClose={close} />}
      {dialog === 'change' && <ChangeVolume volume={volume} onClose={close} onMove={() => setDialog('move')} />}
      {dialog === 'schedule' && <NewSchedule of={{ kind: 'volume', ...target }} onClose={close} />}
      {dialog === 'clone' && <CloneVolume volume={volume} onClose={close} onDone={(name) => void goTo(name)} />}
      {dialog === 'rename' && <RenameVolume volume={volume} onClose={close} onDone={(name) => void goTo(name)} />}
      {dialog === 'labels' && (
        <LabelsDialog
          command="label-volume"
          of={target}
          labels={volume.labels}
          example={['team', 'home']}
          undo="Change them back at any time. Lists can be filtered by labels."
          onClose={close}
        />
      )}
      {dialog === 'recover' && <RecoverVolume volume={volume} onClose={close} onDone={(name) => void goTo(name)} />}
      {dialog === 'move' && <MoveVolume volume={volume} onClose={close} />}
      {dialog === 'release' && (
        <ReleaseVolume volume={volume} onClose={close} onDone={() => void navigate({ to: '/volumes' })} />
      )}
      {dialog === 'delete' && (
        <DeleteVolume volume={volume} onClose={close} onDone={() => void navigate({ to: '/volumes' })} />
      )}
    </>
  );
}

function repairWords({ state }: VolumeRow): string {
  if (state === 'missing') return 'Look again';
  return state === 'failed' ? 'Try again' : 'Put it right';
}

function notDeleted({ app, adopted }: VolumeRow): string | undefined {
  if (app) return `App ${app.name} uses it. Remove the app first, or both.`;
  return adopted === null ? undefined : 'It was adopted: release it instead.';
}
