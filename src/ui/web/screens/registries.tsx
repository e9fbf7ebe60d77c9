/** The logins of registries that the lab has: which there are, one more, and away with one. */
import { PasswordInput, TextInput } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { defaultRegistry, registryNamed } from '#events/values/registry-host.ts';
import type { RegistryRow } from '#projections/views/registries.ts';
import { ActionButton, ActionItem } from '../components/action-button.tsx';
import { DataTable, type Column } from '../components/data-table.tsx';
import { Form } from '../components/form.tsx';
import { Section } from '../components/page.tsx';
import { PlanDialog } from '../components/plan-dialog.tsx';
import { RowMenu } from '../components/row-menu.tsx';
import { Time } from '../components/time.tsx';
import { useCommand } from '../live/use-command.ts';
import { useView } from '../live/use-view.ts';
import classes from './settings.module.css';

export function Registries() {
  const { rows } = useView('registries');
  const [isAdding, setAdding] = useState(false);
  const [closing, setClosing] = useState<RegistryRow>();
  const columns: readonly Column<RegistryRow>[] = [
    { id: 'registry', title: 'Registry', width: 'minmax(160px, 2fr)', cell: ({ id }) => <code>{id}</code> },
    { id: 'user', title: 'User', width: 'minmax(90px, 1fr)', cell: ({ username }) => username },
    { id: 'since', title: 'Since', width: 'minmax(90px, 1fr)', cell: ({ since }) => <Time at={since} /> },
    {
      id: 'menu',
      title: '',
      width: '40px',
      cell: (row) => (
        <RowMenu name={row.id}>
          <ActionItem danger icon={<IconTrash size={16} />} onClick={() => setClosing(row)}>
            Forget…
          </ActionItem>
        </RowMenu>
      ),
    },
  ];
  return (
    <Section
      title="Registries"
      bare={rows.length > 0}
      actions={<ActionButton onClick={() => setAdding(true)}>Add a login…</ActionButton>}
    >
      {rows.length > 0 ? (
        <DataTable label="Registries" rows={rows} columns={columns} rowKey={({ id }) => id} />
      ) : (
        <div className={classes['zone']}>
          <span className="muted">
            With the login of a registry every node pulls images from there. The password is kept encrypted, and shown
            nowhere.
          </span>
        </div>
      )}
      {isAdding && <AddLogin onClose={() => setAdding(false)} />}
      {closing && (
        <PlanDialog
          title={`Forget the login of ${closing.id}`}
          command="close-registry"
          input={{ registry: closing.id }}
          confirm="Forget it"
          undo="Add it again, with its password. Images that are here stay."
          onClose={() => setClosing(undefined)}
        />
      )}
    </Section>
  );
}

function AddLogin({ onClose }: { readonly onClose: () => void }) {
  const { run } = useCommand();
  const [host, setHost] = useState<string>(defaultRegistry);
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const registry = registryNamed(host);
  return (
    <Form
      title="Add the login of a registry"
      confirm="Add login"
      isValid={registry !== undefined && username !== '' && password !== ''}
      submit={async () =>
        registry !== undefined && (await run('open-registry', { registry, username, password })) !== undefined
      }
      onClose={onClose}
    >
      <TextInput
        label="Registry"
        description="As images name it: ghcr.io, registry.example.net:5000. docker.io is Docker Hub."
        value={host}
        onChange={(event) => setHost(event.currentTarget.value)}
        error={registry === undefined ? 'That is no host, with or without a port.' : undefined}
        data-autofocus
      />
      <TextInput
        label="User"
        autoComplete="off"
        value={username}
        onChange={(event) => setUsername(event.currentTarget.value)}
      />
      <PasswordInput
        label="Password or token"
        description="A token that may only read is enough."
        autoComplete="off"
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
      />
    </Form>
  );
}
