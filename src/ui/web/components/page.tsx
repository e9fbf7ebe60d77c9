/** What the pages share: title line, sections, facts, empty screens. */
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import { cx } from './cx.ts';
import classes from './page.module.css';

/** The browser's tab says where one is. */
export function useTitle(title: string): void {
  useEffect(() => {
    const before = document.title;
    document.title = title === '' ? 'FloatLab' : `${title} · FloatLab`;
    // What covered another page for a while leaves its title to it.
    return () => {
      document.title = before;
    };
  }, [title]);
}

interface PageProps {
  readonly title: string;
  /** Beside the title: state, where, since. */
  readonly about?: ReactNode;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly tabs?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, about, lead, actions, tabs, children }: PageProps) {
  useTitle(title);
  return (
    <div className={classes['page']}>
      <header className={cx(classes['header'], tabs !== undefined && classes['withTabs'])}>
        <div className={classes['titles']}>
          {lead}
          <h1>{title}</h1>
          {about !== undefined && <div className={classes['about']}>{about}</div>}
        </div>
        {actions !== undefined && <div className={classes['actions']}>{actions}</div>}
      </header>
      {tabs}
      {children}
    </div>
  );
}

interface SectionProps {
  readonly title?: string;
  readonly note?: ReactNode;
  readonly actions?: ReactNode;
  /** Without a frame: what is inside has its own. */
  readonly bare?: boolean;
  readonly children: ReactNode;
}

export function Section({ title, note, actions, bare = false, children }: SectionProps) {
  return (
    <section className={classes['section']} {...(title === undefined ? {} : { 'aria-label': title })}>
      {title !== undefined && (
        <div className={classes['sectionHead']}>
          <h2>{title}</h2>
          {note !== undefined && <span className="muted">{note}</span>}
          {actions !== undefined && <div className={classes['sectionActions']}>{actions}</div>}
        </div>
      )}
      {bare ? children : <div className={classes['frame']}>{children}</div>}
    </section>
  );
}

export interface Fact {
  readonly label: string;
  readonly value: ReactNode;
  readonly note?: ReactNode;
}

/** A row of figures. */
export const Facts = ({ facts }: { readonly facts: readonly Fact[] }) => (
  <dl className={classes['facts']}>
    {facts.map(({ label, value, note }) => (
      <div key={label} className={classes['fact']}>
        <dt>{label}</dt>
        <dd>
          {value}
          {note !== undefined && <div className={cx('among', classes['factNote'])}>{note}</div>}
        </dd>
      </div>
    ))}
  </dl>
);

/** Facts as lines: label left, value right of it. */
export const FactLines = ({ facts }: { readonly facts: readonly Fact[] }) => (
  <dl className={classes['lines']}>
    {facts.map(({ label, value }) => (
      <div key={label} className={classes['line']}>
        <dt>{label}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

interface EmptyProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly command?: string;
  readonly action?: ReactNode;
}

/** An empty screen teaches: what this is, one command, one button. */
export const Empty = ({ title, children, command, action }: EmptyProps) => (
  <div className={classes['empty']}>
    <h2>{title}</h2>
    <p className="muted">{children}</p>
    {command !== undefined && <Command text={command} />}
    {action !== undefined && <div className={classes['emptyActions']}>{action}</div>}
  </div>
);

export function Command({ text }: { readonly text: string }) {
  return (
    <div className={classes['command']}>
      <code>
        <span className="faint">$ </span>
        {text}
      </code>
      <CopyButton text={text} />
    </div>
  );
}

export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      // Not allowed here: the text can still be selected.
    }
  };
  return (
    <button
      type="button"
      className={classes['copy']}
      aria-label={label}
      data-tip={copied ? 'Copied' : label}
      onClick={() => void copy()}
    >
      {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
    </button>
  );
}

/** While rows are on their way: nothing jumps, nothing blinks. */
export const Loading = ({ lines = 4 }: { readonly lines?: number }) => (
  <div className={classes['loading']} role="status" aria-label="Loading">
    {Array.from({ length: lines }, (_, n) => (
      <div key={n} className={classes['bone']} />
    ))}
  </div>
);
