/**
 * Installs packages with apt-get, without questions, and without starting services where no systemd looks after them.
 *
 * Nothing is ever removed for it: where a package stands in the way of another one, apt-get refuses, and a person
 * decides. Package lists are fetched only when they do not know a package, or lead to files that are gone.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { ending, patiently, Refusal, run, say } from './run.mjs';

const env = {
  ...process.env,
  DEBIAN_FRONTEND: 'noninteractive',
  // Ubuntu would restart services, and ask which.
  NEEDRESTART_SUSPEND: '1',
  LC_ALL: 'C.UTF-8',
};

const flags = [
  '--yes',
  '--quiet',
  '--no-install-recommends',
  '--no-remove',
  // Another apt-get may be at work: unattended upgrades start with the machine.
  '--option=DPkg::Lock::Timeout=300',
  '--option=Dpkg::Options::=--force-confdef',
  '--option=Dpkg::Options::=--force-confold',
];

/** @throws Refusal with the end of what apt-get said */
export const aptInstall = (packages) =>
  patiently('apt-get', () => withoutStarts(() => withoutInterruption(() => install(packages))));

async function install(packages) {
  const known = await knowsAll(packages);
  if (!known) await update();
  let result = await run('apt-get', ['install', ...flags, ...packages], { env });
  if (result.code !== 0 && known) {
    await update();
    result = await run('apt-get', ['install', ...flags, ...packages], { env });
  }
  if (result.code === 0) return;
  throw new Refusal(
    [
      `apt-get could not install ${packages.join(' and ')} (code ${result.code}). It said:`,
      ...ending(result.output),
      `Run "apt-get install ${packages.join(' ')}" to see what it asks for, then start again.`,
    ].join('\n'),
  );
}

/** Whether every package has a version to install in the lists that this machine has. */
async function knowsAll(packages) {
  const { code, output } = await run('apt-cache', ['policy', ...packages], { env });
  const candidates = output.match(/^ +Candidate: (?!\(none\))/gm) ?? [];
  return code === 0 && candidates.length === packages.length;
}

async function update() {
  const { code, output } = await run('apt-get', ['update', '--quiet', '--option=DPkg::Lock::Timeout=300'], { env });
  // Often one of many sources is away; whether it matters is seen when packages are installed.
  if (code !== 0) say('apt-get update ended with an error:', ...ending(output, 5));
}

const policyFile = '/usr/sbin/policy-rc.d';
const policy =
  '#!/bin/sh\n# Made by the set-up of FloatLab, for the time of one apt-get: services are not started.\nexit 101\n';

/**
 * A package that brings a service starts it. With systemd that is right; without it (containers) nobody would look
 * after it, and FloatLab starts an engine of its own. Debian asks this file whether services may start.
 */
async function withoutStarts(body) {
  const systemd = existsSync('/run/systemd/system');
  const others = existsSync(policyFile) && readFileSync(policyFile, 'utf8') !== policy;
  if (systemd || others || process.getuid?.() !== 0) return body();
  writeFileSync(policyFile, policy, { mode: 0o755 });
  try {
    return await body();
  } finally {
    rmSync(policyFile);
  }
}

/** Ctrl-C reaches apt-get as well, which ends in order; this process then still tidies up, and ends. */
async function withoutInterruption(body) {
  let interruptedBy = '';
  const note = (signal) => (interruptedBy = signal);
  process.on('SIGINT', note).on('SIGTERM', note);
  try {
    await body();
  } catch (error) {
    throw interruptedBy === '' ? error : new Refusal(`The installation was interrupted (${interruptedBy}).`);
  } finally {
    process.off('SIGINT', note).off('SIGTERM', note);
  }
  if (interruptedBy !== '') throw new Refusal(`Installed, then interrupted (${interruptedBy}).`);
}
