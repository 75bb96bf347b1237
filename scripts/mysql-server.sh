#!/usr/bin/env bash
# MySQL itself, for the tests, on a Debian that packages only MariaDB: a small Debian sid in a folder of its own, with an empty data
# folder that the tests copy. Takes a minute and 1.2 GB; does nothing where it is there already. Needs root, as chroot does.
# Prints the folder: $PARLEY_MYSQL_ROOT, or /var/cache/parley/mysql. Nothing stays mounted in it; delete it for a newer MySQL.
set -euo pipefail

root=${PARLEY_MYSQL_ROOT:-/var/cache/parley/mysql}
empty=/var/lib/parley-empty

fail() { printf 'No MySQL for the tests: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail 'only root can make and use it (sudo).'

# The mirror that this machine's own packages come from.
mirror() {
  awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null ||
    awk '/^deb / { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }' /etc/apt/sources.list
}

build() {
  local new=$1
  debootstrap --variant=minbase sid "$new" "$(mirror)"
  # Lists of sid that a mirror has kept for some days are out of date by their own word; their signatures still count.
  echo 'Acquire::Check-Valid-Until "false";' >"$new/etc/apt/apt.conf.d/99-parley"
  # Packages start no servers in there.
  printf '#!/bin/sh\nexit 101\n' >"$new/usr/sbin/policy-rc.d"
  chmod +x "$new/usr/sbin/policy-rc.d"
  # In a namespace of its own, what is mounted ends with the command.
  unshare --mount sh -ec '
    mount -t proc proc "$1/proc"
    chroot "$1" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive chroot "$1" apt-get install -y -qq --no-install-recommends mysql-server
    chroot "$1" apt-get clean
  ' sh "$new"
}

if [ ! -x "$root/usr/sbin/mysqld" ]; then
  command -v debootstrap >/dev/null ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap; } >&2 ||
    fail 'debootstrap cannot be installed.'
  mkdir -p "$(dirname "$root")"
  rm -rf --one-file-system "$root.new"
  build "$root.new" >"$root.log" 2>&1 || fail "it cannot be built from Debian sid today. $root.log ends with: $(tail -n 3 "$root.log")"
  mv "$root.new" "$root"
fi
if [ ! -d "$root$empty" ]; then
  rm -rf "$root$empty.new"
  chroot "$root" mysqld --no-defaults --user=root --initialize-insecure --datadir="$empty.new" >"$root.log" 2>&1 ||
    fail "it does not start. $root.log ends with: $(tail -n 3 "$root.log")"
  # The name that servers of one replication tell each other apart by: each copy makes its own.
  rm "$root$empty.new/auto.cnf"
  mv "$root$empty.new" "$root$empty"
fi
echo "$root"
