/** Another machine for the lab: makes a join token and shows, this once, what to run there. */
import { Button, Modal, NativeSelect, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { labelValue } from '#events/values/name.ts';
import { nodeRole } from '#events/values/peer.ts';
import type { JoinTokenAnswer } from '#io/contract/routes/admission.ts';
import { useNoAction } from '../../components/action-button.tsx';
import { Command } from '../../components/page.tsx';
import { TroubleBox } from '../../components/trouble.tsx';
import { roleChoices } from '../../format/cluster.ts';
import { until } from '../../format/time.ts';
import { rest } from '../../live/clients.tsx';
import { useNow } from '../../live/now.tsx';
import { troubleOf, type Trouble } from '../../live/use-command.ts';
import classes from '../../components/plan-dialog.module.css';

const durations = [
  { value: '30m', label: '30 minutes' },
  { value: '3h', label: '3 hours' },
  { value: '1d', label: 'a day' },
  { value: '7d', label: 'a week' },
];

/** What was just made for three hours expires in 3 h, not in 2. */
const roundingMs = 30_000;

export function AddNode({ onClose }: { readonly onClose: () => void }) {
  const [made, setMade] = useState<JoinTokenAnswer>();
  return (
    <Modal opened onClose={onClose} title="Add a node" size={520}>
      {made ? <Made made={made} onClose={onClose} /> : <Ask onMade={setMade} onClose={onClose} />}
    </Modal>
  );
}

interface AskProps {
  readonly onMade: (made: JoinTokenAnswer) => void;
  readonly onClose: () => void;
}

function Ask({ onMade, onClose }: AskProps) {
  const [role, setRole] = useState('any');
  const [validFor, setValidFor] = useState('3h');
  const [zone, setZone] = useState('');
  const [trouble, setTrouble] = useState<Trouble>();
  const [isAsking, setAsking] = useState(false);
  const reason = useNoAction();
  const isZone = labelValue.safeParse(zone).success;

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (!isZone || reason !== undefined) return;
    setAsking(true);
    try {
      const labels = zone.trim() === '' ? {} : { labels: { zone: zone.trim() } };
      onMade(await rest.makeJoinToken({ role: nodeRole.parse(role), validFor, ...labels }));
    } catch (error) {
      setTrouble(troubleOf(error));
      setAsking(false);
    }
  };

  return (
    <form className={classes['form']} onSubmit={(event) => void submit(event)}>
      <p className="muted">
        A node is a Linux machine. It joins with a token, which admits one machine, once. Install FloatLab there first.
      </p>
      <NativeSelect
        label="What it does"
        data={roleChoices}
        value={role}
        onChange={(event) => setRole(event.currentTarget.value)}
      />
      <TextInput
        label="Zone"
        description="What fails together: a room, a circuit. Voters are spread over zones. May be left empty."
        value={zone}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setZone(event.currentTarget.value)}
        error={isZone ? undefined : 'This is too long.'}
      />
      <NativeSelect
        label="The token is good for"
        data={durations}
        value={validFor}
        onChange={(event) => setValidFor(event.currentTarget.value)}
      />
      {trouble && <TroubleBox trouble={trouble} />}
      <div className={classes['buttons']}>
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" loading={isAsking} disabled={reason !== undefined}>
          Make a token
        </Button>
      </div>
    </form>
  );
}

function Made({ made, onClose }: { readonly made: JoinTokenAnswer; readonly onClose: () => void }) {
  const now = useNow();
  return (
    <div className={classes['form']}>
      <p>Run this on the new machine, as root:</p>
      <Command text={made.command} />
      <p className="muted">
        The token is shown this once and is kept nowhere. It expires {until(made.expiresAt + roundingMs, now)}. The
        machine appears in this list as soon as it has joined; not needed after all, it is revoked with{' '}
        <code>floatlab node token revoke {made.id}</code>.
      </p>
      <div className={classes['buttons']}>
        <Button onClick={onClose}>Done</Button>
      </div>
    </div>
  );
}
