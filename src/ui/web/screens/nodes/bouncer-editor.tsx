/** The rules of the bouncer, to be written, ordered and taken away; what they will be is shown before they are. */
import { ActionIcon, Button, NativeSelect, TextInput } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconPlus, IconX } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { bouncerRule, type BouncerRule } from '#events/values/bouncer.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { draftOf, moved, ruleOf, type RuleDraft } from '../../format/rule-draft.ts';
import classes from './bouncer.module.css';

const choices = [
  { value: 'admit', label: 'Let it in' },
  { value: 'ask', label: 'Ask somebody' },
  { value: 'refuse', label: 'Send it away' },
];

interface Props {
  readonly rules: readonly BouncerRule[];
  readonly onClose: () => void;
}

export function BouncerEditor({ rules, onClose }: Props) {
  const [drafts, setDrafts] = useState<readonly RuleDraft[]>(() => rules.map(draftOf));
  const read = drafts.map(ruleOf);
  const good = read.flatMap((one) => ('rule' in one ? [one.rule] : []));
  const add = (): void => {
    const key = Math.max(-1, ...drafts.map((draft) => draft.key)) + 1;
    setDrafts([...drafts, draftOf({ do: 'ask' }, key)]);
  };
  const letsAnybodyIn = good.some((rule) => rule.do === 'admit' && Object.keys(rule).length === 1);
  return (
    <PlanDialog
      title="Machines without a token"
      command="change-bouncer"
      input={{ rules: good }}
      confirm="Save rules"
      isReady={good.length === drafts.length}
      danger={letsAnybodyIn}
      size={720}
      undo="Change them back at any time. Machines that are in stay in."
      onClose={onClose}
    >
      <p className="muted">
        The first rule that fits decides. A field that is left empty fits every machine; whoever fits no rule waits.
      </p>
      {drafts.map((draft, n) => {
        const found = read[n];
        return (
          <Rule
            key={draft.key}
            draft={draft}
            number={n + 1}
            isFirst={n === 0}
            isLast={n === drafts.length - 1}
            troubles={found && 'troubles' in found ? found.troubles : {}}
            onChange={(more) => setDrafts(drafts.with(n, { ...draft, ...more }))}
            onMove={(by) => setDrafts(moved(drafts, n, by))}
            onRemove={() => setDrafts(drafts.toSpliced(n, 1))}
          />
        );
      })}
      {letsAnybodyIn && (
        <p role="alert">One rule lets every machine in that reaches a node of this lab. Is that what you want?</p>
      )}
      <Button
        variant="default"
        size="compact-sm"
        leftSection={<IconPlus size={14} />}
        className={classes['add']}
        onClick={add}
      >
        Add a rule
      </Button>
    </PlanDialog>
  );
}

interface RuleProps {
  readonly draft: RuleDraft;
  readonly number: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly troubles: Readonly<Partial<Record<'name' | 'address' | 'labels', string>>>;
  readonly onChange: (more: Partial<RuleDraft>) => void;
  readonly onMove: (by: number) => void;
  readonly onRemove: () => void;
}

function Rule({ draft, number, isFirst, isLast, troubles, onChange, onMove, onRemove }: RuleProps) {
  const common = { autoComplete: 'off', spellCheck: false } as const;
  return (
    <fieldset className={classes['rule']}>
      <legend>Rule {number}</legend>
      <TextInput
        {...common}
        label="Name"
        placeholder="pi-*"
        value={draft.name}
        error={troubles.name}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <TextInput
        {...common}
        label="Address"
        placeholder="192.0.2.0/24"
        value={draft.address}
        error={troubles.address}
        onChange={(event) => onChange({ address: event.currentTarget.value })}
      />
      <TextInput
        {...common}
        label="Labels"
        placeholder="zone=attic"
        value={draft.labels}
        error={troubles.labels}
        onChange={(event) => onChange({ labels: event.currentTarget.value })}
      />
      <NativeSelect
        label="Then"
        data={choices}
        value={draft.do}
        onChange={(event) => onChange({ do: bouncerRule.shape.do.parse(event.currentTarget.value) })}
      />
      <span className={classes['tools']}>
        <Tool label={`Rule ${number} earlier`} isOff={isFirst} onClick={() => onMove(-1)}>
          <IconArrowUp size={14} />
        </Tool>
        <Tool label={`Rule ${number} later`} isOff={isLast} onClick={() => onMove(1)}>
          <IconArrowDown size={14} />
        </Tool>
        <Tool label={`Remove rule ${number}`} onClick={onRemove}>
          <IconX size={14} />
        </Tool>
      </span>
    </fieldset>
  );
}

interface ToolProps {
  readonly label: string;
  readonly isOff?: boolean;
  readonly onClick: () => void;
  readonly children: ReactNode;
}

const Tool = ({ label, isOff = false, onClick, children }: ToolProps) => (
  <ActionIcon variant="subtle" color="gray" aria-label={label} disabled={isOff} onClick={onClick}>
    {children}
  </ActionIcon>
);
