#!/usr/bin/env bash
# Runs a command with another Node, which the npm registry has as a package: with-node.sh 24 npm test
# It is kept in a cache folder of the user's, and asked for once a machine.
set -euo pipefail
version=$1
shift
folder=${XDG_CACHE_HOME:-$HOME/.cache}/parley/node-$version
[ -x "$folder/node_modules/.bin/node" ] || npm install --silent --no-audit --no-fund --no-save --prefix "$folder" "node@$version" >&2
# Modules that are compiled need the headers of this Node, not of the machine's own.
for headers in "$folder"/node_modules/node/node_modules/node-*; do
  [ ! -d "$headers/include" ] || export npm_config_nodedir=$headers
done
PATH=$folder/node_modules/.bin:$PATH exec "$@"
