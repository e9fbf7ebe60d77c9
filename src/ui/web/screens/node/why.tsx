import { nodeMachine } from '#actors/node/machine.ts';
import { Why } from '../../components/why.tsx';
import { useNode } from './use-node.ts';

export function NodeWhy() {
  const node = useNode();
  if (!node) return null;
  const waits = node.state === 'down' ? 'The machine to answer again.' : undefined;
  return (
    <Why
      id={node.id}
      name={node.name}
      state={node.state}
      since={node.since}
      machine={nodeMachine.config}
      waits={waits}
      work={[]}
    />
  );
}
