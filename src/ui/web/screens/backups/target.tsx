/** The page of a target: how it is, what it keeps, what is in it. */
import { Button } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import { Link, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { formatDuration } from '#events/values/duration.ts';
import { formatSize } from '#events/values/size.ts';
import type { BackupTargetRow } from '#projections/views/backup-targets.ts';
import { ActionButton } from '../../components/action-button.tsx';
import { Empty, Facts, Loading, Page } from '../../components/page.tsx';
import { State } from '../../components/state.tsx';
import { Tabs } from '../../components/tabs.tsx';
import { Time } from '../../components/time.tsx';
import { ProblemBox } from '../../components/trouble.tsx';
import { WorkLine } from '../../components/work-line.tsx';
import { targetStateWords, targetTone } from '../../format/backup-words.ts';
import { useCommand } from '../../live/use-command.ts';
import { useView } from '../../live/use-view.ts';
import { TargetActions } from './target-actions.tsx';
import { Lag, Room, useBackupsByTarget } from './target-table.tsx';
import classes from './targets.module.css';
import { useTarget } from './use-target.ts';

const base = '/backups/targets/$name';

export function TargetPage() {
  const target = useTarget();
  const { name = '' } = useParams({ strict: false });
  if (target === undefined) {
    return (
      <Page title={name}>
        <Loading />
      </Page>
    );
  }
  if (target === null) {
    return (
      <Page title={name}>
        <Empty
          title={`There is no backup target ${name}`}
          action={<Button renderRoot={(props) => <Link to="/backups/targets" {...props} />}>All targets</Button>}
        >
          The lab may have forgotten it; what lies there is still there. Add it again, and its backups are found.
        </Empty>
      </Page>
    );
  }
  return <Loaded target={target} />;
}

function Loaded({ target }: { readonly target: BackupTargetRow }) {
  const { run, isRunning } = useCommand();
  const navigate = useNavigate();
  const work = useView('work').rows.filter(({ subject }) => subject === target.id);
  const { name, isForeign, problem, retryAt } = target;
  const isBusy = target.state === 'checking' || target.state === 'pruning';
  return (
    <Page
      title={name}
      about={
        <>
          <State state={target.state} tone={targetTone(target)} words={targetStateWords(target)} />
          <code>{target.where}</code>
          {isForeign && <span>of another lab: it is only read</span>}
        </>
      }
      actions={
        <>
          <ActionButton
            leftSection={<IconEye size={14} />}
            loading={isRunning}
            refused={isBusy ? `It is ${targetStateWords(target)}.` : undefined}
            onClick={() => void run('test-backup-target', { name })}
          >
            Look at it
          </ActionButton>
          <TargetActions target={target} isOnPage onGone={() => void navigate({ to: '/backups/targets' })} />
        </>
      }
      tabs={
        <Tabs
          label={`Parts of ${name}`}
          params={{ name }}
          tabs={[
            { to: base, title: 'Backups', exact: true, count: target.backups },
            { to: `${base}/history`, title: 'History' },
            { to: `${base}/why`, title: 'Why' },
          ]}
        />
      }
    >
      {problem && (
        <div className={classes['box']}>
          <ProblemBox
            tone={targetTone(target) === 'failed' ? 'failed' : 'attention'}
            title={problem.message}
            hint={problem.hint}
            code={problem.code}
          />
          {retryAt !== null && (
            <p className="muted">
              It is tried again <Time at={retryAt} as="until" />.
            </p>
          )}
        </div>
      )}
      {work.length > 0 && <WorkLine work={work} />}
      <Outlet />
    </Page>
  );
}

export function TargetFigures({ target }: { readonly target: BackupTargetRow }) {
  const backups = useBackupsByTarget().get(target.id) ?? [];
  const { keep, verifyEveryMs, testRestoreEveryMs, limitBytesPerSecond, checkedAt, prunedAt, isForeign } = target;
  return (
    <Facts
      facts={[
        { label: 'Content', value: <Room rows={backups} /> },
        { label: 'Lag', value: <Lag target={target} rows={backups} /> },
        { label: 'Keeps', value: keep === null ? 'all backups' : <code className={classes['small']}>{keep}</code> },
        {
          label: 'Read back',
          value: verifyEveryMs === null ? 'once, when written' : `the newest, every ${formatDuration(verifyEveryMs)}`,
          ...(testRestoreEveryMs === null
            ? {}
            : { note: `restored as a test every ${formatDuration(testRestoreEveryMs)}` }),
        },
        {
          label: 'Limit',
          value: limitBytesPerSecond === null ? 'none' : `${formatSize(limitBytesPerSecond)} a second`,
        },
        { label: 'Seen', value: checkedAt === null ? 'never' : <Time at={checkedAt} /> },
        ...(isForeign ? [] : [{ label: 'Pruned', value: prunedAt === null ? 'not yet' : <Time at={prunedAt} /> }]),
      ]}
    />
  );
}
