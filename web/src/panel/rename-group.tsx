import type { Group } from 'parley-client';
import { Dialog } from '../parts/dialog.js';
import { useForm } from '../parts/form.js';
import { GroupName, NAME, NO_NAME } from './group-name.js';
import { ErrorLine } from '../parts/error-line.js';

export function RenameGroup({ group, onClose }: { group: Group; onClose: () => void }) {
  const { isBusy, wrong, refuse, submit } = useForm();
  const before = group.info.get()?.name ?? '';
  const onSubmit = submit(async (values) => {
    const name = (values[NAME] ?? '').trim();
    if (name === '') return refuse(NO_NAME);
    if (name !== before) await group.rename(name);
    onClose();
  });
  const general = wrong.value.errors[''];
  return (
    <Dialog label="Rename the group" onClose={onClose}>
      <form onSubmit={onSubmit} noValidate>
        <h2>Rename the group</h2>
        <GroupName wrong={wrong.value} value={before} />
        <ErrorLine>{general}</ErrorLine>
        <p class="acts">
          <button type="button" class="btn quiet" onClick={onClose}>
            Cancel
          </button>
          <button class="btn primary" disabled={isBusy.value}>
            Rename
          </button>
        </p>
      </form>
    </Dialog>
  );
}
