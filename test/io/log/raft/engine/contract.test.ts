import { eventLogContract } from '#test/contracts/event-log.ts';
import { TestGroup } from './group.ts';

eventLogContract('The group of one', async () => {
  const group = new TestGroup();
  return {
    open: async () => {
      const [known] = group.members.values();
      if (known) await known.start();
      else await group.start(1);
      const leader = await group.leader();
      return leader.log;
    },
    dispose: () => group.stop(),
  };
});

eventLogContract('The leader of three', async () => {
  const group = new TestGroup();
  return {
    open: async () => {
      const known = [...group.members.values()];
      if (known.length === 0) await group.start(3);
      for (const member of known) await member.restart();
      const leader = await group.leader();
      return leader.log;
    },
    dispose: () => group.stop(),
  };
});
