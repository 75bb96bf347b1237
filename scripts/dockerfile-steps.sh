#!/usr/bin/env bash
# Runs the Dockerfile's own COPY and RUN lines in empty temporary folders on this machine, then starts the result as its CMD
# says and asks as its HEALTHCHECK does. Needs no Docker; it uses the Node that runs it instead of the image's.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

fail() {
  echo "dockerfile-steps: $1" >&2
  exit 1
}

# Each stage is a folder; `root` is the present one's, `folder` is where WORKDIR points in it.
root='' folder='' environment=() healthcheck='' command=''

copy() {
  local from=. to=${*: -1} source
  if [[ $1 == --from=* ]]; then
    from=$work/${1#--from=}
    shift
  fi
  [[ $to == /* ]] && to=$root$to || to=$folder/$to
  [[ $to != */ ]] || mkdir -p "$to"
  for source in "${@:1:$#-1}"; do
    [ "$from" != . ] || ! grep -qxF "${source#./}" .dockerignore || fail "$source is in .dockerignore"
    if [ -d "$from/$source" ]; then
      mkdir -p "$to"
      # Of this folder's own modules, and of what is built in it, none gets into an image (.dockerignore); what a stage before made does.
      if [ "$from" = . ]; then
        tar -C "$source" --exclude=node_modules --exclude=dist -cf - . | tar -C "$to" -xf -
      else
        cp -a "$from/$source/." "$to/"
      fi
    else
      cp -a "$from/$source" "$to"
    fi
  done
}

while IFS= read -r line; do
  [[ $line != *\\ ]] || fail "write this on one line: $line"
  read -r instruction arguments <<<"$line"
  case $instruction in
    '' | '#'* | USER | VOLUME | EXPOSE) ;;
    FROM)
      [[ $arguments == *' AS '* ]] && root=$work/${arguments##* AS } || root=$work/image
      folder=$root environment=()
      mkdir "$root"
      ;;
    ENV) read -ra environment <<<"$arguments" ;;
    WORKDIR)
      folder=$root$arguments
      mkdir -p "$folder"
      ;;
    COPY)
      echo "+ $line"
      # shellcheck disable=SC2086 # several sources
      copy $arguments
      ;;
    RUN)
      case $arguments in
        # These prepare the image's system; this machine is as it is, and the data folder comes below.
        'apt-get '* | 'install -d '*) echo "- $line" ;;
        *)
          echo "+ $line"
          (cd "$folder" && env "${environment[@]}" sh -c "$arguments")
          ;;
      esac
      ;;
    HEALTHCHECK) healthcheck=${arguments#*CMD } ;;
    CMD) command=$arguments ;;
    *) fail "this script does not know $instruction" ;;
  esac
done <Dockerfile

words() { node -e 'process.stdout.write(JSON.parse(process.argv[1]).map((word) => word + "\0").join(""))' "$1"; }
mapfile -d '' start < <(words "$command")
mapfile -d '' check < <(words "$healthcheck")
port=$(node -e 'const s = require("net").createServer().listen(0, () => { console.log(s.address().port); s.close() })')

# The image's variables, but a folder and a port of our own, and reachable from this machine alone.
cd "$folder"
echo "+ CMD $command on port $port, Node $(node --version)"
env "${environment[@]}" HOST=127.0.0.1 PORT="$port" DATA_DIR="$work/data" "${start[@]}" &
server=$!
for attempt in $(seq 60); do
  kill -0 "$server" 2>/dev/null || fail 'the server ended by itself'
  if PORT=$port "${check[@]}"; then break; fi
  [ "$attempt" -lt 60 ] || fail 'the HEALTHCHECK still fails after a minute'
  sleep 1
done
echo '+ HEALTHCHECK says healthy'
PORT=$port node -e 'fetch(`http://127.0.0.1:${process.env.PORT}/login`, { headers: { accept: "text/html" } }).then((r) => process.exit(r.ok ? 0 : 1))' || fail 'the web client is not served'
echo '+ the web client is served'
env "${environment[@]}" HOST=127.0.0.1 PORT="$port" DATA_DIR="$work/data" npx --no-install parley check || fail 'parley check finds something wrong'

kill -TERM "$server"
status=0
wait "$server" || status=$?
server=
# 143: ended by the SIGTERM, which is sent on once everything is closed.
[ "$status" = 0 ] || [ "$status" = 143 ] || fail "the server ended with $status"
echo 'The steps of the Dockerfile work.'
