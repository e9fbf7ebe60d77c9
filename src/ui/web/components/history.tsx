/** The events of an object, newest first, each with who and why; older ones on demand. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { useActivity } from '../live/use-activity.ts';
import { troubleOf } from '../live/use-command.ts';
import { ActivityItem } from './activity-list.tsx';
import { Loading, Section } from './page.tsx';
import { TroubleBox } from './trouble.tsx';

export function History({ streams }: { readonly streams: readonly string[] }) {
  const { rows, ready, error, loadOlder, atEnd, fresh } = useActivity({ limit: 100, streams });
  const [open, setOpen] = useState<number>();
  if (error && rows.length === 0) return <TroubleBox trouble={troubleOf(error)} />;
  if (!ready) return <Loading />;
  return (
    <>
      <Section>
        {rows.map((row) => (
          <ActivityItem
            key={row.index}
            row={row}
            isOpen={open === row.index}
            onToggle={() => setOpen(open === row.index ? undefined : row.index)}
            fresh={fresh(row.index)}
          />
        ))}
      </Section>
      {!atEnd && (
        <Button variant="subtle" color="gray" mt={8} onClick={loadOlder}>
          Show older
        </Button>
      )}
    </>
  );
}
