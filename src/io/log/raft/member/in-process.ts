/** A member on the same thread: for a simulated lab, and for tests. */
import type { MemberChannel } from './channel.ts';
import { RaftMember, type MemberParts } from './member.ts';
import type { FromMember, ToMember } from './protocol.ts';

/** Messages are delivered a turn later each, as between threads. */
export function memberInProcess(parts: Omit<MemberParts, 'emit'>): MemberChannel {
  let onMessage: ((message: FromMember) => void) | undefined;
  let kept: FromMember[] = [];
  const deliver = (): void => {
    if (!onMessage) return;
    const messages = kept;
    kept = [];
    for (const message of messages) onMessage(message);
  };
  const emit = (messages: readonly FromMember[]): void => {
    if (kept.length === 0) queueMicrotask(deliver);
    kept.push(...messages);
  };
  const member = new RaftMember({ ...parts, emit });
  member.start();
  return {
    send: (message: ToMember) => queueMicrotask(() => member.handle([message])),
    receive: (listener) => {
      onMessage = listener;
      deliver();
    },
    close: () => member.stop(),
  };
}
