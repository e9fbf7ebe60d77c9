/** The door. It stands at every address, so that a link that was sent still leads there after signing in. */
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { Logo } from '../components/logo.tsx';
import { useTitle } from '../components/page.tsx';
import { TroubleBox } from '../components/trouble.tsx';
import { useSessionActions } from '../live/session.tsx';
import { troubleOf, type Trouble } from '../live/use-command.ts';
import classes from './sign-in.module.css';

export function SignIn() {
  useTitle('Sign in');
  const { signIn } = useSessionActions();
  const [name, setName] = useState('admin');
  const [password, setPassword] = useState('');
  const [trouble, setTrouble] = useState<Trouble>();
  const [isAsking, setAsking] = useState(false);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setAsking(true);
    try {
      await signIn(name, password);
    } catch (error) {
      setTrouble(troubleOf(error));
      setAsking(false);
    }
  };

  return (
    <main className={classes['screen']}>
      <form className={classes['card']} onSubmit={(event) => void submit(event)}>
        <div className={classes['brand']}>
          <Logo size={32} />
          <h1>Sign in to FloatLab</h1>
        </div>
        <TextInput
          label="Name"
          name="username"
          autoComplete="username"
          required
          withAsterisk={false}
          size="sm"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          name="password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          autoFocus
          size="sm"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
        />
        {trouble && <TroubleBox trouble={trouble} />}
        <Button type="submit" size="sm" fullWidth loading={isAsking}>
          Sign in
        </Button>
        <p className={classes['help']}>
          The first start of <code>floatlabd</code> printed the password of <code>admin</code>.
        </p>
      </form>
    </main>
  );
}
