import { useMemo } from 'react';
import { History } from '../../components/history.tsx';
import { useApp } from './use-app.ts';

/** Its own events, and those of the instance that holds it now: together they tell what happened to it. */
export function AppHistory() {
  const app = useApp();
  const [id, instance] = [app?.id, app?.instance?.id];
  const streams = useMemo(() => [id, instance].filter((stream) => stream !== undefined), [id, instance]);
  return streams.length === 0 ? null : <History streams={streams} />;
}
