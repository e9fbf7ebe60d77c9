/** The fields of a target, whatever its kind: what they are stands in `format/target-draft.ts`. */
import { NativeSelect, PasswordInput, TextInput } from '@mantine/core';
import { nameField, type TargetDraft, type TargetField, type TargetTroubles } from '../../format/target-draft.ts';
import { useView } from '../../live/use-view.ts';

interface TargetFieldsProps {
  readonly fields: readonly TargetField[];
  readonly draft: TargetDraft;
  readonly troubles: TargetTroubles;
  readonly onChange: (changes: TargetDraft) => void;
}

export function TargetFields({ fields, draft, troubles, onChange }: TargetFieldsProps) {
  const nodes = useView('nodes').rows.filter(({ state }) => state !== 'waiting');
  const pools = useView('pools').rows;
  return fields.map(({ path, label, description, placeholder, as = 'text', choices = [], isNeeded = false }) => {
    const common = {
      ...{ label, description, value: draft[path] ?? '', error: troubles[path], withAsterisk: isNeeded },
      onChange: ({ currentTarget: { value } }: React.ChangeEvent<HTMLInputElement | HTMLSelectElement>) =>
        onChange({ [path]: value }),
    };
    switch (as) {
      case 'node':
        return (
          <NativeSelect
            key={path}
            {...common}
            data={[
              { value: '', label: 'Every node has it at this path: a share' },
              ...nodes.map(({ name }) => ({ value: name, label: name })),
            ]}
          />
        );
      case 'pool':
        return (
          <NativeSelect
            key={path}
            {...common}
            data={[
              { value: '', label: 'Choose one' },
              ...pools.map(({ node, name, driver }) => ({
                value: `${node.name}/${name}`,
                label: `${node.name}/${name} (${driver})`,
              })),
            ]}
          />
        );
      case 'choice':
        return <NativeSelect key={path} {...common} data={[...choices]} />;
      case 'secret':
        return <PasswordInput key={path} {...common} autoComplete="off" spellCheck={false} />;
      case 'text':
        return (
          <TextInput
            key={path}
            {...common}
            placeholder={placeholder}
            autoComplete="off"
            spellCheck={false}
            {...(path === nameField.path ? { 'data-autofocus': true } : {})}
          />
        );
    }
  });
}
