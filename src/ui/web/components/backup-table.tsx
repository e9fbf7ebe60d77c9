/** Backups as a table: all of them, of one target, of a volume or an app; each with how far it is, and what can be done. */
import { IconEyeOff, IconPlayerStop, IconRestore, IconShieldCheck, IconTrash } from '@tabler/icons-react';
import { Menu } from '@mantine/core';
import { useMemo, useState } from 'react';
import { formatSize } from '#events/values/size.ts';
import type { WorkRow } from '#io/contract/live.ts';
import type { BackupRow } from '#projections/views/backups.ts';
import { backupStateWords, backupTone, isRestorable, labName, momentOfBackup } from '../format/backup-words.ts';
import type { Sort } from '../format/filter.ts';
import { tones } from '../format/state.ts';
import { useView } from '../live/use-view.ts';
import { ActionItem } from './action-button.tsx';
import { BackupDialog, type BackupAct } from './backup-dialog.tsx';
import classes from './backup-table.module.css';
import { DataTable, type Column } from './data-table.tsx';
import { AppLink, TargetLink, VolumeLink } from './links.tsx';
import { ProblemLine, RetryLine } from './problem-lines.tsx';
import { RowMenu } from './row-menu.tsx';
import { State } from './state.tsx';
import { Time } from './time.tsx';
import { WorkLine } from './work-line.tsx';

export const backupTexts = (row: BackupRow): readonly (string | null | undefined)[] => [
  row.name,
  row.namespace,
  row.volumeName,
  row.target.name,
  row.app?.name,
  row.lab,
  row.state,
  backupStateWords(row),
  row.problem?.code,
];

export const backupColumns = (
  actions: (row: BackupRow) => React.ReactNode = () => null,
): readonly Column<BackupRow>[] => [
  {
    id: 'volume',
    title: 'Volume',
    width: 'minmax(110px, 1.2fr)',
    sort: ({ volumeName }) => volumeName,
    cell: (row) => (
      <>
        {row.volume ? <VolumeLink namespace={row.namespace} name={row.volume.name} /> : row.volumeName}
        {row.namespace !== 'default' && <span className="faint"> {row.namespace}</span>}
        {row.lab !== null && (
          <div className="faint" data-tip={row.lab}>
            of lab {labName(row.lab)}
          </div>
        )}
      </>
    ),
  },
  {
    id: 'name',
    title: 'Backup',
    width: 'minmax(150px, 1.6fr)',
    sort: ({ name }) => name,
    cell: (row) => (
      <>
        <code className={classes['name']}>{row.name}</code>
        {row.app && row.set && (
          <div className="faint among">
            set of {row.set.size}, of <AppLink namespace={row.namespace} name={row.app.name} />
          </div>
        )}
      </>
    ),
  },
  {
    id: 'state',
    title: 'State',
    width: 'minmax(112px, 1fr)',
    sort: (row) => `${tones.indexOf(backupTone(row))}${row.state}`,
    cell: (row) => <State state={row.state} tone={backupTone(row)} words={backupStateWords(row)} />,
  },
  {
    id: 'target',
    title: 'Target',
    width: 'minmax(72px, 0.8fr)',
    sort: ({ target }) => target.name,
    cell: ({ target }) => <TargetLink name={target.name} />,
  },
  {
    id: 'taken',
    title: 'Taken',
    width: '80px',
    numeric: true,
    sort: (row) => momentOfBackup(row),
    cell: ({ takenAt }) => (takenAt === null ? <span className="faint">–</span> : <Time at={takenAt} />),
  },
  {
    id: 'size',
    title: 'Size',
    width: '96px',
    numeric: true,
    sort: ({ sizeBytes }) => sizeBytes,
    cell: ({ sizeBytes, addedBytes }) =>
      sizeBytes === null ? (
        <span className="faint">–</span>
      ) : (
        <>
          <span className="nowrap">{formatSize(sizeBytes)}</span>
          {addedBytes !== null && (
            <div className="faint nowrap" data-tip="What it took there: the rest was there already">
              {formatSize(addedBytes)} new
            </div>
          )}
        </>
      ),
  },
  {
    id: 'read',
    title: 'Read back',
    width: '108px',
    numeric: true,
    sort: ({ verifiedAt }) => verifiedAt,
    cell: ({ verifiedAt, restoreTest }) => (
      <>
        {verifiedAt === null ? <span className="faint">never</span> : <Time at={verifiedAt} />}
        {restoreTest && (
          <div className="faint nowrap" data-tip="The last restore as a test: it came back as it was backed up">
            tested <Time at={restoreTest.at} />
          </div>
        )}
      </>
    ),
  },
  { id: 'actions', title: '', width: '32px', cell: actions },
];

interface BackupTableProps {
  readonly rows: readonly BackupRow[];
  /** The column that would say the same in every row is left out. */
  readonly of?: 'volume' | 'target';
  readonly sort?: Sort;
  readonly onSort?: (sort: Sort) => void;
}

export function BackupTable({ rows, of, ...sorting }: BackupTableProps) {
  const work = useView('work').rows;
  const [asked, setAsked] = useState<{ readonly act: BackupAct; readonly row: BackupRow }>();
  const columns = useMemo(
    () =>
      backupColumns((row) => <Actions row={row} onAct={(act) => setAsked({ act, row })} />).filter(
        ({ id }) => id !== of,
      ),
    [of],
  );
  return (
    <>
      <DataTable
        label="Backups"
        rows={rows}
        columns={columns}
        rowKey={({ id }) => id}
        below={(row) => <Below row={row} work={work.filter(({ subject }) => subject === row.id)} />}
        {...sorting}
      />
      {asked && <BackupDialog {...asked} onClose={() => setAsked(undefined)} />}
    </>
  );
}

function Below({ row, work }: { readonly row: BackupRow; readonly work: readonly WorkRow[] }) {
  const { failedTest } = row;
  const problem = row.problem ?? failedTest?.problem;
  const { failures, retryAt } = row.retryAt === null && failedTest ? failedTest : row;
  if (work.length === 0 && !problem && retryAt === null) return null;
  return (
    <>
      <WorkLine work={work} />
      {problem && (
        <ProblemLine
          problem={problem}
          tone={row.state === 'damaged' || row.state === 'failed' ? 'failed' : 'attention'}
        >
          {!row.problem && <div className="muted">It was restored as a test, and did not come back as it was.</div>}
        </ProblemLine>
      )}
      {retryAt !== null && <RetryLine at={retryAt} failures={failures} />}
    </>
  );
}

function Actions({ row, onAct }: { readonly row: BackupRow; readonly onAct: (act: BackupAct) => void }) {
  const target = useView('backup-targets').byKey.get(row.target.id);
  const words = backupStateWords(row);
  const isWritten = isRestorable(row);
  const isUnderWay = row.state === 'waiting' || row.state === 'writing' || row.retryAt !== null;
  return (
    <RowMenu name={row.name}>
      <ActionItem
        icon={<IconRestore size={16} />}
        refused={isWritten ? undefined : `It is ${words}: there is nothing to restore.`}
        onClick={() => onAct('restore')}
      >
        Restore…
      </ActionItem>
      <ActionItem
        icon={<IconShieldCheck size={16} />}
        refused={
          row.state === 'verifying' || row.state === 'testing'
            ? 'It is being read back already.'
            : isWritten || row.state === 'damaged'
              ? undefined
              : `It is ${words}: only what was written can be read back.`
        }
        onClick={() => onAct('verify')}
      >
        Read back…
      </ActionItem>
      <ActionItem
        icon={<IconPlayerStop size={16} />}
        refused={isUnderWay && !isWritten ? undefined : `It is ${words}: there is nothing to cancel.`}
        onClick={() => onAct('cancel')}
      >
        Cancel…
      </ActionItem>
      <Menu.Divider />
      <ActionItem icon={<IconEyeOff size={16} />} onClick={() => onAct('forget')}>
        Forget…
      </ActionItem>
      <ActionItem
        danger
        icon={<IconTrash size={16} />}
        refused={
          row.state === 'removing'
            ? 'It is being removed already.'
            : target?.isForeign
              ? 'It lies in the target of another lab, which is only read here. It can be forgotten.'
              : undefined
        }
        onClick={() => onAct('remove')}
      >
        Remove…
      </ActionItem>
    </RowMenu>
  );
}
