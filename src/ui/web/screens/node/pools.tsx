/** The pools of a node: how full and how well each is, what it is made of, what goes on, and what one can do to it. */
import { IconPlus } from '@tabler/icons-react';
import { useLocation } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { PoolLimits } from '#events/node.ts';
import { formatSize } from '#events/values/size.ts';
import type { PoolFiguresRow } from '#io/contract/live.ts';
import type { NodeRow } from '#projections/views/nodes.ts';
import type { PoolRow } from '#projections/views/pools.ts';
import { ActionButton, ActionItem } from '../../components/action-button.tsx';
import { Meter, usedOf } from '../../components/meter.tsx';
import { Empty, Loading, Section } from '../../components/page.tsx';
import { RowMenu } from '../../components/row-menu.tsx';
import { State } from '../../components/state.tsx';
import { Time } from '../../components/time.tsx';
import { ProblemBox } from '../../components/trouble.tsx';
import { poolStateWords, poolTone } from '../../format/state.ts';
import { count, percent } from '../../format/who.ts';
import { useWho } from '../../live/session.tsx';
import { useCommand } from '../../live/use-command.ts';
import { useUsage } from '../../live/use-usage.ts';
import { useView } from '../../live/use-view.ts';
import { CreatePool } from './create-pool.tsx';
import { AddDevices, AdoptPool, ForgetPool, GrowPool, LimitPool, ReplaceDevice } from './pool-dialogs.tsx';
import { SimulatedDisk } from './simulated-disk.tsx';
import { useNode } from './use-node.ts';
import classes from './pools.module.css';

type Asked =
  | { readonly what: 'create' | 'adopt' }
  | { readonly what: Change; readonly pool: PoolRow; readonly device?: string };
type Change = 'add' | 'forget' | 'grow' | 'limit' | 'replace';

export function NodePools() {
  const node = useNode();
  const { rows, ready } = useView('pools');
  const [asked, setAsked] = useState<Asked>();
  const { hash } = useLocation();
  // A link to one of them leads there once it is on the page.
  useEffect(() => {
    if (ready && hash !== '') document.getElementById(hash)?.scrollIntoView();
  }, [ready, hash]);
  if (!node) return null;
  const pools = rows.filter((row) => row.node.id === node.id);
  const close = (): void => setAsked(undefined);
  return (
    <>
      {!ready ? (
        <Loading />
      ) : pools.length === 0 ? (
        <Empty title="This node has no pool yet" command={`floatlab pool candidates ${node.name}`}>
          A pool is where volumes are kept. A node tells of those that it has within a moment of its start.
        </Empty>
      ) : (
        pools.map((pool) => (
          <div key={pool.id} id={`pool-${pool.name}`}>
            <Section title={pool.name}>
              <Pool
                pool={pool}
                node={node}
                onAsk={(what, device) => setAsked({ what, pool, ...(device === undefined ? {} : { device }) })}
              />
            </Section>
          </div>
        ))
      )}
      <div className={`${classes['actions']} ${classes['all']}`}>
        <ActionButton leftSection={<IconPlus size={14} />} onClick={() => setAsked({ what: 'create' })}>
          Make a pool
        </ActionButton>
        <ActionButton onClick={() => setAsked({ what: 'adopt' })}>Adopt one</ActionButton>
      </div>
      {asked?.what === 'create' && <CreatePool node={node} pools={pools} onClose={close} />}
      {asked?.what === 'adopt' && <AdoptPool node={node.name} onClose={close} />}
      {asked?.what === 'add' && <AddDevices pool={asked.pool} onClose={close} />}
      {asked?.what === 'grow' && <GrowPool pool={asked.pool} onClose={close} />}
      {asked?.what === 'limit' && <LimitPool pool={asked.pool} onClose={close} />}
      {asked?.what === 'forget' && <ForgetPool pool={asked.pool} onClose={close} />}
      {asked?.what === 'replace' && <ReplaceDevice pool={asked.pool} device={asked.device} onClose={close} />}
    </>
  );
}

interface PoolProps {
  readonly pool: PoolRow;
  readonly node: NodeRow;
  readonly onAsk: (what: Change, device?: string) => void;
}

function Pool({ pool, node, onAsk }: PoolProps) {
  const usage = useUsage();
  const { byKey } = useView('pool-figures');
  const figures = byKey.get(pool.id);
  const used = figures ?? usage.pool(node, pool.name);
  const { problem } = pool;
  return (
    <div className={classes['pool']}>
      <div className={classes['about']}>
        <State state={pool.state} tone={poolTone(pool)} words={poolStateWords(pool)} />
        <span>{kindWords(pool)}</span>
        {pool.where !== null && <code>{pool.where}</code>}
        <span className="muted">
          {formatSize(pool.reservedBytes)} of {formatSize(pool.promisableBytes)} promised to{' '}
          {count(pool.volumes, 'volume')}
          {pool.limits && ` (${limitWords(pool.limits)})`}
        </span>
        <ActionButton size="compact-xs" onClick={() => onAsk('limit')}>
          Limit…
        </ActionButton>
      </div>
      {problem && <ProblemBox tone="attention" title={problem.message} hint={problem.hint} />}
      {pool.problems.map(({ code, device, severity, text, repair }) => (
        <ProblemBox
          key={`${code} ${device ?? ''}`}
          tone={severity === 'faulty' ? 'failed' : 'attention'}
          title={text}
          hint={repair}
        />
      ))}
      <Meter label="Used" {...usedOf(used?.usedBytes, used?.sizeBytes ?? pool.sizeBytes)} />
      {figures?.scan && <Scan scan={figures.scan} />}
      {pool.driver !== 'dir' && (
        <>
          <Devices pool={pool} figures={figures} onReplace={(device) => onAsk('replace', device)} />
          <Actions pool={pool} onAsk={onAsk} />
        </>
      )}
    </div>
  );
}

/** `80 % of it`, `80 % of it without 20 GiB` */
const limitWords = ({ fillPercent, reserveBytes }: PoolLimits): string =>
  `${fillPercent} % of it${reserveBytes === 0 ? '' : ` without ${formatSize(reserveBytes)}`}`;

const layouts: Readonly<Record<string, string>> = { single: 'one copy', mirror: 'mirror' };

function kindWords({ driver, layout, origin }: PoolRow): string {
  const kind = driver === 'dir' ? 'plain folder' : driver;
  const made = layout === null ? '' : `, ${layouts[layout] ?? layout}`;
  return `${kind}${made}${origin === 'adopted' ? ', adopted' : ''}`;
}

function Scan({ scan: { kind, state, done, leftMs } }: { readonly scan: NonNullable<PoolFiguresRow['scan']> }) {
  const what = kind === 'resilver' ? 'Filling a new disk' : 'Scrub';
  const left =
    leftMs === undefined || state !== 'running' ? '' : `, about ${Math.max(1, Math.round(leftMs / 60_000))} min left`;
  const words = done === undefined ? state : `${percent(done)}${state === 'running' ? left : `, ${state}`}`;
  return <Meter isProgress label={what} share={done} text={words} />;
}

interface DevicesProps {
  readonly pool: PoolRow;
  readonly figures: PoolFiguresRow | undefined;
  readonly onReplace: (device: string) => void;
}

function Devices({ pool, figures, onReplace }: DevicesProps) {
  const { simulated } = useWho();
  const live = new Map(figures?.devices.map((device) => [device.name, device]));
  return (
    <table className={classes['devices']} aria-label={`Devices of ${pool.name}`}>
      <thead>
        <tr>
          <th>Device</th>
          <th>State</th>
          <th className={classes['numeric']}>Size</th>
          <th className={classes['numeric']}>Errors</th>
          <th aria-label="Actions" />
        </tr>
      </thead>
      <tbody>
        {pool.devices.map(({ name, state, sizeBytes, was, role }) => {
          const now = live.get(name);
          const { reads = 0, writes = 0, checksums = 0 } = now?.errors ?? {};
          const errors = reads + writes + checksums;
          return (
            <tr key={name}>
              <td>
                {was ?? name}
                {role !== 'data' && <span className="muted"> {role}</span>}
                {was !== undefined && <span className="muted"> (gone; number {name})</span>}
              </td>
              <td className={state === 'online' ? undefined : classes['bad']}>
                {state}
                {now?.temperature !== undefined && <span className="muted"> {now.temperature} °C</span>}
              </td>
              <td className={classes['numeric']}>{sizeBytes === undefined ? '–' : formatSize(sizeBytes)}</td>
              <td
                className={`${classes['numeric']} ${errors > 0 ? classes['bad'] : ''}`}
                data-tip={`${reads} of reading, ${writes} of writing, ${checksums} of checksums`}
              >
                {now?.errors === undefined ? '–' : errors}
              </td>
              <td className={classes['numeric']}>
                <RowMenu name={was ?? name}>
                  <ActionItem onClick={() => onReplace(name)}>Replace…</ActionItem>
                  {simulated === true && <SimulatedDisk machine={pool.node.name} path={was ?? name} />}
                </RowMenu>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** What a pool can forget, or what it can be told to go on after. */
const clearable: ReadonlySet<string> = new Set(['device-errors', 'pool-stopped', 'pool-read-only']);

function Actions({ pool, onAsk }: Pick<PoolProps, 'pool' | 'onAsk'>) {
  const { run, isRunning } = useCommand();
  const target = { node: pool.node.name, name: pool.name };
  const isBusy = !['online', 'degraded'].includes(pool.state) ? `The pool is ${pool.state}.` : undefined;
  const { scrub } = pool;
  const scrubs = (action: 'start' | 'pause' | 'cancel') => () => void run('scrub-pool', { ...target, action });
  return (
    <div className={classes['actions']}>
      {scrub?.state === 'running' ? (
        <>
          <ActionButton loading={isRunning} refused={isBusy} onClick={scrubs('pause')}>
            Pause the scrub
          </ActionButton>
          <ActionButton refused={isBusy} onClick={scrubs('cancel')}>
            Cancel it
          </ActionButton>
        </>
      ) : (
        <ActionButton loading={isRunning} refused={isBusy} onClick={scrubs('start')}>
          {scrub?.state === 'paused' ? 'Go on with the scrub' : 'Scrub'}
        </ActionButton>
      )}
      <ActionButton refused={isBusy} onClick={() => onAsk('add')}>
        Add devices
      </ActionButton>
      <ActionButton refused={isBusy} onClick={() => onAsk('grow')}>
        Grow
      </ActionButton>
      {pool.problems.some(({ code }) => clearable.has(code)) && (
        <ActionButton loading={isRunning} onClick={() => void run('clear-pool', target)}>
          Clear its errors
        </ActionButton>
      )}
      {(pool.origin === 'made' || pool.origin === 'adopted') && (
        <ActionButton onClick={() => onAsk('forget')}>Forget</ActionButton>
      )}
      <span className="muted">
        {pool.lastScrubAt === null ? (
          'Never scrubbed'
        ) : (
          <>
            Scrubbed <Time at={pool.lastScrubAt} />
            {(scrub?.errors ?? 0) > 0 && `, ${count(scrub?.errors ?? 0, 'error')} that could not be put right`}
          </>
        )}
      </span>
    </div>
  );
}
