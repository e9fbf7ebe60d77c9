/** A command in a container of the app, with this page as its terminal. */
import { Button, TextInput } from '@mantine/core';
import { IconTerminal2 } from '@tabler/icons-react';
import { useCallback, useEffect, useRef, useState, type FormEvent } from 'react';
import { problemOf, type Problem } from '#io/contract/problem.ts';
import type { LiveExec } from '#ui/client/live.ts';
import { ActionButton, useNoAction } from '../../components/action-button.tsx';
import { Empty } from '../../components/page.tsx';
import { Terminal, type TerminalHandle } from '../../components/terminal.tsx';
import { ProblemBox } from '../../components/trouble.tsx';
import { wordsOf } from '../../format/command-line.ts';
import { useLive } from '../../live/clients.tsx';
import { usePast } from '../../live/past.ts';
import { useApp } from './use-app.ts';
import classes from './terminal.module.css';

export function AppTerminal() {
  const app = useApp();
  const { isPast } = usePast();
  if (!app) return null;
  const services = Object.keys(app.services);
  const command = `floatlab exec -it ${app.name} ${services[0] ?? 'web'} -- sh`;
  if (isPast) {
    return (
      <Empty title="A terminal is of the present" command={command}>
        Go back to live to run a command in a container of {app.name}.
      </Empty>
    );
  }
  if (app.instance === null) {
    return (
      <Empty title={`${app.name} does not run`} command={command}>
        A terminal runs a command, such as a shell, in one of its containers. Start the app first.
      </Empty>
    );
  }
  return <Console key={app.id} id={app.id} name={app.name} services={services} />;
}

type Run =
  | { readonly state: 'none' }
  | { readonly state: 'opening' | 'running'; readonly service: string }
  | { readonly state: 'ended'; readonly code: number }
  | { readonly state: 'failed'; readonly problem: Problem | undefined };

interface ConsoleProps {
  readonly id: string;
  readonly name: string;
  readonly services: readonly string[];
}

const usualCommand = 'sh';

function Console({ id, name, services }: ConsoleProps) {
  const [service, setService] = useState(services[0] ?? '');
  const [line, setLine] = useState(usualCommand);
  const terminal = useRef<TerminalHandle>(null);
  const { run, open, close, exec } = useExec(id, terminal);
  const command = wordsOf(line);
  const isOpen = run.state === 'opening' || run.state === 'running';
  const reason = useNoAction();

  const start = (): void => {
    if (command && !isOpen && reason === undefined) open(service, command);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    start();
  };

  return (
    <div className={classes['console']}>
      <form className={classes['bar']} onSubmit={submit}>
        <label>
          <span className="hidden">Service</span>
          <select
            className={classes['select']}
            value={service}
            disabled={isOpen}
            onChange={(event) => setService(event.target.value)}
          >
            {services.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <TextInput
          className={classes['command']}
          aria-label="Command"
          value={line}
          disabled={isOpen}
          error={line.trim() !== '' && !command && 'A quote is left open.'}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          onChange={(event) => setLine(event.currentTarget.value)}
        />
        {isOpen ? (
          <Button variant="default" onClick={close}>
            Close
          </Button>
        ) : (
          <ActionButton
            leftSection={<IconTerminal2 size={14} />}
            refused={command ? undefined : 'Write the command that shall run.'}
            onClick={start}
          >
            {run.state === 'none' ? 'Open terminal' : 'Open again'}
          </ActionButton>
        )}
        <span className={classes['state']} role="status">
          <Words run={run} />
        </span>
      </form>
      {run.state === 'failed' && run.problem && (
        <ProblemBox tone="failed" title={run.problem.detail} hint={run.problem.hint} code={run.problem.code} />
      )}
      <Terminal
        label={`Terminal of ${name}`}
        handle={terminal}
        isOpen={isOpen}
        onInput={(bytes) => exec.current?.write(bytes)}
        onResize={(columns, rows) => exec.current?.resize(columns, rows)}
      />
      <p className="muted">
        <kbd>Shift</kbd>+<kbd>Tab</kbd> leaves the terminal. Leaving this tab ends what runs in it.
      </p>
    </div>
  );
}

function Words({ run }: { readonly run: Run }) {
  switch (run.state) {
    case 'none':
      return null;
    case 'opening':
      return `Opening in ${run.service}…`;
    case 'running':
      return `Runs in ${run.service}.`;
    case 'ended':
      return run.code === 0 ? 'Ended.' : `Ended with code ${run.code}.`;
    case 'failed':
      return run.problem ? null : 'Closed.';
  }
}

/** A page that is fed faster than it can draw would stand still before it ran out of memory. */
const mostWaiting = 16 * 1024 * 1024;

function useExec(app: string, terminal: { readonly current: TerminalHandle | null }) {
  const { client } = useLive();
  const [run, setRun] = useState<Run>({ state: 'none' });
  const exec = useRef<LiveExec>(undefined);

  const stop = useCallback((): void => {
    exec.current?.close();
    exec.current = undefined;
  }, []);
  // Another connection has other commands; and who leaves has nobody to type for.
  useEffect(() => stop, [client, stop]);

  const open = (service: string, command: readonly string[]): void => {
    const screen = terminal.current;
    if (!screen) return;
    screen.reset();
    screen.focus();
    setRun({ state: 'opening', service });
    const size = { columns: screen.columns, rows: screen.rows };
    const over = (ended: Run): void => {
      exec.current = undefined;
      setRun(ended);
    };
    exec.current = client.exec(
      { app, service, command, tty: true, ...size },
      {
        begun: () => setRun({ state: 'running', service }),
        output: (_, bytes) => {
          if (screen.write(bytes) <= mostWaiting) return;
          stop();
          over({ state: 'failed', problem: tooMuch });
        },
        exit: (code) => over({ state: 'ended', code }),
        end: (problem) => over({ state: 'failed', problem }),
      },
    );
  };

  const close = (): void => {
    stop();
    setRun({ state: 'failed', problem: undefined });
  };
  return { run, open, close, exec };
}

const tooMuch = problemOf('TOO_LARGE', 'The command writes faster than this page can show: it was closed.', {
  hint: 'Let it write into a file, or run it with floatlab exec.',
});
