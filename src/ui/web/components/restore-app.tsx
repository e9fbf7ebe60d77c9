/** An app comes back as a whole: step after step, each said before, and seen while it is taken. */
import { Button, Modal } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useBlocker } from '@tanstack/react-router';
import { stepsToRestore } from '../format/restore-app.ts';
import type { BackedUpSet } from '../format/backup-words.ts';
import { rest } from '../live/clients.tsx';
import { troubleOf } from '../live/use-command.ts';
import { useSteps } from '../live/use-steps.ts';
import { useView } from '../live/use-view.ts';
import { useNoAction } from './action-button.tsx';
import { AppLink } from './links.tsx';
import { Loading } from './page.tsx';
import dialog from './plan-dialog.module.css';
import classes from './restore-app.module.css';
import { Glyph } from './state.tsx';
import { Time } from './time.tsx';
import { TroubleBox } from './trouble.tsx';

interface Props {
  readonly set: BackedUpSet;
  readonly onClose: () => void;
}

export function RestoreApp({ set, onClose }: Props) {
  const apps = useView('apps');
  const volumes = useView('volumes');
  const isThere = apps.rows.some(({ namespace, name }) => namespace === set.namespace && name === set.app);
  const [first] = set.backups;
  const files = useQuery({
    queryKey: ['backup-files', first?.id],
    queryFn: ({ signal }) => rest.backupFiles({ namespace: set.namespace, name: first?.name ?? '' }, { signal }),
    // An app that is there keeps its own.
    enabled: apps.ready && !isThere && first !== undefined,
    retry: false,
    gcTime: 0,
  });
  const { steps: taken, at, trouble, isRunning, start } = useSteps();
  const reason = useNoAction();
  useBlocker({ shouldBlockFn: () => isRunning, enableBeforeUnload: () => isRunning });
  const isRead = isThere || files.isSuccess;
  const hasNoFile = files.data?.compose === null;
  const planned = stepsToRestore(set, { apps: apps.rows, volumes: volumes.rows }, files.data);
  const steps = taken ?? planned;
  const isDone = taken !== undefined && at === taken.length;
  const isReady = apps.ready && volumes.ready && isRead && !hasNoFile && reason === undefined;
  return (
    <Modal
      opened
      onClose={() => !isRunning && onClose()}
      title={`Restore app ${set.app}`}
      size={520}
      withCloseButton={!isRunning}
    >
      <div className={dialog['form']}>
        <p>
          As it was <Time at={set.takenAt} />, out of {set.target.name}
          {isThere ? '. What its volumes hold now is kept as snapshots.' : ', under the names that everything had.'}
        </p>
        {files.error && <TroubleBox trouble={troubleOf(files.error)} />}
        {hasNoFile && (
          <p role="alert">There is no compose file in this backup: restore its volumes one by one instead.</p>
        )}
        {!isRead && !files.error ? (
          <Loading lines={2} />
        ) : (
          <div className={dialog['plan']}>
            <h3>{taken ? 'What happens' : 'What would happen, one after the other'}</h3>
            <ol className={classes['steps']}>
              {steps.map(({ words }, n) => (
                <li key={words} aria-current={isRunning && n === at ? 'step' : undefined}>
                  <Glyph {...glyphOf(n, at, taken !== undefined, trouble !== undefined)} />
                  {words}
                </li>
              ))}
            </ol>
          </div>
        )}
        {trouble && <TroubleBox trouble={trouble} />}
        <p className="muted" role="status">
          {isDone ? (
            <>
              App <AppLink namespace={set.namespace} name={set.app} /> is as it was.
            </>
          ) : isRunning ? (
            'Stay on this page until the last step is taken.'
          ) : trouble ? (
            'The steps before that are done. Mend the cause, then go on from there.'
          ) : (
            'Each step can be undone: roll a volume back to the snapshot that is kept, or delete what is made anew.'
          )}
        </p>
        <div className={dialog['buttons']}>
          <Button variant="default" disabled={isRunning} onClick={onClose}>
            {isDone ? 'Close' : 'Cancel'}
          </Button>
          {!isDone && (
            <Button
              disabled={!isReady}
              loading={isRunning}
              {...(isThere ? { color: 'red' } : {})}
              onClick={() => void start(taken ?? planned)}
            >
              {trouble ? 'Go on' : `Restore ${set.app}`}
            </Button>
          )}
        </div>
      </div>
    </Modal>
  );
}

function glyphOf(n: number, at: number, hasBegun: boolean, hasFailed: boolean) {
  if (!hasBegun || n > at) return { tone: 'off', label: 'to do' } as const;
  if (n < at) return { tone: 'running', label: 'done' } as const;
  return hasFailed
    ? ({ tone: 'failed', label: 'failed' } as const)
    : ({ tone: 'changing', label: 'under way' } as const);
}
