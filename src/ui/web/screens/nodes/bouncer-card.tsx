/** What happens to machines that ask to join without a token: the rules of the bouncer, of which the first that fits decides. */
import { useState } from 'react';
import { bouncerRules, type BouncerRule } from '#events/values/bouncer.ts';
import { conditionWords } from '#ui/client/bouncer-words.ts';
import { ActionButton } from '../../components/action-button.tsx';
import { Section } from '../../components/page.tsx';
import { useView } from '../../live/use-view.ts';
import { BouncerEditor } from './bouncer-editor.tsx';
import classes from './bouncer.module.css';

const ofCluster = { kind: 'cluster' } as const;

export function BouncerCard() {
  const { rows, ready } = useView('config', { where: ofCluster });
  const [isEditing, setEditing] = useState(false);
  const [cluster] = rows;
  if (!ready || !cluster) return null;
  const rules = bouncerRules.safeParse(cluster.spec['bouncer'] ?? []).data ?? [];
  return (
    <Section
      title="Machines without a token"
      bare
      actions={
        <ActionButton size="compact-sm" onClick={() => setEditing(true)}>
          Edit rules…
        </ActionButton>
      }
    >
      {rules.length === 0 ? (
        <p className="muted">
          Each waits until somebody lets it in. Rules can let some in by themselves, or send them away.
        </p>
      ) : (
        <ol className={classes['rules']}>
          {rules.map((rule, n) => (
            <li key={n}>
              {doesWords[rule.do]} <span className={classes['fits']}>{conditionWords(rule)}</span>
            </li>
          ))}
          <li className="muted">Whoever fits none of them waits until somebody lets it in.</li>
        </ol>
      )}
      {isEditing && <BouncerEditor rules={rules} onClose={() => setEditing(false)} />}
    </Section>
  );
}

const doesWords: Readonly<Record<BouncerRule['do'], string>> = {
  admit: 'Let in at once:',
  ask: 'Ask somebody about:',
  refuse: 'Send away:',
};
