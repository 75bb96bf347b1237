import type { Group } from 'parley-client';
import { useDeed } from '../parts/deed.js';
import { Confirm } from '../parts/dialog.js';
import { server } from '../parley.js';
import { go, to } from '../router.js';

/** Whether one may end the group for everybody; what one may not do is absent. */
export function mayDeleteGroup(group: Group): boolean {
  const info = group.info.get();
  return info?.is_owner === true && !info.is_frozen && (server.value?.features.includes('group_delete') ?? false);
}

/** Asks its owner whether they mean it, and deletes a group. */
export function DeleteGroup({ group, onClose }: { group: Group; onClose: () => void }) {
  const { isBusy, error, run } = useDeed(() => {
    onClose();
    go(to(''));
  });
  const name = group.info.get()?.name ?? 'the group';
  return (
    <Confirm
      title={`Delete ${name}?`}
      text="The group and everything written in it are deleted for everybody, on all devices. This cannot be undone."
      deed={`Delete ${name}`}
      isBad
      error={error.value}
      isBusy={isBusy.value}
      onConfirm={() => run(() => group.deleteGroup())}
      onClose={onClose}
    />
  );
}
