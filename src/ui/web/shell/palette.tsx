/** Ctrl K: to any screen, app, volume or node by a few letters of its name. */
import { Modal } from '@mantine/core';
import { IconApps, IconArrowRight, IconDatabase, IconPlus, IconServer2 } from '@tabler/icons-react';
import { useRouter } from '@tanstack/react-router';
import { useId, useMemo, useState, type KeyboardEvent, type ReactNode } from 'react';
import { matches } from '../format/filter.ts';
import { useView } from '../live/use-view.ts';
import classes from './palette.module.css';

interface Target {
  readonly key: string;
  readonly title: string;
  readonly note: string;
  readonly href: string;
  readonly picture: ReactNode;
}

interface PaletteProps {
  readonly onClose: () => void;
  readonly places: readonly { readonly to: string; readonly title: string; readonly icon: ReactNode }[];
}

const icon = { size: 16, stroke: 1.6, 'aria-hidden': true } as const;
const most = 12;

export function Palette({ onClose, places }: PaletteProps) {
  const router = useRouter();
  const apps = useView('apps').rows;
  const volumes = useView('volumes').rows;
  const nodes = useView('nodes').rows;
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const listId = useId();

  const targets = useMemo<readonly Target[]>(
    () => [
      ...apps.map(({ id, namespace, name, title }) => ({
        key: id,
        title: name,
        note: title ?? 'app',
        href: `/apps/${namespace}/${name}`,
        picture: <IconApps {...icon} />,
      })),
      ...volumes.map(({ id, namespace, name }) => ({
        key: id,
        title: name,
        note: 'volume',
        href: `/volumes/${namespace}/${name}`,
        picture: <IconDatabase {...icon} />,
      })),
      ...nodes.map(({ id, name }) => ({
        key: id,
        title: name,
        note: 'node',
        href: `/nodes/${name}`,
        picture: <IconServer2 {...icon} />,
      })),
      ...places.map(({ to, title, icon: picture }) => ({ key: to, title, note: 'screen', href: to, picture })),
      { key: 'new', title: 'New app', note: 'from a compose file', href: '/apps/new', picture: <IconPlus {...icon} /> },
    ],
    [apps, volumes, nodes, places],
  );
  const found = targets.filter(({ title, note }) => matches(text, [title, note])).slice(0, most);
  const at = Math.min(chosen, found.length - 1);

  const go = (target: Target | undefined): void => {
    if (!target) return;
    onClose();
    void router.navigate({ to: target.href } as never);
  };
  const key = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') setChosen(Math.min(found.length - 1, at + 1));
    else if (event.key === 'ArrowUp') setChosen(Math.max(0, at - 1));
    else if (event.key === 'Enter') go(found[at]);
    else return;
    event.preventDefault();
  };

  return (
    <Modal
      opened
      onClose={onClose}
      withCloseButton={false}
      padding={0}
      size={520}
      yOffset="12vh"
      centered={false}
      attributes={{ content: { 'aria-label': 'Go to' } }}
    >
      <input
        className={classes['input']}
        role="combobox"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={found[at] ? `${listId}-${at}` : undefined}
        aria-label="Go to"
        placeholder="Go to an app, a volume, a node, a screen"
        data-autofocus
        value={text}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          setText(event.target.value);
          setChosen(0);
        }}
        onKeyDown={key}
      />
      <ul className={classes['list']} role="listbox" id={listId} aria-label="Places">
        {found.map((target, n) => (
          <li
            key={target.key}
            id={`${listId}-${n}`}
            role="option"
            aria-selected={n === at}
            className={classes['option']}
            onPointerMove={() => setChosen(n)}
            onClick={() => go(target)}
          >
            {target.picture}
            <span>{target.title}</span>
            <span className={classes['note']}>{target.note}</span>
            <IconArrowRight size={14} aria-hidden className={classes['arrow']} />
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className={classes['nothing']}>Nothing is called like that.</p>}
    </Modal>
  );
}
