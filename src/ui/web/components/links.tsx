/** Names of things, always as links to their pages. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Phrase } from '../format/lab-words.ts';
import { cx } from './cx.ts';

interface Named {
  readonly namespace: string;
  readonly name: string;
  readonly className?: string | undefined;
  readonly children?: ReactNode;
}

export const AppLink = ({ namespace, name, className, children = name }: Named) => (
  <Link to="/apps/$namespace/$name" params={{ namespace, name }} className={cx('link', className)}>
    {children}
  </Link>
);

export const VolumeLink = ({ namespace, name, className, children = name }: Named) => (
  <Link to="/volumes/$namespace/$name" params={{ namespace, name }} className={cx('link', className)}>
    {children}
  </Link>
);

export const NodeLink = ({ name, className }: { readonly name: string; readonly className?: string | undefined }) => (
  <Link to="/nodes/$name" params={{ name }} className={cx('link', className)}>
    {name}
  </Link>
);

/** To the pool among those of its node. */
export const PoolLink = ({ node, name }: { readonly node: string; readonly name: string }) => (
  <Link to="/nodes/$name/pools" params={{ name: node }} hash={`pool-${name}`} className="link">
    {name}
  </Link>
);

/** To a place that backups go to. */
export const TargetLink = ({ name }: { readonly name: string }) => (
  <Link to="/backups/targets/$name" params={{ name }} className="link">
    {name}
  </Link>
);

/** A link to any object that has a page; plain text for the others. */
export function ObjectLink({
  kind,
  namespace,
  name,
}: {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}) {
  switch (kind) {
    case 'app':
    case 'instance':
      return <AppLink namespace={namespace} name={name} />;
    case 'volume':
      return <VolumeLink namespace={namespace} name={name} />;
    case 'node':
      return <NodeLink name={name} />;
    case 'schedule':
      return (
        <Link to="/schedules" search={{ q: name }} className="link">
          {name}
        </Link>
      );
    case 'replica':
      return (
        <Link to="/volumes/replicas" search={{ q: name }} className="link">
          {name}
        </Link>
      );
    case 'backup':
      return (
        <Link to="/backups" search={{ q: name }} className="link">
          {name}
        </Link>
      );
    case 'backup-target':
      return <TargetLink name={name} />;
    default:
      return <>{name}</>;
  }
}

export const Words = ({ phrase }: { readonly phrase: Phrase }) => (
  <>
    {phrase.map((piece, n) => {
      if (typeof piece === 'string') return <span key={n}>{piece}</span>;
      return piece.kind === 'app' ? <AppLink key={n} {...piece} /> : <VolumeLink key={n} {...piece} />;
    })}
  </>
);
