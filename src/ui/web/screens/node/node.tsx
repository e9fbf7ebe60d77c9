/** The page of a node: title line, cordon, tabs. */
import { Button, Menu } from '@mantine/core';
import { IconBarrierBlock, IconDots, IconLockOpen, IconTrash } from '@tabler/icons-react';
import { Link, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { NodeRow } from '#projections/views/nodes.ts';
import { ActionButton, ActionItem } from '../../components/action-button.tsx';
import { Empty, Loading, Page } from '../../components/page.tsx';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { State } from '../../components/state.tsx';
import { Tabs } from '../../components/tabs.tsx';
import { Time } from '../../components/time.tsx';
import { useWho } from '../../live/session.tsx';
import { useCommand } from '../../live/use-command.ts';
import { PowerItem } from './power-item.tsx';
import { useNode } from './use-node.ts';

export function NodePage() {
  const node = useNode();
  const { name = '' } = useParams({ strict: false });
  if (node === undefined) {
    return (
      <Page title={name}>
        <Loading />
      </Page>
    );
  }
  if (node === null) {
    return (
      <Page title={name}>
        <Empty
          title={`There is no node ${name}`}
          action={<Button renderRoot={(props) => <Link to="/nodes" {...props} />}>All nodes</Button>}
        >
          It may have been removed from the lab. Activity still knows when.
        </Empty>
      </Page>
    );
  }
  return (
    <Page
      title={node.name}
      about={
        <>
          <State state={node.state} />
          <span>
            for <Time at={node.since} as="since" />
          </span>
          {node.cordoned && <span>cordoned: it gets nothing new</span>}
        </>
      }
      actions={<Actions node={node} />}
      tabs={
        <Tabs
          label={`Parts of ${node.name}`}
          params={{ name: node.name }}
          tabs={[
            { to: '/nodes/$name', title: 'Overview', exact: true },
            { to: '/nodes/$name/history', title: 'History' },
            { to: '/nodes/$name/why', title: 'Why' },
          ]}
        />
      }
    >
      <Outlet />
    </Page>
  );
}

function Actions({ node }: { readonly node: NodeRow }) {
  const { run, isRunning } = useCommand();
  const { simulated } = useWho();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'cordon' | 'remove'>();
  const { name } = node;
  const cannotGo =
    node.state !== 'down'
      ? `${name} is up. Only a node that is down can be removed.`
      : node.volumes + node.instances > 0
        ? `${name} still holds ${node.volumes} volumes and ${node.instances} apps.`
        : undefined;
  return (
    <>
      {node.cordoned ? (
        <ActionButton
          loading={isRunning}
          leftSection={<IconLockOpen size={14} />}
          onClick={() => void run('uncordon-node', { name })}
        >
          Uncordon
        </ActionButton>
      ) : (
        <ActionButton leftSection={<IconBarrierBlock size={14} />} onClick={() => setDialog('cordon')}>
          Cordon
        </ActionButton>
      )}
      <Menu>
        <Menu.Target>
          <Button variant="default" px={8} aria-label="More actions">
            <IconDots size={16} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {simulated === true && <PowerItem name={name} />}
          <ActionItem danger icon={<IconTrash size={16} />} refused={cannotGo} onClick={() => setDialog('remove')}>
            Remove…
          </ActionItem>
        </Menu.Dropdown>
      </Menu>
      {dialog === 'cordon' && (
        <PlanDialog
          title={`Cordon ${name}`}
          command="cordon-node"
          input={{ name }}
          confirm="Cordon"
          undo="Uncordon it at any time. What runs there goes on; only nothing new is placed there."
          onClose={() => setDialog(undefined)}
        />
      )}
      {dialog === 'remove' && (
        <PlanDialog
          title={`Remove ${name}`}
          command="remove-node"
          input={{ name }}
          confirm="Remove node"
          danger
          undo="The machine can join the lab again."
          onClose={() => setDialog(undefined)}
          onDone={() => void navigate({ to: '/nodes' })}
        />
      )}
    </>
  );
}
