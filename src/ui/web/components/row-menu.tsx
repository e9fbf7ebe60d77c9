/** What can be done with one row of a list, or with the thing that a page is about, behind three dots. */
import { Button, Menu } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './row-menu.module.css';

interface RowMenuProps {
  readonly name: string;
  /** Among the buttons beside the title. */
  readonly isOnPage?: boolean;
  readonly children: ReactNode;
}

export const RowMenu = ({ name, isOnPage = false, children }: RowMenuProps) => (
  <Menu>
    <Menu.Target>
      {isOnPage ? (
        <Button variant="default" px={8} aria-label="More actions">
          <IconDots size={16} />
        </Button>
      ) : (
        <button type="button" className={classes['more']} aria-label={`More for ${name}`}>
          <IconDots size={16} />
        </button>
      )}
    </Menu.Target>
    <Menu.Dropdown>{children}</Menu.Dropdown>
  </Menu>
);
