/** Where an app is reached. In a simulated lab nothing listens there, or something of the person's own machine does. */
import { IconExternalLink } from '@tabler/icons-react';
import { hostOf } from '../format/url.ts';
import { useWho } from '../live/session.tsx';
import { cx } from './cx.ts';

/** Whether the addresses of apps lead anywhere. */
export const useHasAddresses = (): boolean => useWho().simulated !== true;

interface Address {
  readonly url: string;
  readonly className?: string | undefined;
  /** Shows that it leads away. */
  readonly withIcon?: boolean;
}

export function AppAddress({ url, className, withIcon = false }: Address) {
  const isReal = useHasAddresses();
  const host = hostOf(url);
  if (!isReal) {
    return (
      <span className={cx('muted', className)} data-tip="The app is simulated: nothing of it listens there.">
        {host}
      </span>
    );
  }
  return (
    <a href={url} target="_blank" rel="noreferrer" className={cx('link', className)}>
      {host} {withIcon && <IconExternalLink size={13} aria-label="opens in a new tab" />}
    </a>
  );
}
