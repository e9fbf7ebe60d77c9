import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { AlertList } from '../components/alert-list.tsx';
import { Empty, Loading, Page } from '../components/page.tsx';
import { useView } from '../live/use-view.ts';

export function Alerts() {
  const { rows, ready } = useView('alerts');
  return (
    <Page title="Alerts">
      {!ready ? (
        <Loading lines={2} />
      ) : rows.length === 0 ? (
        <Empty
          title="Nothing is wrong"
          command="floatlab alert ls"
          action={
            <Button variant="default" renderRoot={(props) => <Link to="/activity" {...props} />}>
              What happened lately
            </Button>
          }
        >
          An alert is here as long as its reason holds: an app that failed, a volume that could not be made, a node that
          does not answer. What was wrong before is in Activity.
        </Empty>
      ) : (
        <AlertList rows={rows} />
      )}
    </Page>
  );
}
