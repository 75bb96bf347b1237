import type { Scenario } from './scenarios.js';

/** Who belongs to a group: let in, removed, gone; and those who ask. */
export const DOORS: readonly Scenario[] = [
  {
    name: 'members are added and removed',
    play: async (scene) => {
      const [[ada, a], [alan, b], [cyd, c]] = await scene.online('Ada', 'Alan', 'Cyd');
      const group = await scene.group(ada, 'Engines');
      const members = `/http/chat_groups/${group}/members`;
      await scene.enterAlone(a, ada, group);
      await scene.toGroup(a, group, 'Before');
      await scene.ask(ada, 'POST', members, { user_id: alan.id });
      await b.hears('group_update', { is_member: true });
      await b.hears('notification', { last_read_seq: 1 });
      await scene.ask(ada, 'POST', members, { user_id: alan.id });
      await scene.ask(alan, 'POST', members, { user_id: cyd.id });
      await scene.ask(cyd, 'POST', members, { user_id: cyd.id });
      for (const user_id of [999, 'x', '2', undefined]) await scene.ask(ada, 'POST', members, { user_id });
      await scene.enter(b, group);
      await a.hears('message', { notice: { kind: 'entered', user_ids: [alan.id] } });
      for (const [who, id] of [
        [alan, ada.id],
        [cyd, alan.id],
        [ada, cyd.id],
        [ada, 999],
      ] as const)
        await scene.ask(who, 'DELETE', `${members}/${id}`);
      await scene.ask(ada, 'DELETE', `${members}/${alan.id}`);
      await scene.ask(ada, 'DELETE', `${members}/${alan.id}`);
      await b.hears('group_update', { is_member: false });
      await scene.toGroup(b, group, 'Not any more');
      await scene.enter(b, group);
      await scene.get(alan, `/http/chat_groups/${group}`);
      await scene.get(alan, '/http/chat_groups');
      await b.hears('group_update', { name: 'Engines', member_count: null });
      await scene.ask(ada, 'POST', members, { user_id: alan.id });
      await b.hears('group_update', { name: 'Engines', member_count: 2 });
      await scene.ask(alan, 'DELETE', `${members}/${alan.id}`);
      await scene.ask(alan, 'DELETE', `${members}/${alan.id}`);
      await scene.ask(ada, 'POST', members, { user_id: alan.id });
      await scene.enter(b, group);
      await c.hears('group_update', { name: 'Engines', member_count: 2 });
      await scene.get(ada, `/http/users/group/${group}`);
    },
  },
  {
    name: 'an owner who goes leaves the group to its longest member, and the last one deletes it',
    play: async (scene) => {
      const [[ada, a], [alan, b], [cyd, c]] = await scene.online('Ada', 'Alan', 'Cyd');
      const group = await scene.group(ada, 'Engines');
      await scene.enter(c, group);
      await scene.wire.moment();
      await scene.enter(b, group);
      await scene.ask(ada, 'DELETE', `/http/chat_groups/${group}/members/${ada.id}`);
      await c.hears('group_update', { owner_id: cyd.id, is_in: true });
      await a.hears('group_update', { name: 'Engines', owner_id: cyd.id });
      await scene.get(ada, '/http/chat_groups');
      await scene.ask(cyd, 'DELETE', `/http/chat_groups/${group}/members/${cyd.id}`);
      await b.hears('group_update', { owner_id: alan.id, is_in: true });
      await scene.ask(alan, 'DELETE', `/http/chat_groups/${group}/members/${alan.id}`);
      await a.hears('group_update', { deleted: true });
      await scene.get(alan, `/http/chat_groups/${group}`);
      await scene.get(ada, '/http/chat_groups');
    },
  },
  {
    name: 'asking to be let in, and the answers',
    play: async (scene) => {
      const [[ada, a], [alan, b], [cyd, c]] = await scene.online('Ada', 'Alan', 'Cyd');
      const secret = await scene.group(ada, 'Secret', true);
      const open = await scene.group(ada, 'Open');
      const at = (id: number | string): string => `/http/chat_groups/access_requests/${id}`;
      await scene.get(alan, `/http/chat_groups/${secret}`);
      await scene.enter(b, secret);
      await scene.ask(alan, 'POST', at(secret));
      await a.hears('access_request', { status: 'pending' });
      await scene.ask(alan, 'POST', at(secret));
      await scene.ask(alan, 'POST', at(open));
      await scene.ask(ada, 'POST', at(secret));
      for (const id of [99, 'x']) await scene.ask(alan, 'POST', at(id));
      await scene.ask(cyd, 'POST', at(secret));
      for (const who of [ada, alan]) await scene.get(who, at(secret));
      await scene.get(alan, '/http/chat_groups');
      await scene.ask(alan, 'PUT', at(secret), { requester_id: alan.id, access: true });
      for (const body of [
        { requester_id: 999, access: true },
        { requester_id: alan.id },
        { access: 1, requester_id: 'x' },
      ])
        await scene.ask(ada, 'PUT', at(secret), body);
      await scene.ask(ada, 'PUT', at(secret), { requester_id: alan.id, access: false });
      await b.hears('access_request', { status: 'refused' });
      await scene.ask(alan, 'POST', at(secret));
      await scene.get(alan, '/http/chat_groups');
      await scene.ask(ada, 'PUT', at(secret), { requester_id: cyd.id, access: true });
      await c.hears('access_request', { status: 'granted' });
      await c.hears('group_update', { is_member: true });
      await scene.ask(ada, 'PUT', at(secret), { requester_id: cyd.id, access: true });
      await scene.get(cyd, at(secret));
      await scene.get(cyd, '/http/chat_groups');
      await scene.enter(c, secret);
      await scene.ask(ada, 'DELETE', `/http/chat_groups/${open}/members/${ada.id}`);
      // Whoever was removed from an open group asks, too; and who waits is granted by being added.
      const other = await scene.group(ada, 'Other');
      await scene.enter(b, other);
      await scene.ask(ada, 'DELETE', `/http/chat_groups/${other}/members/${alan.id}`);
      await scene.ask(alan, 'POST', at(other));
      await scene.ask(ada, 'POST', `/http/chat_groups/${other}/members`, { user_id: alan.id });
      await b.hears('access_request', { status: 'granted', chat_group_id: other });
      await scene.get(alan, '/http/chat_groups');
    },
  },
];
