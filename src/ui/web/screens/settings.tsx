import { Autocomplete, Button } from '@mantine/core';
import '@mantine/core/styles/ScrollArea.css';
import '@mantine/core/styles/Combobox.css';
import { useEffect, useState, type FormEvent } from 'react';
import { useNoAction } from '../components/action-button.tsx';
import { FactLines, Loading, Page, Section } from '../components/page.tsx';
import { PasswordDialog } from '../components/password-dialog.tsx';
import { Time } from '../components/time.tsx';
import { clockOf, exact, isZone } from '../format/time.ts';
import { useNow, useZone } from '../live/now.tsx';
import { useWho } from '../live/session.tsx';
import { timeZones } from '../format/time-zones.ts';
import { useCommand } from '../live/use-command.ts';
import { useView } from '../live/use-view.ts';
import { Registries } from './registries.tsx';
import classes from './settings.module.css';

export function Settings() {
  const { rows, ready } = useView('overview');
  const nodes = useView('nodes');
  const who = useWho();
  const zone = useZone();
  const [isChanging, setChanging] = useState(false);
  const [lab] = rows;
  if (!ready || !lab) {
    return (
      <Page title="Settings">
        <Loading />
      </Page>
    );
  }
  return (
    <Page title="Settings">
      <div className={classes['narrow']}>
        <Section title="Time zone">
          <TimeZone key={lab.timeZone} current={lab.timeZone} />
        </Section>
        <Section title="You">
          <FactLines
            facts={[
              { label: 'Signed in as', value: who.name },
              { label: 'Role', value: who.role },
              { label: 'Session ends', value: exact(who.expiresAt, zone) },
              {
                label: 'Password',
                value: (
                  <Button variant="default" onClick={() => setChanging(true)}>
                    Change password…
                  </Button>
                ),
              },
            ]}
          />
        </Section>
        <Registries />
        <Section title="Lab">
          <FactLines
            facts={[
              { label: 'Name', value: lab.name },
              { label: 'Id', value: <code>{lab.uuid}</code> },
              { label: 'Created', value: <Time at={lab.createdAt} /> },
            ]}
          />
        </Section>
        <Section title="Versions">
          <FactLines
            facts={nodes.rows.map(({ name, facts }) => ({
              label: name,
              value: (
                <>
                  FloatLab {facts.version}
                  <span className="muted">
                    {facts.engine && ` · ${facts.engine.name} ${facts.engine.version}`} · Linux {facts.kernel}
                  </span>
                </>
              ),
            }))}
          />
        </Section>
      </div>
      {isChanging && <PasswordDialog onClose={() => setChanging(false)} />}
    </Page>
  );
}

function TimeZone({ current }: { readonly current: string }) {
  const { run, isRunning } = useCommand();
  const [value, setValue] = useState(current);
  const now = useNow();
  const reason = useNoAction();
  useEffect(() => {
    setValue(current);
  }, [current]);
  const isKnown = isZone(value) && value.trim() !== '';
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    await run('change-settings', { timeZone: value });
  };
  return (
    <form className={classes['zone']} onSubmit={(event) => void save(event)}>
      <Autocomplete
        className={classes['field']}
        label="Schedules run in this time zone"
        description={
          isKnown ? `It is ${clockOf(now, value)} there now.` : 'The name of a place, such as Europe/Berlin.'
        }
        data={timeZones}
        limit={20}
        value={value}
        onChange={setValue}
        error={isKnown ? undefined : 'There is no such time zone.'}
        comboboxProps={{ withinPortal: true }}
      />
      <Button
        type="submit"
        disabled={!isKnown || value === current || reason !== undefined}
        loading={isRunning}
        {...(reason === undefined ? {} : { 'data-tip': reason })}
      >
        Save
      </Button>
    </form>
  );
}
