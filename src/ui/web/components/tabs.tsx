/** Tabs are addresses: they can be sent, opened in another window, and gone back from. */
import { Link } from '@tanstack/react-router';
import classes from './tabs.module.css';

export interface Tab {
  readonly to: string;
  readonly title: string;
  readonly count?: number | undefined;
  readonly exact?: boolean;
}

interface TabsProps {
  readonly label: string;
  readonly tabs: readonly Tab[];
  readonly params: Readonly<Record<string, string>>;
}

export const Tabs = ({ label, tabs, params }: TabsProps) => (
  <nav className={classes['tabs']} aria-label={label}>
    {tabs.map(({ to, title, count, exact = false }) => (
      <Link
        key={to}
        to={to as '/'}
        params={params as never}
        className={classes['tab']}
        activeOptions={{ exact, includeSearch: false }}
        activeProps={{ className: classes['active'] }}
      >
        {title}
        {count !== undefined && count > 0 && <span className={classes['count']}>{count}</span>}
      </Link>
    ))}
  </nav>
);
