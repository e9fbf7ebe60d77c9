/** From the outside in: looks, questions, who is there, the live connection, the place in the app. */
import { Button, MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { ApiError } from '#ui/client/errors.ts';
import { Logo } from './components/logo.tsx';
import { LiveProvider } from './live/clients.tsx';
import { useSession, WhoProvider } from './live/session.tsx';
import { router } from './router.tsx';
import { SignIn } from './screens/sign-in.tsx';
import { schemeManager, theme } from './theme/theme.ts';
import classes from './app.module.css';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      // The client itself has tried again already where that helps.
      retry: (failures, error) => failures < 1 && !(error instanceof ApiError),
    },
  },
});

export const App = () => (
  <MantineProvider
    theme={theme}
    defaultColorScheme="auto"
    colorSchemeManager={schemeManager}
    withCssVariables={false}
    withGlobalClasses={false}
    deduplicateCssVariables={false}
  >
    <QueryClientProvider client={queries}>
      <Gate />
    </QueryClientProvider>
  </MantineProvider>
);

function Gate() {
  const session = useSession();
  switch (session.state) {
    case 'asking':
      return null;
    case 'unreachable':
      return (
        <main className={classes['away']}>
          <Logo size={32} />
          <h1>The lab does not answer</h1>
          <p className="muted">Is this machine on the lab’s network, and does floatlabd run?</p>
          <Button onClick={session.retry}>Try again</Button>
        </main>
      );
    case 'signed-out':
      return <SignIn />;
    case 'signed-in':
      return (
        <WhoProvider who={session.who}>
          <LiveProvider>
            <RouterProvider router={router} />
          </LiveProvider>
        </WhoProvider>
      );
  }
}
