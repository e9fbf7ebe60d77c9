/**
 * A terminal that shows what it is told and says what is typed; whose program it is, is up to the parent. Tab belongs
 * to the program, as in every terminal; Shift+Tab leaves, so that nobody is caught in it.
 */
import { useComputedColorScheme } from '@mantine/core';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal as Xterm, type ITheme } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { useEffect, useImperativeHandle, useRef, type Ref } from 'react';
import { keepStylePolicy } from './style-policy.ts';
import classes from './terminal.module.css';

export interface TerminalHandle {
  readonly columns: number;
  readonly rows: number;
  /** @returns bytes that wait to be drawn */
  write(bytes: Uint8Array): number;
  /** Empty, and ready for the next program. */
  reset(): void;
  focus(): void;
}

interface TerminalProps {
  readonly label: string;
  readonly handle: Ref<TerminalHandle>;
  /** Whether somebody reads what is typed. */
  readonly isOpen: boolean;
  readonly onInput: (bytes: Uint8Array) => void;
  readonly onResize: (columns: number, rows: number) => void;
}

export function Terminal({ label, handle, isOpen, onInput, onResize }: TerminalProps) {
  const box = useRef<HTMLDivElement>(null);
  const terminal = useRef<Xterm>(undefined);
  const waiting = useRef(0);
  const now = useRef({ isOpen, onInput, onResize });
  const scheme = useComputedColorScheme('light');
  useEffect(() => {
    now.current = { isOpen, onInput, onResize };
  });

  useEffect(() => {
    const { current: parent } = box;
    if (!parent) return;
    keepStylePolicy();
    const made = new Xterm({
      fontFamily: cssValue('--mono'),
      fontSize: 13,
      lineHeight: 1.25,
      scrollback: 5000,
      // Programs write what they like.
      logLevel: 'off',
      // Whatever colours a program chooses can be read.
      minimumContrastRatio: 4.5,
      screenReaderMode: true,
      theme: themeOfPage(),
    });
    const fit = new FitAddon();
    made.loadAddon(fit);
    made.open(parent);
    fit.fit();
    const utf8 = new TextEncoder();
    made.onData((text) => now.current.onInput(utf8.encode(text)));
    // Reports of the mouse that are no text.
    made.onBinary((text) => now.current.onInput(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    made.onResize(({ cols, rows }) => now.current.onResize(cols, rows));
    made.attachCustomKeyEventHandler((event) => now.current.isOpen && isForTerminal(event, made));
    const resized = new ResizeObserver(() => fit.fit());
    resized.observe(parent);
    terminal.current = made;
    return () => {
      terminal.current = undefined;
      resized.disconnect();
      made.dispose();
    };
  }, []);

  useEffect(() => {
    if (terminal.current) terminal.current.options.theme = themeOfPage();
  }, [scheme]);
  useEffect(() => {
    if (!terminal.current) return;
    terminal.current.options.disableStdin = !isOpen;
    terminal.current.options.cursorBlink = isOpen && !matchMedia('(prefers-reduced-motion: reduce)').matches;
    // Nobody reads: no cursor. A reset shows it again.
    if (!isOpen) terminal.current.write('\u001b[?25l');
  }, [isOpen]);

  useImperativeHandle(handle, () => ({
    get columns() {
      return terminal.current?.cols ?? 80;
    },
    get rows() {
      return terminal.current?.rows ?? 24;
    },
    write(bytes) {
      waiting.current += bytes.length;
      terminal.current?.write(bytes, () => (waiting.current -= bytes.length));
      return waiting.current;
    },
    reset() {
      waiting.current = 0;
      terminal.current?.reset();
    },
    focus: () => terminal.current?.focus(),
  }));

  return (
    <div className={classes['frame']} role="group" aria-label={label}>
      <div ref={box} className={classes['screen']} />
    </div>
  );
}

/** @returns false for keys that the browser shall have */
function isForTerminal(event: KeyboardEvent, terminal: Xterm): boolean {
  if (event.key === 'Tab' && event.shiftKey) return false;
  // As everywhere else: what is marked is copied. A second time it interrupts.
  if (event.ctrlKey && event.key === 'c' && terminal.hasSelection()) {
    if (event.type === 'keydown') setTimeout(() => terminal.clearSelection());
    return false;
  }
  return true;
}

const cssValue = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function themeOfPage(): ITheme {
  const [foreground, background] = [cssValue('--text'), cssValue('--panel')];
  const [red, green, yellow, blue, magenta] = ['--fail', '--ok', '--warn', '--busy', '--accent-text'].map(cssValue);
  return {
    foreground,
    background,
    cursor: foreground,
    cursorAccent: background,
    selectionBackground: cssValue('--accent-wash-strong'),
    selectionForeground: foreground,
    scrollbarSliderBackground: cssValue('--line-strong'),
    scrollbarSliderHoverBackground: cssValue('--faint'),
    scrollbarSliderActiveBackground: cssValue('--faint'),
    ...Object.fromEntries(
      Object.entries({ red, green, yellow, blue, magenta, cyan: blue }).flatMap(([name, value]) => [
        [name, value],
        [`bright${name[0]?.toUpperCase()}${name.slice(1)}`, value],
      ]),
    ),
  };
}
