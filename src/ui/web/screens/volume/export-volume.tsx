/** A volume leaves the lab as a tar, as of a snapshot; one is taken for it when the present is wanted. */
import { Button, Modal, NativeSelect } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { formatSize } from '#events/values/size.ts';
import type { SnapshotRow } from '#projections/views/snapshots.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { useNoAction } from '../../components/action-button.tsx';
import dialog from '../../components/plan-dialog.module.css';
import { TroubleBox } from '../../components/trouble.tsx';
import { momentOf } from '../../format/snapshot-words.ts';
import { exact } from '../../format/time.ts';
import { useZone } from '../../live/now.tsx';
import { useExport } from '../../live/use-export.ts';
import { useUsage } from '../../live/use-usage.ts';

interface Props {
  readonly volume: VolumeRow;
  /** Available ones, newest first. */
  readonly snapshots: readonly SnapshotRow[];
  /** That is looked at; undefined: now. */
  readonly snapshot: string | undefined;
  readonly onClose: () => void;
}

const now = '';

export function ExportVolume({ volume, snapshots, snapshot, onClose }: Props) {
  const { status, start, cancel } = useExport(volume);
  const [as, setAs] = useState(snapshot ?? now);
  const zone = useZone();
  const reason = useNoAction();
  const used = useUsage().volume(volume)?.usedBytes;
  const isRunning = status.state === 'receiving';
  const send = (event: FormEvent): void => {
    event.preventDefault();
    if (!isRunning && reason === undefined) void start(as === now ? undefined : as);
  };
  return (
    <Modal opened onClose={() => !isRunning && onClose()} title={`Export ${volume.name}`} size={460}>
      <form className={dialog['form']} onSubmit={send}>
        <NativeSelect
          label="As it was"
          description="For now, a snapshot is taken, and goes again when the export is done."
          disabled={isRunning}
          data={[
            { value: now, label: 'Now' },
            ...snapshots.map((row) => ({ value: row.name, label: `${exact(momentOf(row), zone)} · ${row.name}` })),
          ]}
          value={as}
          onChange={(event) => setAs(event.currentTarget.value)}
        />
        {status.state === 'failed' && <TroubleBox trouble={status.trouble} />}
        {status.state === 'receiving' && (
          <p role="status">
            {formatSize(status.receivedBytes)} so far
            {used !== undefined && <span className="muted">, about {formatSize(used)} in all</span>}. Stay on this page
            until it is done.
          </p>
        )}
        {status.state === 'done' && <p role="status">Done: {formatSize(status.receivedBytes)} are in the file.</p>}
        <div className={dialog['buttons']}>
          <Button variant="default" onClick={isRunning ? cancel : onClose}>
            {isRunning ? 'Cancel the export' : status.state === 'done' ? 'Close' : 'Cancel'}
          </Button>
          <Button type="submit" disabled={reason !== undefined} loading={isRunning}>
            Export as a tar
          </Button>
        </div>
      </form>
    </Modal>
  );
}
