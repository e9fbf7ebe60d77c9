import { useEffect, useRef, type RefObject } from 'react';

/** What changed glows once for a second, so that the eye finds the cause. Nothing moves for people who asked for that. */
export function useGlow<E extends HTMLElement>(value: unknown, fresh = false): RefObject<E | null> {
  const ref = useRef<E>(null);
  const before = useRef(fresh ? undefined : value);
  useEffect(() => {
    if (before.current === value) return;
    before.current = value;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    ref.current?.animate([{ backgroundColor: 'var(--glow)' }, { backgroundColor: 'transparent' }], {
      duration: 1000,
      easing: 'ease-out',
    });
  }, [value]);
  return ref;
}
