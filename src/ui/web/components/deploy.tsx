/**
 * From a compose file to a running app: written on the left, checked while one writes; on the right what is wrong, or
 * the plan in words. Nothing happens before the plan was shown and agreed to.
 */
import { Button, Checkbox } from '@mantine/core';
import { IconRocket } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { quickFix } from '#actors/compose/edit/quick-fix.ts';
import type { Finding } from '#actors/compose/model.ts';
import { ApiError } from '#ui/client/errors.ts';
import { rest } from '../live/clients.tsx';
import { troubleOf, useCommand } from '../live/use-command.ts';
import { useNoAction } from './action-button.tsx';
import { ComposeEditor, type EditorHandle } from './compose-editor.tsx';
import { useLeaveGuard } from './leave-guard.tsx';
import { Loading } from './page.tsx';
import { Plan } from './plan-dialog.tsx';
import { Glyph } from './state.tsx';
import { Findings, TroubleBox } from './trouble.tsx';
import classes from './deploy.module.css';

interface DeployProps {
  readonly initial: string;
  /** The app that it must stay; a new one takes its name from the file. */
  readonly app?: { readonly namespace: string; readonly name: string };
  readonly aside?: ReactNode;
  /** What is worth knowing before one looks at the plan. */
  readonly note?: ReactNode;
  readonly onDone: (app: { readonly namespace: string; readonly name: string }) => void;
  readonly onCancel?: () => void;
}

const settleMs = 150;
/** What is edited here; files that came with it are not. */
const textFile = 'compose.yaml';

function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), settleMs);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

export function Deploy({ initial, app, aside, note, onDone, onCancel }: DeployProps) {
  const [text, setText] = useState(initial);
  const [start, setStart] = useState(true);
  const editor = useRef<EditorHandle>(null);
  const settled = useSettled(text);
  const reason = useNoAction();
  const { run, isRunning } = useCommand();
  const isEmpty = settled.trim() === '';
  const guard = useLeaveGuard(text !== initial && text.trim() !== '' ? text : undefined);

  const check = useQuery({
    queryKey: ['validate', settled, app],
    queryFn: () => rest.validateCompose({ compose: settled, fileName: textFile, ...app }),
    enabled: !isEmpty,
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  const findings = isEmpty ? [] : (check.data?.findings ?? []);
  const isSound = check.isSuccess && !check.isPlaceholderData && findings.length === 0 && !isEmpty;
  const name = app?.name ?? check.data?.name;
  const input = { compose: settled, fileName: textFile, start, ...app };
  const plan = useQuery({
    queryKey: ['plan', 'deploy-app', input],
    queryFn: ({ signal }) => rest.run('deploy-app', input, { dryRun: true, signal }),
    enabled: isSound,
    placeholderData: keepPreviousData,
    retry: false,
    gcTime: 0,
  });
  const isPlanned = isSound && plan.isSuccess && !plan.isPlaceholderData && settled === text;
  const isUnchanged = plan.data?.unchanged === true && isPlanned;
  const label = app ? 'Deploy this revision' : name === undefined ? 'Deploy' : `Deploy ${name}`;

  const fixOf = (finding: Finding) => {
    // What was found is about the text as it was then.
    const fix = settled === text && !check.isPlaceholderData ? quickFix(text, finding) : undefined;
    return fix && { words: `Write \`${fix.word}\``, run: () => setText(fix.text) };
  };

  const deploy = async (): Promise<void> => {
    const answer = await run('deploy-app', input);
    if (!answer) return;
    guard.free();
    onDone({ namespace: app?.namespace ?? 'default', name: name ?? '' });
  };

  return (
    <div className={classes['deploy']}>
      <div className={classes['left']}>
        <ComposeEditor
          value={text}
          onChange={setText}
          findings={findings.filter(({ file }) => file === textFile)}
          handle={editor}
        />
      </div>
      <aside className={classes['right']} aria-label="Check and plan">
        <h2 className="hidden">Check and plan</h2>
        {note}
        <Verdict
          count={findings.length}
          isEmpty={isEmpty}
          isChecking={check.isFetching || settled !== text}
          isSound={isSound}
          error={check.error}
        />
        {findings.length > 0 && (
          <Findings
            findings={findings}
            textFile={textFile}
            fixOf={fixOf}
            onGo={(line, column) => editor.current?.goTo(line, column)}
          />
        )}
        {isSound && check.data && check.data.notes.length > 0 && (
          <details className={classes['notes']}>
            <summary>Worth knowing ({check.data.notes.length})</summary>
            <Findings
              findings={check.data.notes}
              textFile={textFile}
              onGo={(line, column) => editor.current?.goTo(line, column)}
            />
          </details>
        )}
        {!isEmpty && check.data?.files && check.data.files.length > 0 && <KeptFiles files={check.data.files} />}
        {isSound && <DeployPlan plan={plan} />}
        {!app && isSound && (
          <Checkbox
            label="Start it at once"
            checked={start}
            onChange={(event) => setStart(event.currentTarget.checked)}
          />
        )}
        {isEmpty && aside}
        <div className={classes['buttons']}>
          {onCancel && (
            <Button variant="default" onClick={() => guard.leave(onCancel)}>
              Cancel
            </Button>
          )}
          <Button
            leftSection={<IconRocket size={14} />}
            disabled={!isPlanned || isUnchanged || reason !== undefined}
            {...(reason === undefined ? {} : { 'data-tip': reason })}
            loading={isRunning}
            onClick={() => void deploy()}
          >
            {label}
          </Button>
        </div>
      </aside>
      {guard.dialog}
    </div>
  );
}

/** Nothing but the text is edited here: what lies beside it stays as it was deployed. */
const KeptFiles = ({ files }: { readonly files: readonly string[] }) => (
  <p className="muted">
    Goes on with {files.length === 1 ? 'the file' : 'the files'} of the last revision: {files.join(', ')}.
  </p>
);

/** Findings of the command itself are in the verdict already. */
function DeployPlan({ plan }: { readonly plan: Parameters<typeof Plan>[0]['plan'] }) {
  if (plan.error instanceof ApiError && plan.error.code !== 'COMPOSE_INVALID')
    return <TroubleBox trouble={troubleOf(plan.error)} />;
  return plan.error ? <Loading lines={2} /> : <Plan plan={plan} />;
}

interface VerdictProps {
  readonly count: number;
  readonly isEmpty: boolean;
  readonly isChecking: boolean;
  readonly isSound: boolean;
  readonly error: Error | null;
}

function Verdict({ count, isEmpty, isChecking, isSound, error }: VerdictProps) {
  if (isEmpty) return <p className="muted">Paste a compose file, or begin with the example.</p>;
  if (error) return <TroubleBox trouble={troubleOf(error)} />;
  const [tone, words] =
    count > 0
      ? (['failed', count === 1 ? '1 problem' : `${count} problems`] as const)
      : isChecking && !isSound
        ? (['changing', 'Checking…'] as const)
        : (['running', 'The file is fine.'] as const);
  return (
    <div className={classes['verdict']} role="status">
      <Glyph tone={tone} />
      {words}
    </div>
  );
}
