/** Where an app is reached. In a simulated lab nothing listens there, or something of the person's own machine does. */
import { IconExternalLink } from '@tabler/icons-react';
import type { AppRow } from '#projections/views/apps.ts';
import { addressOf, isLink, type Reach } from '#ui/client/address.ts';
import { useWho } from '../live/session.tsx';
import { cx } from './cx.ts';

/** @returns where a browser reaches the app; null when it cannot, or the lab is simulated */
export function useLinkTo(app: AppRow): string | null {
  const reach = useReach();
  const address = addressOf(app, reach);
  return !reach.simulated && address !== null && isLink(address) ? address : null;
}

const useReach = (): Reach => ({ host: location.hostname, simulated: useWho().simulated === true });

interface Address {
  readonly app: AppRow;
  readonly className?: string | undefined;
  /** Shows that it leads away. */
  readonly withIcon?: boolean;
}

export function AppAddress({ app, className, withIcon = false }: Address) {
  const reach = useReach();
  const address = addressOf(app, reach);
  if (address === null) return <span className="faint">–</span>;
  if (reach.simulated) {
    return (
      <span className={cx('muted', className)} data-tip="The app is simulated: nothing of it listens there.">
        {address}
      </span>
    );
  }
  if (!isLink(address)) return <span className={className}>{address}</span>;
  return (
    <a href={address} target="_blank" rel="noreferrer" className={cx('link', className)}>
      {address.replace(/\/$/, '')} {withIcon && <IconExternalLink size={13} aria-label="opens in a new tab" />}
    </a>
  );
}
