/** The way between a log and its member of the group, which may be on another thread. */
import type { FromMember, ToMember } from './protocol.ts';

export interface MemberChannel {
  send(message: ToMember): void;
  /** Called once. Messages that came before are kept until then. */
  receive(onMessage: (message: FromMember) => void): void;
  /** What is being written is waited for; then the member is no more. */
  close(): Promise<void>;
}
