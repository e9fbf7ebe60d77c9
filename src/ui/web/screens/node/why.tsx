import { nodeMachine } from '#actors/node/machine.ts';
import { Why } from '../../components/why.tsx';
import { useNode } from './use-node.ts';

export function NodeWhy() {
  const node = useNode();
  if (!node) return null;
  const waits =
    node.state === 'down'
      ? 'The machine to answer again.'
      : node.state === 'stopped'
        ? 'Somebody to start its daemon again.'
        : node.state === 'waiting'
          ? node.approved
            ? 'The machine to ask again: it is let in then.'
            : 'Somebody to let it in, or to send it away.'
          : undefined;
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
