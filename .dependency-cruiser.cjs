// The house, from the roof to the cellar: a folder may import what stands below it, and nothing above. Features share a floor and
// do not import each other.
const FLOORS = [
  {
    rooms: ['cli'],
    why: "the operator's command line, which may use any part of the server, and all of it",
    also: ['^src/create-app\\.ts$'],
  },
  { rooms: ['api'], why: 'how the world reaches the features: sockets, routes, documents' },
  { rooms: ['admin'], why: "the operator's hand: what admins do to all that the features have" },
  {
    rooms: ['auth', 'users', 'chat-rooms', 'chat-groups', 'bot', 'notifications', 'chat-settings', 'reports'],
    why: 'a feature can be read, and taken out, without the others',
  },
  { rooms: ['integrity'], why: 'what must be true of the rows of any feature' },
  { rooms: ['conversations'], why: 'what every chat has; it knows no kind of chat' },
  { rooms: ['people'], why: 'who sees whom, whatever they see each other in' },
  { rooms: ['identity'], why: 'who somebody is, whoever asks' },
  { rooms: ['settings'], why: 'what an admin changes while the server runs' },
  { rooms: ['mail'], why: 'letters, whatever they say' },
  { rooms: ['sockets'], why: 'the wire: what may cross it, and how; not what for' },
  {
    rooms: ['domain-events'],
    why: 'what has happened: the lowest floor that knows of commits, so that all may tell and listen',
  },
  { rooms: ['cluster'], why: 'what nodes tell each other, and what only one of them does' },
  { rooms: ['database'], why: 'transactions and portable SQL for any table' },
  { rooms: ['common'], why: 'what has no subject of its own' },
  { rooms: ['config'], why: 'settings, which everything may read' },
];

const roomsOf = (floors) => floors.flatMap(({ rooms }) => rooms);

const floorRules = FLOORS.flatMap(({ rooms, why, also = [] }, floor) =>
  rooms.map((room) => ({
    name: `${room}-imports-downwards`,
    comment: `src/${room} (${why}) may import: ${roomsOf(FLOORS.slice(floor + 1)).join(', ')}`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: {
      path: '^src/',
      pathNot: [`^src/${room}/`, ...also, ...roomsOf(FLOORS.slice(floor + 1)).map((below) => `^src/${below}/`)],
    },
  })),
);

// The client, which is published by itself: what may be imported by whom in it.
const ENTRIES_BESIDE = 'node|react|signals';
const clientRules = [
  {
    name: 'client-knows-no-server',
    comment: 'client/src is all that is published; the server is known by its protocol alone.',
    from: { path: '^client/src/' },
    to: { path: '^(src|test|bench|scripts|dist)/' },
  },
  {
    name: 'server-knows-no-client',
    comment: 'The server is installed without its clients.',
    from: { path: '^src/' },
    to: { path: '^(client/|node_modules/parley-client/)' },
  },
  {
    name: 'client-testing-is-for-tests',
    comment: 'The fake server is never shipped.',
    from: { path: '^client/src/', pathNot: '^client/src/testing/' },
    to: { path: '^client/src/testing/' },
  },
  {
    name: 'client-entries-stand-beside',
    comment: 'What is for Node, React or signals is an entry point of its own: nobody else loads it.',
    from: { path: '^client/src/' },
    to: { path: `^client/src/(${ENTRIES_BESIDE})\\.ts$` },
  },
  {
    name: 'client-runs-in-browsers',
    comment: "Node's own modules are for `parley-client/node` alone.",
    from: { path: '^client/src/', pathNot: '^client/src/(node|file-lock)\\.ts$' },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'client-file-lock-is-for-node',
    from: { path: '^client/src/', pathNot: '^client/src/node\\.ts$' },
    to: { path: '^client/src/file-lock\\.ts$' },
  },
  ...[
    ['transport', 'socket.io-client'],
    ['react', '(@types/)?react'],
    ['signals', '@preact/signals-core'],
  ].map(([file, name]) => ({
    name: `client-${file}-alone`,
    comment: `${name} is imported by client/src/${file}.ts alone.`,
    from: { path: '^client/src/', pathNot: `^client/src/${file}\\.ts$` },
    to: { path: `^node_modules/${name}/` },
  })),
  {
    name: 'client-needs-no-more',
    comment: 'What the client is installed with: socket.io-client, and what a binding is for.',
    from: { path: '^client/src/' },
    to: {
      path: '^node_modules/',
      pathNot: '^node_modules/(socket\\.io-client|(@types/)?react|@preact/signals-core|@types/node)/',
    },
  },
].map((rule) => ({ severity: 'error', ...rule }));

module.exports = {
  forbidden: [
    ...floorRules,
    ...clientRules,
    {
      name: 'every-folder-has-a-floor',
      comment: 'A new folder in src/ needs its place in FLOORS.',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: `^src/(${roomsOf(FLOORS).join('|')})/` },
    },
    { name: 'no-cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'client-no-cycles',
      comment: 'The parts of a client know it by its type; at run time nothing imports in circles.',
      severity: 'error',
      from: { path: '^client/src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      comment: 'Nothing imports this file, and it is no entry point.',
      severity: 'error',
      from: { orphan: true, path: '^(client/)?src/', pathNot: '^src/(main|demo|cli)\\.ts$' },
      to: {},
    },
    {
      name: 'declared-packages-only',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'migrations-stand-alone',
      comment: 'Migrations are history: entities change with the code, and what a migration did must not.',
      severity: 'error',
      from: { path: '^src/database/migrations/' },
      to: { path: '^src/', pathNot: '^src/database/migrations/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    // Each package's own package.json counts, beside the root's.
    combinedDependencies: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
