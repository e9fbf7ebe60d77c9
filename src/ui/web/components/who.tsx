/** Who did it: a person, a node, a policy, the lab itself. */
import { IconRobot, IconServer2, IconSparkles, IconUser } from '@tabler/icons-react';
import { whoOf } from '../format/who.ts';
import { useView } from '../live/use-view.ts';
import classes from './who.module.css';

const icon = { size: 14, stroke: 1.6, 'aria-hidden': true } as const;
const pictures = {
  person: <IconUser {...icon} />,
  node: <IconServer2 {...icon} />,
  policy: <IconRobot {...icon} />,
  system: <IconSparkles {...icon} />,
} as const;

export function WhoDid({ by }: { readonly by: string }) {
  const nodes = useView('nodes');
  const { kind, name } = whoOf(by, (id) => nodes.byKey.get(id)?.name);
  return (
    <span className={classes['who']} data-tip={by}>
      {pictures[kind]}
      {name}
    </span>
  );
}
