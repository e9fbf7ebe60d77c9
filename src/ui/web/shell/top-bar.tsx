import { Menu, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconKeyboard, IconLogout, IconMoon, IconPassword, IconSearch, IconSun, IconUser } from '@tabler/icons-react';
import { useState } from 'react';
import { modifierKey } from '../components/keys.ts';
import { PasswordDialog } from '../components/password-dialog.tsx';
import { Logo } from '../components/logo.tsx';
import { useSessionActions, useWho } from '../live/session.tsx';
import { useView } from '../live/use-view.ts';
import { LiveDot } from './live-dot.tsx';
import { QuorumDot } from './quorum-dot.tsx';
import { TimeControl } from './time-control.tsx';
import classes from './top-bar.module.css';

interface TopBarProps {
  readonly onSearch: () => void;
  readonly onKeys: () => void;
}

export function TopBar({ onSearch, onKeys }: TopBarProps) {
  const { rows } = useView('overview', { now: true });
  return (
    <header className={classes['bar']}>
      <span className={classes['mark']}>
        <Logo />
      </span>
      <span className={classes['lab']}>{rows[0]?.name}</span>
      <button type="button" className={classes['search']} onClick={onSearch}>
        <IconSearch size={14} aria-hidden />
        <span className={classes['searchText']}>Go to…</span>
        <kbd aria-hidden>{modifierKey} K</kbd>
      </button>
      <div className={classes['end']}>
        <TimeControl />
        <QuorumDot />
        <LiveDot />
        <ThemeToggle />
        <Person onKeys={onKeys} />
      </div>
    </header>
  );
}

function ThemeToggle() {
  // Switching transitions off for a moment would need a style element, which the policy forbids.
  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <button
      type="button"
      className={classes['icon']}
      aria-label={`Switch to ${other} colours`}
      data-tip={`Switch to ${other} colours`}
      onClick={() => setColorScheme(other)}
    >
      {scheme === 'dark' ? <IconMoon size={17} stroke={1.6} /> : <IconSun size={17} stroke={1.6} />}
    </button>
  );
}

function Person({ onKeys }: Pick<TopBarProps, 'onKeys'>) {
  const { name } = useWho();
  const { signOut } = useSessionActions();
  const [isChanging, setChanging] = useState(false);
  return (
    <>
      <Menu width={220}>
        <Menu.Target>
          <button type="button" className={classes['person']} aria-label={`Signed in as ${name}`}>
            <IconUser size={16} stroke={1.6} aria-hidden />
            <span className={classes['personName']}>{name}</span>
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Signed in as {name}</Menu.Label>
          <Menu.Item leftSection={<IconPassword size={16} />} onClick={() => setChanging(true)}>
            Change password…
          </Menu.Item>
          <Menu.Item leftSection={<IconKeyboard size={16} />} onClick={onKeys}>
            Keys
          </Menu.Item>
          <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isChanging && <PasswordDialog onClose={() => setChanging(false)} />}
    </>
  );
}
