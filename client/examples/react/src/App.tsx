import { type Chat, ParleyError } from 'parley-client';
import { useParley, useStore } from 'parley-client/react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { Chats } from './Chats.js';
import { Conversation } from './Conversation.js';

export function App(): ReactNode {
  const auth = useStore(useParley().auth);
  const [open, setOpen] = useState<Chat>();
  // `resume` has not answered yet: neither the form nor the chats, so that nothing flashes.
  if (auth.status === 'unknown') return null;
  if (auth.status === 'signed_out') return <Door email={auth.last_email} reason={auth.reason?.message} />;
  return (
    <div className="app">
      <Chats me={auth.me} open={open} onOpen={setOpen} />
      {open ? (
        <Conversation key={open.key} chat={open} />
      ) : (
        <p className="hint">Choose a conversation, or find somebody to write to.</p>
      )}
    </div>
  );
}

function Door({ email, reason }: { email: string | undefined; reason: string | undefined }): ReactNode {
  const parley = useParley();
  const [error, setError] = useState(reason);
  const signIn = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setError(undefined);
    parley.login(form.get('email') as string, form.get('password') as string).catch((thrown: unknown) => {
      setError(ParleyError.from(thrown).message);
    });
  };
  return (
    <form className="door" onSubmit={signIn}>
      <h1>Sign in</h1>
      <label>
        E-mail <input name="email" type="email" autoComplete="username" defaultValue={email} required />
      </label>
      <label>
        Password <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <p className="error" role="alert">
        {error}
      </p>
      <button>Sign in</button>
    </form>
  );
}
