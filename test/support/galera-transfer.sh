#!/bin/sh
# How a server of the tests' cluster comes to the state of the others (`wsrep_sst_method`): by what it has missed, which servers send each
# other. Only that this suffices, and from which transaction on, is handed over here, by a file. There is no copy of everything.
folder=$(dirname "$0")
while [ $# -gt 0 ]; do
  case $1 in
  --role) role=$2 ;;
  --address) address=$2 ;;
  --gtid) gtid=$2 ;;
  --bypass) suffices=1 ;;
  esac
  shift
done
case $role in
joiner)
  file=transfer-$$
  echo "ready 127.0.0.1:4444/$file"
  tries=0
  until [ -e "$folder/$file" ]; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || exit 110
    sleep 0.1
  done
  cat "$folder/$file"
  ;;
donor)
  [ -n "$suffices" ] || exit 95
  file=$folder/${address##*/}
  echo "$gtid" >"$file.new"
  mv "$file.new" "$file"
  echo "done $gtid"
  ;;
esac
