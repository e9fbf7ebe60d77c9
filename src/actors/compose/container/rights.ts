/** As whom a container runs, and what it may do: users, capabilities, namespaces of the node. */
import type { Place, Reading } from '../reading.ts';
import { nearest } from '../suggest.ts';
import { booleanAt, isEmpty, itemsAt, textAt, written } from '../values.ts';
import { formAt, listAt, type Form } from './lists.ts';

/** Linux 6.1, `capabilities(7)`. */
const capabilities: ReadonlySet<string> = new Set(
  (
    'AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER ' +
    'FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE ' +
    'NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE ' +
    'SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG SYSLOG WAKE_ALARM ALL'
  ).split(' '),
);

const plainName = (text: string): string => text.toUpperCase().replace(/^CAP_/, '');

export function capabilitiesAt(reading: Reading, place: Place): readonly string[] {
  const names = isEmpty(place) ? [] : (itemsAt(reading, place) ?? []).map((item) => capabilityAt(reading, item));
  return [...new Set(names.filter((name) => name !== undefined))];
}

function capabilityAt(reading: Reading, place: Place): string | undefined {
  const text = textAt(reading, place, 'the name of a capability');
  if (text === undefined) return undefined;
  const name = plainName(text);
  if (capabilities.has(name)) return name;
  return reading.report(place, `${written(place)} is no capability of Linux.`, () => {
    const meant = nearest(name, [...capabilities]);
    return meant === undefined ? 'Write for example NET_ADMIN.' : `Did you mean ${meant}?`;
  });
}

/** `name`, `1000`, `1000:1000`, `name:group` */
const user: Form = {
  what: 'a user',
  hint: 'Write a name or a number, and a group behind a colon: "1000:1000".',
  fits: (text) => /^(?:[a-z_][a-z0-9_.-]{0,31}|\d{1,10})(?::(?:[a-z_][a-z0-9_.-]{0,31}|\d{1,10}))?$/i.test(text),
};
const group: Form = {
  allowsNumbers: true,
  what: 'a group',
  hint: 'Write a name or a number.',
  fits: (text) => /^(?:[a-z_][a-z0-9_.-]{0,31}|\d{1,10})$/i.test(text),
};
const securityOption: Form = {
  what: 'a security option that FloatLab hands on',
  hint: 'Write no-new-privileges, apparmor=…, seccomp=unconfined, label=… or systempaths=unconfined.',
  fits: (text) =>
    /^(?:no-new-privileges(?:[:=](?:true|false))?|seccomp[:=](?:unconfined|builtin)|apparmor[:=][\w./-]{1,100}|label[:=][\w:.,-]{1,200}|systempaths[:=]unconfined|writable-cgroups(?:[:=](?:true|false))?)$/.test(
      text,
    ),
};

export const userAt = (reading: Reading, place: Place): string | undefined => formAt(reading, place, user);
export const groupsAt = (reading: Reading, place: Place): readonly string[] => listAt(reading, place, group, 'list');
export const securityOptionsAt = (reading: Reading, place: Place): readonly string[] =>
  listAt(reading, place, securityOption, 'list');

/** One of some words; what another service has cannot be shared. */
export function modeAt<const Mode extends string>(
  reading: Reading,
  place: Place,
  modes: readonly Mode[],
): Mode | undefined {
  const text = textAt(reading, place);
  if (text === undefined) return undefined;
  if ((modes as readonly string[]).includes(text)) return text as Mode;
  const choice = `Write ${modes.join(', ')}, or remove it.`;
  if (/^(?:service|container):/.test(text))
    return reading.report(
      place,
      `${written(place)} shares what another container has, which FloatLab does not.`,
      choice,
    );
  return reading.report(place, `${written(place)} is not something that FloatLab hands on here.`, choice);
}

/** What gives a container the rights of the node is worth knowing. */
export function privilegedAt(reading: Reading, place: Place): boolean | undefined {
  const isPrivileged = booleanAt(reading, place);
  if (isPrivileged)
    reading.note(
      place,
      'A privileged container has all rights on its node, and can change every disk of it.',
      'Give it only what it needs: `cap_add`, `devices`.',
    );
  return isPrivileged;
}
