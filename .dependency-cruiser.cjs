// The house, from the roof to the cellar: a folder may import what stands below it, and nothing above. Features share a floor and
// do not import each other.
const FLOORS = [
  ['api-docs'],
  ['gateway', 'health'],
  ['users', 'chat-rooms', 'chat-groups', 'bot', 'notifications'],
  ['conversations'],
  ['auth'],
  ['mail'],
  ['realtime'],
  ['database'],
  ['common'],
  ['config'],
];

const floorRules = FLOORS.flatMap((rooms, floor) =>
  rooms.map((room) => ({
    name: `${room}-imports-downwards`,
    comment: `src/${room} may import: ${FLOORS.slice(floor + 1)
      .flat()
      .join(', ')}`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: {
      path: '^src/',
      pathNot: [
        `^src/${room}/`,
        ...FLOORS.slice(floor + 1)
          .flat()
          .map((below) => `^src/${below}/`),
      ],
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
      to: { path: '^src/[^/]+/', pathNot: `^src/(${FLOORS.flat().join('|')})/` },
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
