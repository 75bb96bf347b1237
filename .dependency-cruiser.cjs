// The house, from the roof to the cellar: a folder may import what stands below it, and nothing above. Features share a floor and
// do not import each other.
const FLOORS = [
  { rooms: ['api'], why: 'how the world reaches the features: sockets, routes, documents' },
  {
    rooms: ['auth', 'users', 'chat-rooms', 'chat-groups', 'bot', 'notifications'],
    why: 'a feature can be read, and taken out, without the others',
  },
  { rooms: ['conversations'], why: 'what every chat has; it knows no kind of chat' },
  { rooms: ['people'], why: 'who sees whom, whatever they see each other in' },
  { rooms: ['identity'], why: 'who somebody is, whoever asks' },
  { rooms: ['mail'], why: 'letters, whatever they say' },
  { rooms: ['sockets'], why: 'the wire: what may cross it, and how; not what for' },
  {
    rooms: ['domain-events'],
    why: 'what has happened: the lowest floor that knows of commits, so that all may tell and listen',
  },
  { rooms: ['database'], why: 'transactions and portable SQL for any table' },
  { rooms: ['common'], why: 'what has no subject of its own' },
  { rooms: ['config'], why: 'settings, which everything may read' },
];

const roomsOf = (floors) => floors.flatMap(({ rooms }) => rooms);

const floorRules = FLOORS.flatMap(({ rooms, why }, floor) =>
  rooms.map((room) => ({
    name: `${room}-imports-downwards`,
    comment: `src/${room} (${why}) may import: ${roomsOf(FLOORS.slice(floor + 1)).join(', ')}`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: {
      path: '^src/',
      pathNot: [`^src/${room}/`, ...roomsOf(FLOORS.slice(floor + 1)).map((below) => `^src/${below}/`)],
    },
  })),
);

module.exports = {
  forbidden: [
    ...floorRules,
    {
      name: 'every-folder-has-a-floor',
      comment: 'A new folder in src/ needs its place in FLOORS.',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: `^src/(${roomsOf(FLOORS).join('|')})/` },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      comment: 'Nothing imports this file, and it is no entry point.',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '^src/(main|demo)\\.ts$' },
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
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
