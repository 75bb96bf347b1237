import { Dialog } from '../parts/dialog.js';
import { useForm } from '../parts/form.js';
import { parley } from '../parley.js';
import { go, pathOf } from '../router.js';
import { GroupName, NAME, NO_NAME, wordsForGroup } from './group-name.js';
import { isMakingGroup } from './making.js';
import { ErrorLine } from '../parts/error-line.js';

/** Makes a group, and goes there. */
export function NewGroup() {
  const { isBusy, wrong, refuse, submit } = useForm(wordsForGroup);
  const close = (): void => {
    isMakingGroup.value = false;
  };
  const onSubmit = submit(async (values) => {
    const name = (values[NAME] ?? '').trim();
    if (name === '') return refuse(NO_NAME);
    const group = await parley.groups.create({ name, is_private: values['kind'] === 'private' });
    close();
    go(pathOf(group.ref));
  });
  const general = wrong.value.errors[''];
  return (
    <Dialog label="New group" onClose={close}>
      <form onSubmit={onSubmit} noValidate>
        <h2>New group</h2>
        <GroupName wrong={wrong.value} />
        <fieldset class="kinds">
          <legend>Who can join</legend>
          <Kind value="open" title="Open" note="Anybody on this server can find it and join." isFirst />
          <Kind value="private" title="Private" note="Anybody can find it and ask. You decide who joins." />
        </fieldset>
        <ErrorLine>{general}</ErrorLine>
        <p class="acts">
          <button type="button" class="btn quiet" onClick={close}>
            Cancel
          </button>
          <button class="btn primary" disabled={isBusy.value}>
            Make the group
          </button>
        </p>
      </form>
    </Dialog>
  );
}

interface KindProps {
  readonly value: string;
  readonly title: string;
  readonly note: string;
  readonly isFirst?: boolean;
}

function Kind({ value, title, note, isFirst = false }: KindProps) {
  return (
    <label class="kind">
      <input type="radio" name="kind" value={value} defaultChecked={isFirst} />
      <span>
        <b>{title}</b>
        <small>{note}</small>
      </span>
    </label>
  );
}
