import type { Group } from 'parley-client';
import { useDeed } from '../parts/deed.js';
import { Confirm } from '../parts/dialog.js';
import { go, to } from '../router.js';

/** Asks whether one means to leave a group, and leaves it. */
export function LeaveGroup({ group, onClose }: { group: Group; onClose: () => void }) {
  const { isBusy, error, run } = useDeed(() => {
    onClose();
    go(to(''));
  });
  const info = group.info.get();
  const name = info?.name ?? 'the group';
  // Not by the list of members, which may not be there yet.
  const isLast = info?.member_count === 1;
  return (
    <Confirm
      title={`Leave ${name}?`}
      text={
        isLast
          ? 'You are its last member: the group and its messages are deleted.'
          : info?.is_owner
            ? 'The group goes to its longest member. You can no longer read it.'
            : 'You can no longer read it.'
      }
      deed={`Leave ${name}`}
      isBad
      error={error.value}
      isBusy={isBusy.value}
      onConfirm={() => run(() => group.leave())}
      onClose={onClose}
    />
  );
}
