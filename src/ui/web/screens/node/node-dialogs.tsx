/** What can be done to a node that deserves a second look: cordon, another role, leaving, removal. */
import { NativeSelect } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { nodeRole } from '#events/values/peer.ts';
import type { NodeRow } from '#projections/views/nodes.ts';
import { LabelsDialog } from '../../components/labels-dialog.tsx';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { roleChoices } from '../../format/cluster.ts';

export type NodeDialog = 'cordon' | 'labels' | 'role' | 'leave' | 'remove';

interface Props {
  readonly node: NodeRow;
  readonly onClose: () => void;
}

export function NodeDialogs({ which, ...props }: Props & { readonly which: NodeDialog }) {
  switch (which) {
    case 'cordon':
      return <Cordon {...props} />;
    case 'labels':
      return <NodeLabels {...props} />;
    case 'role':
      return <Role {...props} />;
    case 'leave':
      return <Leave {...props} />;
    case 'remove':
      return <Remove {...props} />;
  }
}

const Cordon = ({ node: { name }, onClose }: Props) => (
  <PlanDialog
    title={`Cordon ${name}`}
    command="cordon-node"
    input={{ name }}
    confirm="Cordon"
    undo="Uncordon it at any time. What runs there goes on; only nothing new is placed there."
    onClose={onClose}
  />
);

const NodeLabels = ({ node: { name, labels }, onClose }: Props) => (
  <LabelsDialog
    command="label-node"
    of={{ name }}
    labels={labels}
    example={['zone', 'attic']}
    undo="Change them back at any time. The label zone says what fails together: voters are spread over zones."
    onClose={onClose}
  />
);

function Role({ node, onClose }: Props) {
  const [role, setRole] = useState(node.role);
  const { name } = node;
  return (
    <PlanDialog
      title={`Role of ${name}`}
      command="change-node-role"
      input={{ name, role }}
      confirm="Change role"
      undo="Give it its old role back at any time."
      onClose={onClose}
    >
      <NativeSelect
        label="What it does"
        data={roleChoices}
        value={role}
        onChange={(event) => setRole(nodeRole.parse(event.currentTarget.value))}
      />
    </PlanDialog>
  );
}

function Leave({ node: { name }, onClose }: Props) {
  const navigate = useNavigate();
  return (
    <PlanDialog
      title={`Let ${name} leave the lab`}
      command="leave-node"
      input={{ name }}
      confirm="Leave"
      danger
      undo="The machine can join again, with a new token."
      onClose={onClose}
      onDone={() => void navigate({ to: '/nodes' })}
    />
  );
}

/** What it holds is lost with it, and its name is asked for then. */
function Remove({ node, onClose }: Props) {
  const navigate = useNavigate();
  const { name } = node;
  const force = node.volumes + node.instances > 0;
  return (
    <PlanDialog
      title={`Remove ${name}`}
      command="remove-node"
      input={{ name, force }}
      confirm="Remove node"
      danger
      {...(force ? { typeName: name } : {})}
      undo={
        force
          ? 'What it held cannot be brought back. The machine can join again, with a new token.'
          : 'The machine can join again, with a new token.'
      }
      onClose={onClose}
      onDone={() => void navigate({ to: '/nodes' })}
    />
  );
}
