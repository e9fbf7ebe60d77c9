import { Button } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { Command, Page } from '../components/page.tsx';
import { Deploy } from '../components/deploy.tsx';
import classes from './new-app.module.css';

const example = `name: notes

x-floatlab:
  size: 1GiB
  snapshot:
    schedule: "0 * * * *"
  keep: 24h:1h 14d:1d

services:
  web:
    image: nginx:1.27-alpine
    ports:
      - "8080:80"
    volumes:
      - pages:/usr/share/nginx/html
    restart: unless-stopped

volumes:
  pages:
`;

/** The file is read by the browser and goes into the editor; nothing is sent. */
function FileButton({ onText }: { readonly onText: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button variant="default" onClick={() => input.current?.click()}>
        Open a file…
      </Button>
      <input
        ref={input}
        type="file"
        accept=".yaml,.yml"
        hidden
        aria-label="Compose file"
        onChange={(event) => void event.target.files?.[0]?.text().then(onText)}
      />
    </>
  );
}

export function NewApp() {
  const navigate = useNavigate();
  const [start, setStart] = useState({ text: '', id: 0 });
  const begin = (text: string): void => setStart(({ id }) => ({ text, id: id + 1 }));
  return (
    <Page title="New app">
      <Deploy
        key={start.id}
        initial={start.text}
        onCancel={() => void navigate({ to: '/apps' })}
        onDone={({ namespace, name }) => void navigate({ to: '/apps/$namespace/$name', params: { namespace, name } })}
        aside={
          <div className={classes['aside']}>
            <p>
              An app is a docker-compose file. FloatLab keeps it byte for byte, gives it a node, makes its volumes and
              keeps it up. What compose has no words for (sizes, snapshots, how long they are kept) stands under{' '}
              <code>x-floatlab</code>.
            </p>
            <div className={classes['ways']}>
              <Button variant="default" onClick={() => begin(example)}>
                Begin with an example
              </Button>
              <FileButton onText={begin} />
            </div>
            <p className="muted">The same from a terminal:</p>
            <Command text="floatlab up -f compose.yaml" />
          </div>
        }
      />
    </Page>
  );
}
