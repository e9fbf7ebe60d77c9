/** A backup by hand: of a volume, or of all volumes of an app as a set; to which target, and what would happen. */
import { NativeSelect } from '@mantine/core';
import { IconArchive } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { useView } from '../live/use-view.ts';
import { ActionButton } from './action-button.tsx';
import { PlanDialog } from './plan-dialog.tsx';

export interface BackedUp {
  readonly kind: 'volume' | 'app';
  readonly namespace: string;
  readonly name: string;
}

interface BackUpButtonProps {
  /** Without one a person chooses among all. */
  readonly of?: BackedUp;
  /** Why it cannot be done now. */
  readonly refused?: string | undefined;
}

export function BackUpButton({ of, refused }: BackUpButtonProps) {
  const [isAsking, setAsking] = useState(false);
  const targets = useTargets();
  return (
    <>
      <ActionButton
        leftSection={<IconArchive size={14} />}
        refused={refused ?? (targets.length === 0 ? 'There is nowhere to back up to yet: add a target.' : undefined)}
        onClick={() => setAsking(true)}
      >
        Back up now
      </ActionButton>
      {isAsking && <BackUp of={of} onClose={() => setAsking(false)} />}
    </>
  );
}

/** Those that this lab writes to; those that can be used come first. */
export const useTargets = () =>
  useView('backup-targets')
    .rows.filter(({ isForeign }) => !isForeign)
    .toSorted(
      (a, b) =>
        Number(a.state === 'unreachable') - Number(b.state === 'unreachable') || a.name.localeCompare(b.name, 'en'),
    );

const keyOf = ({ kind, namespace, name }: BackedUp): string => `${kind}:${namespace}/${name}`;
const labelOf = ({ kind, namespace, name }: BackedUp): string =>
  `${kind === 'app' ? 'App' : 'Volume'} ${namespace === 'default' ? name : `${namespace}/${name}`}`;

function BackUp({ of, onClose }: { readonly of: BackedUp | undefined; readonly onClose: () => void }) {
  const targets = useTargets();
  const things = useThings(of === undefined);
  const [chosen, setChosen] = useState<string>();
  const [typedTarget, setTarget] = useState<string>();
  const what = of ?? things.find((one) => keyOf(one) === chosen) ?? things[0];
  const to = targets.find(({ name }) => name === typedTarget) ?? targets[0];
  const input = { namespace: what?.namespace ?? 'default', name: what?.name ?? '', to: to?.name ?? '' };
  const isApp = what?.kind === 'app';
  const dialog = {
    title: of ? `Back ${of.name} up` : 'Back up now',
    input,
    confirm: 'Back up',
    isReady: what !== undefined && to !== undefined,
    isBegun: what !== undefined && to !== undefined,
    undo: `Made by hand, it stays until somebody removes it.${isApp ? ' The app goes on meanwhile.' : ''}`,
    onClose,
  };
  const fields: ReactNode = (
    <>
      {!of && (
        <NativeSelect
          label="What"
          description="An app is backed up as a set: all its volumes of one moment, with its compose file."
          data={things.map((one) => ({ value: keyOf(one), label: labelOf(one) }))}
          value={what ? keyOf(what) : ''}
          data-autofocus
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
      )}
      <NativeSelect
        label="To"
        description={to?.where}
        data={targets.map(({ name, state }) => ({
          value: name,
          label: state === 'unreachable' ? `${name} (cannot be used now)` : name,
        }))}
        value={to?.name ?? ''}
        onChange={(event) => setTarget(event.currentTarget.value)}
      />
    </>
  );
  return isApp ? (
    <PlanDialog command="back-up-app" {...dialog}>
      {fields}
    </PlanDialog>
  ) : (
    <PlanDialog command="create-backup" {...dialog}>
      {fields}
    </PlanDialog>
  );
}

/** Apps that keep something, then volumes. */
function useThings(when: boolean): readonly BackedUp[] {
  const volumes = useView('volumes', { when }).rows;
  const apps = useView('apps', { when }).rows;
  const byName = (a: BackedUp, b: BackedUp): number => keyOf(a).localeCompare(keyOf(b), 'en');
  return [
    ...apps
      .filter(({ id }) => volumes.some(({ app }) => app?.id === id))
      .map(({ namespace, name }) => ({ kind: 'app' as const, namespace, name }))
      .toSorted(byName),
    ...volumes
      .filter(({ discarded }) => discarded === null)
      .map(({ namespace, name }) => ({ kind: 'volume' as const, namespace, name }))
      .toSorted(byName),
  ];
}
