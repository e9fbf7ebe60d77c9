/** The picture that the compose file names; a letter while there is none, or when it cannot be had. */
import { useState } from 'react';
import type { AppRow } from '#projections/views/apps.ts';
import classes from './app-icon.module.css';

interface AppIconProps {
  readonly app: Pick<AppRow, 'name' | 'title' | 'icon'>;
  readonly large?: boolean;
}

export function AppIcon({ app: { name, title, icon }, large = false }: AppIconProps) {
  const [failed, setFailed] = useState<string>();
  const size = large ? 28 : 20;
  if (icon !== null && icon !== failed) {
    return (
      <img
        className={classes['picture']}
        src={icon}
        alt=""
        width={size}
        height={size}
        loading="lazy"
        referrerPolicy="no-referrer"
        onError={() => setFailed(icon)}
      />
    );
  }
  return (
    <span className={classes['letter']} data-large={large} aria-hidden>
      {(title ?? name).slice(0, 1).toUpperCase()}
    </span>
  );
}
