/** The recovery kit: what it is, where it is got from, and that it has to be kept outside of the lab. */
import { IconFileDownload, IconPackageImport } from '@tabler/icons-react';
import { useState } from 'react';
import { ActionButton } from '../../components/action-button.tsx';
import { Section } from '../../components/page.tsx';
import { notify } from '../../components/toasts.tsx';
import { rest } from '../../live/clients.tsx';
import { heldFileSink } from '../../live/save-file.ts';
import { useWho } from '../../live/session.tsx';
import { troubleOf } from '../../live/use-command.ts';
import { AttachTarget } from './attach-target.tsx';
import classes from './targets.module.css';

const fileName = 'floatlab-backup-kit.json';

export function RecoveryKit() {
  const { simulated } = useWho();
  const [isFetching, setFetching] = useState(false);
  const [isAttaching, setAttaching] = useState(false);
  const fetchKit = async (): Promise<void> => {
    setFetching(true);
    try {
      const content = await rest.backupKit();
      const sink = heldFileSink(fileName);
      await sink.write(new TextEncoder().encode(content));
      await sink.close();
      notify({
        tone: 'running',
        title: 'The kit is among your downloads.',
        hint: 'Put it outside of the lab, and apart from the recovery key.',
      });
    } catch (error) {
      notify({ tone: 'failed', ...troubleOf(error) });
    } finally {
      setFetching(false);
    }
  };
  return (
    <Section title="Recovery kit">
      <div className={classes['kit']}>
        <p>
          When the whole lab is lost, this small file and the recovery key bring its backups back on bare machines. Keep
          it outside of the lab and apart from that key, and fetch it anew whenever targets change. The recovery key was
          shown once, when the lab was made.
        </p>
        <div className={classes['buttons']}>
          <ActionButton
            leftSection={<IconFileDownload size={14} />}
            loading={isFetching}
            refused={simulated === true ? 'A simulated lab has no recovery key, and so no kit.' : undefined}
            onClick={() => void fetchKit()}
          >
            Download the kit
          </ActionButton>
          <ActionButton leftSection={<IconPackageImport size={14} />} onClick={() => setAttaching(true)}>
            Open another lab’s backups…
          </ActionButton>
        </div>
      </div>
      {isAttaching && <AttachTarget onClose={() => setAttaching(false)} />}
    </Section>
  );
}
