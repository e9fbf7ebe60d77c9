/** `?`: which keys there are, and where. */
import { Modal } from '@mantine/core';
import { modifierKey } from '../components/keys.ts';
import classes from './keys-help.module.css';

const groups: readonly { readonly where: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    where: 'Everywhere',
    keys: [
      [`${modifierKey} K`, 'Go to an app, a volume, a node, a screen'],
      ['?', 'Show these keys'],
      ['Esc', 'Close what is open'],
    ],
  },
  {
    where: 'In “Go to…”',
    keys: [
      ['↑ ↓', 'Choose'],
      ['Enter', 'Go there'],
    ],
  },
  {
    where: 'In lists',
    keys: [
      ['/', 'Filter'],
      ['Esc', 'Empty the filter and leave it'],
      ['J', 'To the next row'],
      ['K', 'To the row before'],
      ['Enter', 'Open it'],
    ],
  },
  {
    where: 'On the band of snapshots',
    keys: [
      ['← →', 'To an older one, to a newer one'],
      ['Home', 'To the oldest'],
      ['End', 'To the newest'],
      ['Enter', 'Look at it'],
    ],
  },
  {
    where: 'In the compose editor',
    keys: [
      ['Tab', 'Two spaces'],
      ['Esc Tab', 'Leave it'],
    ],
  },
  { where: 'In the terminal', keys: [['Shift Tab', 'Leave it']] },
];

export const KeysHelp = ({ onClose }: { readonly onClose: () => void }) => (
  <Modal opened onClose={onClose} title="Keys" size={460}>
    <div className={classes['groups']}>
      {groups.map(({ where, keys }) => (
        <section key={where} aria-label={where}>
          <h3>{where}</h3>
          <dl>
            {keys.map(([key, what]) => (
              <div key={key} className={classes['line']}>
                <dt>
                  {key.split(' ').map((one) => (
                    <kbd key={one}>{one}</kbd>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  </Modal>
);
