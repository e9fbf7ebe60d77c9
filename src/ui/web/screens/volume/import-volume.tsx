/** Filling a volume from a tar of the person's machine: what goes is shown before, how far it is meanwhile. */
import { Button, Checkbox, Input, Modal } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useBlocker } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { formatSize } from '#events/values/size.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { useNoAction } from '../../components/action-button.tsx';
import { Meter } from '../../components/meter.tsx';
import { Plan } from '../../components/plan-dialog.tsx';
import { TroubleBox } from '../../components/trouble.tsx';
import fileInput from '../../components/file-input.module.css';
import dialog from '../../components/plan-dialog.module.css';
import { archiveTrouble } from '../../format/archive-kind.ts';
import { count } from '../../format/who.ts';
import { rest } from '../../live/clients.tsx';
import { useImport, type ImportState } from '../../live/use-import.ts';
import { useUsage } from '../../live/use-usage.ts';

interface Props {
  readonly volume: VolumeRow;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

const shownEntries = 6;
const againMs = 1500;

export function ImportVolume({ volume, onClose, onDone }: Props) {
  const { namespace, name } = volume;
  const [file, setFile] = useState<File>();
  const [trouble, setTrouble] = useState<string>();
  const [replace, setReplace] = useState(false);
  const { status, start, cancel } = useImport(volume);
  const reason = useNoAction();
  const isSending = status.state === 'sending';
  useBlocker({ shouldBlockFn: () => isSending, enableBeforeUnload: () => isSending });
  const held = useQuery({
    queryKey: ['held', volume.id],
    queryFn: ({ signal }) => rest.files({ namespace, name }, { limit: shownEntries, signal }),
    retry: false,
    gcTime: 0,
  });
  const plan = useQuery({
    queryKey: ['plan-import', volume.id, replace],
    queryFn: ({ signal }) => rest.planImport({ namespace, name }, { replace, signal }),
    enabled: status.state === 'idle' || status.state === 'failed',
    retry: false,
    // The app that uses it may be stopped meanwhile.
    refetchInterval: ({ state }) => (state.status === 'error' ? againMs : false),
    gcTime: 0,
  });
  const holdsSome = (held.data?.items.length ?? 0) > 0;
  const isReady =
    file !== undefined && trouble === undefined && plan.isSuccess && reason === undefined && (replace || !holdsSome);
  const choose = async (chosen: File | undefined): Promise<void> => {
    setFile(chosen);
    setTrouble(chosen && archiveTrouble(new Uint8Array(await chosen.slice(0, 8).arrayBuffer())));
  };
  const send = (event: FormEvent): void => {
    event.preventDefault();
    if (isReady && !isSending) void start(file, replace).then(onDone);
  };
  return (
    <Modal
      opened
      onClose={() => !isSending && onClose()}
      title={`Import into ${name}`}
      size={520}
      withCloseButton={!isSending}
    >
      {status.state === 'done' ? (
        <Done status={status} name={name} onClose={onClose} />
      ) : (
        <form className={dialog['form']} onSubmit={send}>
          <Input.Wrapper
            label="Archive"
            labelElement="label"
            description="A tar of this machine, of any size. It is not compressed."
            error={trouble}
            id="archive"
          >
            <input
              id="archive"
              className={fileInput['file']}
              type="file"
              accept=".tar,application/x-tar"
              disabled={isSending}
              onChange={(event) => void choose(event.currentTarget.files?.[0])}
            />
          </Input.Wrapper>
          {holdsSome && (
            <>
              <Held volume={volume} names={held.data?.items.map((item) => item.name) ?? []} />
              <Checkbox
                label="Replace everything in it"
                description="What it holds now is kept as a snapshot: roll back to that to undo."
                checked={replace}
                disabled={isSending}
                onChange={(event) => setReplace(event.currentTarget.checked)}
              />
            </>
          )}
          {status.state === 'failed' && <TroubleBox trouble={status.trouble} />}
          {isSending ? <Progress status={status} /> : <Plan plan={{ ...plan, isPlaceholderData: false }} />}
          <div className={dialog['buttons']}>
            <Button variant="default" onClick={isSending ? cancel : onClose}>
              {isSending ? 'Cancel the import' : 'Cancel'}
            </Button>
            <Button type="submit" {...(replace ? { color: 'red' } : {})} disabled={!isReady} loading={isSending}>
              {replace ? 'Replace and import' : 'Import'}
            </Button>
          </div>
        </form>
      )}
    </Modal>
  );
}

/** What would go. */
function Held({ volume, names }: { readonly volume: VolumeRow; readonly names: readonly string[] }) {
  const used = useUsage().volume(volume)?.usedBytes;
  const more = names.length >= shownEntries ? ' and more' : '';
  return (
    <p>
      The volume is not empty. It holds{used === undefined ? '' : ` ${formatSize(used)}`}:{' '}
      {names.map((one, n) => (
        <span key={one}>
          {n > 0 && ', '}
          <code>{one}</code>
        </span>
      ))}
      {more}.
    </p>
  );
}

function Progress({ status }: { readonly status: Extract<ImportState, { state: 'sending' }> }) {
  const { sentBytes, totalBytes } = status;
  const isSent = sentBytes >= totalBytes && totalBytes > 0;
  return (
    <div>
      <Meter
        isProgress
        label={isSent ? 'Putting it on the disk' : 'Sending'}
        share={totalBytes === 0 ? undefined : Math.min(1, sentBytes / totalBytes)}
        text={`${formatSize(Math.min(sentBytes, totalBytes))} of ${formatSize(totalBytes)}`}
      />
      <p className="muted">Stay on this page until it is done. When it is canceled, the volume is as it was.</p>
    </div>
  );
}

const Done = ({
  status: { answer },
  name,
  onClose,
}: {
  readonly status: Extract<ImportState, { state: 'done' }>;
  readonly name: string;
  readonly onClose: () => void;
}) => (
  <div className={dialog['form']}>
    <p role="status">
      Volume <code>{name}</code> has what was imported: {count(answer.files, 'file')}, {formatSize(answer.bytes)}.
    </p>
    <div className={dialog['buttons']}>
      <Button data-autofocus onClick={onClose}>
        Close
      </Button>
    </div>
  </div>
);
