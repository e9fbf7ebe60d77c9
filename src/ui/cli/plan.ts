/** The events of a dry run as a plan: what `up` is about to do, in a few phrases. Pure. */
import { appEvents } from '#events/app.ts';
import { scheduleEvents } from '#events/schedule.ts';
import { formatSize } from '#events/values/size.ts';
import { volumeEvents } from '#events/volume.ts';
import type { CommandAnswer } from '#io/contract/routes.ts';
import { counted } from './output/words.ts';

type Planned = CommandAnswer['events'][number];

export function planOf(events: readonly Planned[]): readonly string[] {
  return events.flatMap((event) => {
    const phrase = phraseOf(event);
    return phrase === '' ? [] : [phrase];
  });
}

function phraseOf({ type, data, words }: Planned): string {
  if (type.startsWith('operation.')) return '';
  switch (type) {
    case 'app.created':
    case 'app.updated': {
      const read = appEvents['app.updated'].data.pick({ spec: true }).loose().safeParse(data);
      const services = read.data ? Object.keys(read.data.spec.services).length : 0;
      return `${type === 'app.created' ? 'create the app' : 'a new revision'} with ${counted(services, 'service')}`;
    }
    case 'app.start-requested':
      return 'start it';
    case 'volume.created': {
      const read = volumeEvents['volume.created'].data.safeParse(data).data;
      if (!read) return sentence(words);
      const keep = read.spec.keep === undefined ? '' : `, keep ${read.spec.keep}`;
      return `create volume ${read.metadata.name} (${formatSize(read.spec.sizeBytes)}${keep})`;
    }
    case 'schedule.created': {
      const read = scheduleEvents['schedule.created'].data.safeParse(data).data;
      return read ? `snapshots at "${read.spec.cron}"` : sentence(words);
    }
    default:
      return sentence(words);
  }
}

/** `Volume photos-db was kept.` inside a longer sentence. */
const sentence = (words: string): string => words.slice(0, 1).toLowerCase() + words.slice(1).replace(/\.$/, '');
