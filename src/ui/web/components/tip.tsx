/**
 * Hints on hover and focus: one element for the whole page, for whatever carries `data-tip`. Ten thousand rows with an
 * exact time each cost nothing until one of them is pointed at.
 */
import { useEffect, useRef, useState } from 'react';
import classes from './tip.module.css';

interface Shown {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly below: boolean;
  readonly align: 'left' | 'middle' | 'right';
}

const delayMs = 250;
const widest = 320;

export function TipLayer() {
  const [shown, setShown] = useState<Shown>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  useEffect(() => {
    let current: Element | null = null;
    const show = (target: Element): void => {
      const text = target.getAttribute('data-tip');
      if (text === null || text === '' || !target.isConnected) return;
      const box = target.getBoundingClientRect();
      const below = box.top < 80;
      const middle = box.left + box.width / 2;
      const align = middle < widest / 2 ? 'left' : middle > innerWidth - widest / 2 ? 'right' : 'middle';
      const x =
        align === 'middle' ? middle : align === 'left' ? Math.max(8, box.left) : Math.min(innerWidth - 8, box.right);
      setShown({ text, x, y: below ? box.bottom + 6 : box.top - 6, below, align });
    };
    const hide = (): void => {
      clearTimeout(timer.current);
      current = null;
      setShown(undefined);
    };
    const enter = (event: Event): void => {
      const target = event.target instanceof Element ? event.target.closest('[data-tip]') : null;
      if (target === current) return;
      hide();
      if (!target) return;
      current = target;
      timer.current = setTimeout(() => show(target), event.type === 'focusin' ? 0 : delayMs);
    };
    const key = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') hide();
    };
    document.addEventListener('pointerover', enter);
    document.addEventListener('focusin', enter);
    document.addEventListener('focusout', hide);
    document.addEventListener('pointerdown', hide);
    document.addEventListener('scroll', hide, true);
    document.addEventListener('keydown', key);
    return () => {
      hide();
      document.removeEventListener('pointerover', enter);
      document.removeEventListener('focusin', enter);
      document.removeEventListener('focusout', hide);
      document.removeEventListener('pointerdown', hide);
      document.removeEventListener('scroll', hide, true);
      document.removeEventListener('keydown', key);
    };
  }, []);

  if (!shown) return null;
  return (
    <div className={classes['anchor']} style={{ left: shown.x, top: shown.y }} aria-hidden>
      <div className={classes['tip']} data-below={shown.below} data-align={shown.align}>
        {shown.text}
      </div>
    </div>
  );
}
