/** The page of a node: title line, cordon, tabs. */
import { Button, Menu } from '@mantine/core';
import {
  IconBarrierBlock,
  IconDots,
  IconLockOpen,
  IconLogout,
  IconTags,
  IconTrash,
  IconUsersGroup,
} from '@tabler/icons-react';
import { Link, Outlet, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { NodeRow } from '#projections/views/nodes.ts';
import { ActionButton, ActionItem } from '../../components/action-button.tsx';
import { Empty, Loading, Page } from '../../components/page.tsx';
import { State } from '../../components/state.tsx';
import { Tabs } from '../../components/tabs.tsx';
import { Time } from '../../components/time.tsx';
import { nodeStateWords } from '../../format/cluster.ts';
import { useWho } from '../../live/session.tsx';
import { useCommand } from '../../live/use-command.ts';
import { count } from '../../format/who.ts';
import { DoorButtons } from '../nodes/waiting.tsx';
import { LeadItem } from './lead-item.tsx';
import { NodeDialogs, type NodeDialog } from './node-dialogs.tsx';
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
          <State state={node.state} words={nodeStateWords(node.state)} />
          <span>
            for <Time at={node.since} as="since" />
          </span>
          {node.member !== null && <span>{node.member === 'voter' ? 'votes' : 'follows the log'}</span>}
          {node.role !== 'any' && <span>{node.role}</span>}
          {node.cordoned && <span>cordoned: it gets nothing new</span>}
          {node.departing && <span>leaves the lab: it is out once the others decide without it</span>}
        </>
      }
      actions={<Actions node={node} />}
      tabs={
        <Tabs
          label={`Parts of ${node.name}`}
          params={{ name: node.name }}
          tabs={[
            { to: '/nodes/$name', title: 'Overview', exact: true },
            { to: '/nodes/$name/pools', title: 'Pools' },
            { to: '/nodes/$name/adopt', title: 'Adopt' },
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
  const [dialog, setDialog] = useState<NodeDialog>();
  const { name } = node;
  if (node.state === 'waiting') return <DoorButtons node={node} />;
  const isUp = node.state === 'up';
  const held = `${name} still holds ${count(node.volumes, 'volume')} and ${count(node.instances, 'app')}.`;
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
          <LeadItem name={name} />
          <ActionItem icon={<IconTags size={16} />} onClick={() => setDialog('labels')}>
            Change its labels…
          </ActionItem>
          <ActionItem icon={<IconUsersGroup size={16} />} onClick={() => setDialog('role')}>
            Change its role…
          </ActionItem>
          <ActionItem
            icon={<IconLogout size={16} />}
            refused={node.volumes + node.instances > 0 ? held : undefined}
            onClick={() => setDialog('leave')}
          >
            Leave the lab…
          </ActionItem>
          <ActionItem
            danger
            icon={<IconTrash size={16} />}
            refused={isUp ? `${name} is up. Only a node that is down or stopped can be removed.` : undefined}
            onClick={() => setDialog('remove')}
          >
            Remove…
          </ActionItem>
        </Menu.Dropdown>
      </Menu>
      {dialog !== undefined && <NodeDialogs which={dialog} node={node} onClose={() => setDialog(undefined)} />}
    </>
  );
}
