import { KEY } from '../list/list-pane.js';
import { Dialog } from './dialog.js';
import { Close } from './icons.js';
import { isKeyListOpen } from './key-list-open.js';

const KEYS: readonly (readonly [
  heading: string,
  keys: readonly (readonly [keys: readonly string[], what: string])[],
])[] = [
  [
    'Everywhere',
    [
      [[KEY, 'K'], 'Find a person or group'],
      [['Alt', '↑'], 'Previous conversation'],
      [['Alt', '↓'], 'Next conversation'],
      [['Alt', 'Shift', '↓'], 'Next unread conversation'],
      [['Ctrl', 'F6'], 'From the list to the messages, to where you write, to the members'],
      [['Esc'], 'Close, or back to where you write'],
      [[KEY, '/'], 'This list'],
    ],
  ],
  [
    'Writing',
    [
      [['Enter'], 'Send'],
      [['Shift', 'Enter'], 'New line'],
      [['↑'], 'Edit your last message, while nothing is written'],
      [['@', ':'], 'Names and emoji by how they begin: ↑ ↓ choose, Enter or Tab takes one'],
      [['Esc'], 'Cancel an edit or a reply, or stop the helper'],
    ],
  ],
  [
    'In the list and among messages',
    [
      [['↑', '↓'], 'One up or down'],
      [['Home', 'End'], 'The first or last'],
      [['Enter'], 'Open a conversation, or the menu of a message'],
    ],
  ],
];

/** All keys: Ctrl /. */
export function KeyList() {
  const close = (): void => {
    isKeyListOpen.value = false;
  };
  return (
    <Dialog label="Keys" class="dialog key-list" onClose={close}>
      <header>
        <h2>Keys</h2>
        <button type="button" class="icon" aria-label="Close" onClick={close}>
          <Close />
        </button>
      </header>
      {KEYS.map(([heading, keys]) => (
        <section key={heading}>
          <h3>{heading}</h3>
          <dl>
            {keys.map(([names, what]) => (
              <div key={what}>
                <dt>{what}</dt>
                <dd>
                  {names.map((name) => (
                    <kbd key={name}>{name}</kbd>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
