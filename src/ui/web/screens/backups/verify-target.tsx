/** Whether a target keeps what was put there: the newest backup of each volume is read back, all of it. */
import { useMemo } from 'react';
import { formatSize } from '#events/values/size.ts';
import type { BackupTargetRow } from '#projections/views/backup-targets.ts';
import { Form } from '../../components/form.tsx';
import { Time } from '../../components/time.tsx';
import { isRestorable, newestOfEach, roomOf } from '../../format/backup-words.ts';
import { count } from '../../format/who.ts';
import { useCommand } from '../../live/use-command.ts';
import { useView } from '../../live/use-view.ts';

interface Props {
  readonly target: BackupTargetRow;
  readonly onClose: () => void;
}

export function VerifyTarget({ target, onClose }: Props) {
  const { rows } = useView('backups');
  const { run } = useCommand();
  const newest = useMemo(
    () => newestOfEach(rows.filter((row) => row.target.id === target.id && isRestorable(row))),
    [rows, target.id],
  );
  const submit = async (): Promise<boolean> => {
    for (const { namespace, name } of newest)
      if ((await run('verify-backup', { namespace, name })) === undefined) return false;
    return true;
  };
  return (
    <Form
      title={`Read the newest of ${target.name} back`}
      confirm="Read back"
      isValid={newest.length > 0}
      onClose={onClose}
      submit={submit}
    >
      {newest.length === 0 ? (
        <p>There is no backup in it that could be read.</p>
      ) : (
        <>
          <p>
            {count(newest.length, 'backup')}, {formatSize(roomOf(newest).contentBytes)} of content. All of it is read
            and compared, which of a bucket is traffic.
          </p>
          <ul>
            {newest.map(({ id, volumeName, takenAt, verifiedAt }) => (
              <li key={id}>
                <code>{volumeName}</code> of <Time at={takenAt} />,{' '}
                {verifiedAt === null ? (
                  'never read back'
                ) : (
                  <>
                    read back <Time at={verifiedAt} />
                  </>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </Form>
  );
}
