/** The backups of another lab, opened by its kit and its recovery key: they are read here, and nothing is written there. */
import { Input, NativeSelect, PasswordInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { attachBody } from '#io/contract/backups.ts';
import { isName, nameRule } from '#events/values/name.ts';
import fileInput from '../../components/file-input.module.css';
import { Form } from '../../components/form.tsx';
import { TroubleBox } from '../../components/trouble.tsx';
import { kitIn } from '../../format/kit.ts';
import { rest } from '../../live/clients.tsx';
import { troubleOf, type Trouble } from '../../live/use-command.ts';
import { useView } from '../../live/use-view.ts';

const everyNode = '';

export function AttachTarget({ onClose }: { readonly onClose: () => void }) {
  const nodes = useView('nodes').rows.filter(({ state }) => state !== 'waiting');
  const [text, setText] = useState<string>();
  const [recoveryKey, setRecoveryKey] = useState('');
  const [chosen, setChosen] = useState<string>();
  const [typedName, setName] = useState<string>();
  const [node, setNode] = useState(everyNode);
  const [typedPath, setPath] = useState<string>();
  const [trouble, setTrouble] = useState<Trouble>();
  const kit = text === undefined ? undefined : kitIn(text);
  const target = kit?.targets.find(({ name }) => name === chosen) ?? kit?.targets[0];
  const name = typedName ?? target?.name ?? '';
  const isFolder = target?.store.kind === 'directory';
  const path = typedPath ?? target?.store.path ?? '';
  const body = attachBody.safeParse({
    ...{ kit: text ?? '', recoveryKey: recoveryKey.trim(), target: target?.name, as: name },
    ...(isFolder ? { path } : {}),
    ...(isFolder && node !== everyNode ? { node } : {}),
  });
  const submit = async (): Promise<boolean> => {
    if (!body.success) return false;
    setTrouble(undefined);
    try {
      await rest.attachBackupTarget(body.data);
      return true;
    } catch (error) {
      setTrouble(troubleOf(error));
      return false;
    }
  };
  return (
    <Form
      title="Open another lab’s backups"
      confirm="Open"
      isValid={target !== undefined && body.success}
      onClose={onClose}
      submit={submit}
    >
      <p>
        For a lab that is lost, or that moves: its backups are listed here and can be restored. Nothing is written
        there.
      </p>
      <Input.Wrapper
        label="Its recovery kit"
        labelElement="label"
        description="The file that was downloaded from it, or that floatlab backup kit wrote."
        error={text !== undefined && !kit ? 'This is no recovery kit.' : undefined}
        id="kit"
      >
        <input
          id="kit"
          className={fileInput['file']}
          type="file"
          accept=".json,application/json"
          onChange={(event) => {
            setTrouble(undefined);
            void event.currentTarget.files?.[0]?.text().then(setText);
          }}
        />
      </Input.Wrapper>
      <PasswordInput
        label="Its recovery key"
        description="Used once, and kept nowhere."
        autoComplete="off"
        spellCheck={false}
        value={recoveryKey}
        onChange={(event) => setRecoveryKey(event.currentTarget.value)}
      />
      {kit && target && (
        <>
          <NativeSelect
            label={`Target of lab ${kit.lab}`}
            data={kit.targets.map((one) => ({ value: one.name, label: `${one.name}: ${one.where}` }))}
            value={target.name}
            onChange={(event) => {
              setChosen(event.currentTarget.value);
              setName(undefined);
              setPath(undefined);
            }}
          />
          <TextInput
            label="What it is called here"
            value={name}
            error={isName(name) ? undefined : `For names, ${nameRule}.`}
            spellCheck={false}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {isFolder && (
            <>
              <TextInput
                label="Folder, where it is now"
                value={path}
                spellCheck={false}
                onChange={(event) => setPath(event.currentTarget.value)}
              />
              <NativeSelect
                label="On the node"
                data={[
                  { value: everyNode, label: 'Every node has it at this path: a share' },
                  ...nodes.map((one) => one.name),
                ]}
                value={node}
                onChange={(event) => setNode(event.currentTarget.value)}
              />
            </>
          )}
        </>
      )}
      {kit && !target && <p role="alert">There is no target in this kit: it was written before one was added.</p>}
      {trouble && <TroubleBox trouble={trouble} />}
    </Form>
  );
}
