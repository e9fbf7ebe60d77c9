/** What everybody must know at once: the lab does not answer, it lags behind, the door still has its first key. */
import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import { PasswordDialog } from '../components/password-dialog.tsx';
import { Glyph } from '../components/state.tsx';
import { clockOf, roughly } from '../format/time.ts';
import { useLive } from '../live/clients.tsx';
import { useZone } from '../live/now.tsx';
import { usePast } from '../live/past.ts';
import { useSessionActions, useWho } from '../live/session.tsx';
import { useCluster, useIsLeaderless } from '../live/use-cluster.ts';
import { useStatus } from '../live/use-status.ts';
import classes from './banners.module.css';

export const Banners = () => (
  <aside aria-label="Notices">
    <ConnectionBanner />
    <InitialPasswordBanner />
  </aside>
);

/** Shorter interruptions are nobody's business. */
const patienceMs = 1500;
/** A server that lets in by one way and not by the other is not asked without a pause. */
const reviveAfterMs = 1000;

function ConnectionBanner() {
  const { client } = useLive();
  const { state, since, problem, failures } = useStatus();
  const { check } = useSessionActions();
  const isLeaderless = useIsLeaderless();
  const outcast = useCluster()?.outcast;
  const zone = useZone();
  const [now, setNow] = useState(() => Date.now());
  const isWell = state === 'open';
  useEffect(() => {
    if (isWell) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [isWell]);
  // The session may have ended elsewhere; a browser does not say why a connection was refused. Then the door is shown.
  // When it has not, as after a change of the password, the connection that was refused is made again.
  const isRefused = state === 'closed' || failures > 0;
  useEffect(() => {
    if (!isRefused) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    void check().then((isSignedIn) => {
      if (isSignedIn && !isOver && state === 'closed') timer = setTimeout(() => client.retryNow(), reviveAfterMs);
    });
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [isRefused, state, failures, check, client]);
  const age = Math.max(0, now - since);
  if (isWell || age < patienceMs) return null;
  if (state === 'stale' && outcast !== undefined) {
    return (
      <div className={classes['banner']} data-tone="failed" role="alert">
        <Glyph tone="failed" />
        <span>
          {outcast.message} You see what was known at {clockOf(since, zone)}. {outcast.hint}
        </span>
      </div>
    );
  }
  if (state === 'stale' && isLeaderless) {
    return (
      <div className={classes['banner']} data-tone="failed" role="alert">
        <Glyph tone="failed" />
        <span>
          No majority of the lab’s voters answers: nothing can be changed until one does. You see what was known at{' '}
          {clockOf(since, zone)}.
        </span>
      </div>
    );
  }
  if (state === 'stale') {
    return (
      <div className={classes['banner']} data-tone="attention" role="alert">
        <Glyph tone="attention" />
        <span>This node lags behind the lab. What you see may be {roughly(age)} old.</span>
      </div>
    );
  }
  return (
    <div className={classes['banner']} data-tone="failed" role="alert">
      <Glyph tone="failed" />
      <span>
        {problem?.detail ?? 'The lab does not answer.'} What you see is {roughly(age)} old; nothing can be changed until
        it is back.
      </span>
      <Button size="compact-xs" variant="default" onClick={() => client.retryNow()}>
        Try now
      </Button>
    </div>
  );
}

function InitialPasswordBanner() {
  const { initialPassword } = useWho();
  const { isPast } = usePast();
  const [isChanging, setChanging] = useState(false);
  if (!initialPassword) return null;
  return (
    <>
      {!isPast && (
        <div className={classes['banner']} data-tone="attention">
          <Glyph tone="attention" />
          <span>Your password is still the one that the first start printed.</span>
          <Button size="compact-xs" variant="default" onClick={() => setChanging(true)}>
            Change it
          </Button>
        </div>
      )}
      {isChanging && <PasswordDialog onClose={() => setChanging(false)} />}
    </>
  );
}
