#!/bin/bash
# Process 1 of a test machine, in namespaces of its own (see namespaced-process.ts). It gives the machine a file system of
# its own, asks its owner for a network, runs sshd (and nix-daemon), and ends when one of these ends, or its owner:
# standard input is a pipe that only the owner's process holds, so even a SIGKILL of the owner closes it. When process 1
# ends, the kernel kills everything in the machine, and with the last process its mounts, network and name vanish.
#
# Environment: NAME, MACHINE_DIRECTORY, SHARED_DIRECTORY, DROVER_FLEET (whose machine this is, for leftovers.ts),
#   STORE_MEGABYTES (empty: /nix is a directory on disk), SERVICES ("sshd" or "nix-daemon sshd"), NIX_ON_PATH (or empty)
set -euo pipefail
umask 022
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# A new root on a tmpfs: the host's programs, and nothing else of the host.
lay_out_file_system() {
  local root=$MACHINE_DIRECTORY/root entry
  mount --make-rprivate /
  mount -t tmpfs -o mode=755 "drover-machine-$NAME" "$root"
  mkdir -p "$root"/{dev,etc,home,nix,opt,proc,root,run/machine,run/sshd,tmp,var/empty,.host}
  for entry in usr bin sbin lib lib32 lib64 libx32; do
    if [ -L "/$entry" ]; then cp -d "/$entry" "$root/"
    elif [ -d "/$entry" ]; then mkdir "$root/$entry"; mount --rbind "/$entry" "$root/$entry"; fi
  done
  mount --rbind /dev "$root/dev"
  mount -t proc proc "$root/proc"
  mount --bind "$MACHINE_DIRECTORY/tmp" "$root/tmp"
  mount --bind "$MACHINE_DIRECTORY/control" "$root/run/machine"
  if [ -n "$STORE_MEGABYTES" ]; then mount -t tmpfs -o "mode=755,size=${STORE_MEGABYTES}m" "drover-store-$NAME" "$root/nix"
  else mount --bind "$MACHINE_DIRECTORY/nix" "$root/nix"; fi
  # What the fleet shares (client key, probe file) is at its own path everywhere. Only the last folder is mounted, so
  # that build users may pass folders which are closed to them on the host.
  mkdir -p "$root$SHARED_DIRECTORY"
  mount --bind "$SHARED_DIRECTORY" "$root$SHARED_DIRECTORY"

  # Without localtime and the like programs still run, and a plain user cannot read ssl/private.
  cp -dR /etc/{alternatives,ssl,ld.so.cache,ld.so.conf,ld.so.conf.d,nsswitch.conf,localtime,services,protocols} \
    "$root/etc/" 2>/dev/null || true
  cp -R "$MACHINE_DIRECTORY/etc/." "$root/etc/"
  cp -R "$MACHINE_DIRECTORY/homes/." "$root/"
  echo "$NAME" > "$root/run/machine-name" # readable in Nix's sandbox, where the host name is always "localhost"

  cd "$root"
  pivot_root . .host
  cd /
  umount --lazy --no-mtab /.host
  rmdir /.host
}

# A new store, Nix where its installers put it and, as non-interactive sessions on macOS have, a PATH without it.
lay_out_nix() {
  nix-store --init
  mkdir -p /nix/var/nix/profiles/default/bin
  ln -sf /usr/bin/nix* /nix/var/nix/profiles/default/bin/
  [ -n "$NIX_ON_PATH" ] || { mkdir /opt/without-nix; ln -s /usr/bin/* /opt/without-nix/; rm /opt/without-nix/nix*; }
  [ ! -d /home/nixssh ] || chown nixssh: /home/nixssh
}

# Becomes a program. A plain user's process 1 has capabilities in its user namespace, to mount; a session must not.
without_capabilities() {
  if [ "$(id -u)" = 0 ]; then exec "$@"; else exec setpriv --inh-caps=-all --ambient-caps=-all "$@"; fi
}

start() {
  case $1 in
    sshd)
      without_capabilities /usr/sbin/sshd -D -e -f /run/machine/sshd_config </dev/null & ;;
    nix-daemon)
      nix-daemon </dev/null &
      until [ -S /nix/var/nix/daemon-socket/socket ]; do sleep 0.01; done ;;
  esac
}

main() { # all of it parsed before it runs: the script's own file is gone with the old root
  local service
  exec 2>> "$MACHINE_DIRECTORY/log"
  hostname "$NAME"
  lay_out_file_system
  echo the network may come
  exec 3<&0 >&2
  lay_out_nix
  read -r _ || exit 0 # the owner has connected the network
  for service in $SERVICES; do start "$service"; done
  cat <&3 >/dev/null & # ends when the owner does
  wait -n # for the first of these to end; meanwhile bash reaps orphans
}
main
exit 0
