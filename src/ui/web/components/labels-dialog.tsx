/** The labels of a thing: a line each, to be changed, added and taken away. Only what is different is sent. */
import { ActionIcon, Button, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { labelKey, type Labels } from '#events/values/name.ts';
import { PlanDialog } from './plan-dialog.tsx';
import classes from './labels-dialog.module.css';

interface Line {
  /** Tells it from the others, also while its key is written. */
  readonly id: number;
  readonly key: string;
  readonly value: string;
}

interface Props {
  readonly command: 'label-node' | 'label-volume';
  readonly of: { readonly namespace?: string; readonly name: string };
  readonly labels: Labels;
  /** For example a key and its value. */
  readonly example: readonly [string, string];
  readonly undo: string;
  readonly onClose: () => void;
}

export function LabelsDialog({ command, of, labels, example, undo, onClose }: Props) {
  const [lines, setLines] = useState<readonly Line[]>(() => [
    ...Object.entries(labels).map(([key, value], id) => ({ id, key, value })),
    ...(Object.keys(labels).length === 0 ? [{ id: 0, key: '', value: '' }] : []),
  ]);
  const change = (id: number, more: Partial<Line>): void =>
    setLines(lines.map((line) => (line.id === id ? { ...line, ...more } : line)));
  const add = (): void => {
    const id = Math.max(-1, ...lines.map((line) => line.id)) + 1;
    setLines([...lines, { id, key: '', value: '' }]);
  };
  return (
    <PlanDialog
      title={`Labels of ${of.name}`}
      command={command}
      input={{ ...of, labels: changesOf(labels, lines) }}
      confirm="Change labels"
      undo={undo}
      onClose={onClose}
    >
      <div className={classes['lines']} role="group" aria-label="Labels">
        {lines.map(({ id, key, value }, n) => (
          <div key={id} className={classes['line']}>
            <TextInput
              aria-label={`Key of label ${n + 1}`}
              placeholder={example[0]}
              value={key}
              autoComplete="off"
              spellCheck={false}
              error={key === '' || labelKey.safeParse(key).success ? undefined : 'Letters, digits, ".", "_", "-", "/".'}
              onChange={(event) => change(id, { key: event.currentTarget.value })}
            />
            <span aria-hidden>=</span>
            <TextInput
              aria-label={`Value of label ${n + 1}`}
              placeholder={example[1]}
              value={value}
              maxLength={256}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => change(id, { value: event.currentTarget.value })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Take label ${n + 1} away`}
              onClick={() => setLines(lines.filter((line) => line.id !== id))}
            >
              <IconX size={14} />
            </ActionIcon>
          </div>
        ))}
        <Button variant="default" size="compact-sm" leftSection={<IconPlus size={14} />} onClick={add}>
          Add a label
        </Button>
      </div>
    </PlanDialog>
  );
}

/** What is not named stays; null takes a label away. A line without a key says nothing. */
function changesOf(before: Labels, lines: readonly Line[]): Record<string, string | null> {
  const now = new Map(lines.filter(({ key }) => key.trim() !== '').map(({ key, value }) => [key.trim(), value.trim()]));
  const gone = Object.keys(before).filter((key) => !now.has(key));
  const put = [...now].filter(([key, value]) => before[key] !== value);
  return Object.fromEntries([...gone.map((key) => [key, null] as const), ...put]);
}
