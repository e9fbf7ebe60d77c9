/**
 * A plain editor for compose files: line numbers, marks where something is wrong, two spaces for Tab. Escape lets the
 * keyboard out again, because Tab writes.
 */
import { useImperativeHandle, useRef, useState, type KeyboardEvent, type Ref } from 'react';
import type { Finding } from '#actors/compose/model.ts';
import classes from './compose-editor.module.css';

export interface EditorHandle {
  goTo(line: number, column: number): void;
}

interface ComposeEditorProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly findings: readonly Finding[];
  readonly handle: Ref<EditorHandle>;
}

const lineHeight = 20;

export function ComposeEditor({ value, onChange, findings, handle }: ComposeEditorProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const [tabLeaves, setTabLeaves] = useState(false);
  const count = value.split('\n').length;
  const wrong = new Set(findings.map(({ line }) => line));

  useImperativeHandle(handle, () => ({
    goTo(line, column) {
      const { current } = area;
      if (!current) return;
      const lines = current.value.split('\n');
      const at = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
      current.focus();
      current.setSelectionRange(at, at);
      current.scrollTop = Math.max(0, (line - 4) * lineHeight);
    },
  }));

  const key = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.key === 'Escape') return setTabLeaves(true);
    const target = event.currentTarget;
    if (event.key === 'Tab' && !event.shiftKey && !tabLeaves) {
      event.preventDefault();
      insert(target, '  ', onChange);
    } else if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      const before = target.value.slice(0, target.selectionStart);
      const line = before.slice(before.lastIndexOf('\n') + 1);
      const indent = /^ */.exec(line)?.[0] ?? '';
      // A key without a value opens a block; a list goes on beside its dash.
      const more = /:\s*$/.test(line) ? '  ' : '';
      event.preventDefault();
      insert(target, `\n${indent}${more}`, onChange);
    }
    setTabLeaves(false);
  };

  return (
    <div className={classes['editor']}>
      <div ref={gutter} className={classes['gutter']} aria-hidden>
        {Array.from({ length: count }, (_, n) => (
          <div key={n} data-wrong={wrong.has(n + 1)}>
            {n + 1}
          </div>
        ))}
      </div>
      <textarea
        ref={area}
        className={classes['text']}
        aria-label="Compose file"
        aria-description="Tab indents; press Escape first to leave with Tab."
        value={value}
        wrap="off"
        placeholder={'services:\n  web:\n    image: …'}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={key}
        onBlur={() => setTabLeaves(false)}
        onScroll={(event) => {
          if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
        }}
      />
    </div>
  );
}

/** At the caret, in place of what is selected. */
function insert(target: HTMLTextAreaElement, text: string, onChange: (value: string) => void): void {
  target.setRangeText(text, target.selectionStart, target.selectionEnd, 'end');
  onChange(target.value);
}
