/**
 * Whether a container ended with its engine or its machine, and not by itself: its policy was never asked, and as long
 * as the lab wants it, it is started again. Pure.
 *
 * What an engine leaves behind says little by itself. Killed, it calls its containers ended with code 255 when it is
 * back. Stopped in order, it stops them first, and they end with whatever their programs say to that, 0 included. What
 * tells is that the engine is younger than the run of the container; only whoever saw the engine all the time (a watch
 * that goes on) knows more.
 */
import type { ContainerInfo } from '../../devices/docker/port.ts';

/** An engine's word for an end that it has not seen. */
const unseenExit = 255;

/** @param engineStartedAt undefined where the engine does not tell */
export const endedWithEngine = (
  { state, exitCode, startedAt }: Pick<ContainerInfo, 'state' | 'exitCode' | 'startedAt'>,
  engineStartedAt: number | undefined,
): boolean =>
  state === 'exited' &&
  (exitCode === unseenExit ||
    (engineStartedAt !== undefined && startedAt !== undefined && startedAt < engineStartedAt));
