/**
 * Short messages that nobody waited for: a refusal, a done deed that has no row to glow. Refusals stay until they are
 * read; the rest goes by itself.
 */
import { IconX } from '@tabler/icons-react';
import { useSyncExternalStore } from 'react';
import type { Tone } from '../format/state.ts';
import { Marked } from './marked.tsx';
import { Glyph } from './state.tsx';
import classes from './toasts.module.css';

interface Toast {
  readonly id: number;
  readonly tone: Tone;
  readonly title: string;
  readonly hint?: string | undefined;
}

const staysMs = 6000;
let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

const dismiss = (id: number): void => set(toasts.filter((toast) => toast.id !== id));

export function notify(toast: Omit<Toast, 'id'>): void {
  const id = ++lastId;
  set([...toasts.slice(-3), { ...toast, id }]);
  if (toast.tone !== 'failed') setTimeout(() => dismiss(id), staysMs);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div className={classes['stack']} role="status" aria-live="polite">
      {shown.map(({ id, tone, title, hint }) => (
        <div key={id} className={classes['toast']} data-tone={tone}>
          <Glyph tone={tone} />
          <div className={classes['text']}>
            <div>
              <Marked text={title} />
            </div>
            {hint !== undefined && (
              <div className="muted">
                <Marked text={hint} />
              </div>
            )}
          </div>
          <button type="button" className={classes['close']} aria-label="Dismiss" onClick={() => dismiss(id)}>
            <IconX size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
