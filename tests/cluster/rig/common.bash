# What the rig's scripts share: where things are, and how a process is started, waited for and stopped.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cygnet-cluster} # programs, built once
run=${CLUSTER_STATE:-/var/lib/cygnet-cluster}                          # everything of the cluster that runs
bin=$cache/bin pki=$run/pki log=$run/log cfg=$run/etc
net=10.222
api_ip=$net.0.1 dns_ip=$net.0.2
pods=10.223.0.0/16 services=10.224.0.0/16
export STORAGE_DRIVER=${STORAGE_DRIVER:-overlay} BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot}

say() { printf '%s %s\n' "$(date +%T)" "$*" >&2; }

node_address() { echo "$net.0.1$1"; }

start() { # start NAME COMMAND… : in the background, its pid kept, its output in a log
  local name=$1
  shift
  (
    # What the caller holds open (a lock, a pipe) must not live as long as a daemon does.
    for descriptor in /proc/self/fd/*; do
      ((${descriptor##*/} < 3)) || eval "exec ${descriptor##*/}>&-"
    done 2>/dev/null
    exec setsid "$@"
  ) >"$log/$name.log" 2>&1 </dev/null &
  echo $! >"$run/pids/$name"
}

stop() { # stop NAME… : ask, wait up to 10 s each, then kill
  local name pid
  for name in "$@"; do
    pid=$(cat "$run/pids/$name" 2>/dev/null) && kill "$pid" 2>/dev/null
  done
  for name in "$@"; do
    pid=$(cat "$run/pids/$name" 2>/dev/null) || continue
    for _ in {1..100}; do
      grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$pid/status" || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null
    rm -f "$run/pids/$name"
  done
}

wait_for() { # wait_for SECONDS WHAT COMMAND… : until the command succeeds
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS > end)); then
      say "gave up waiting for $what; logs in $log, the newest ends with:"
      tail -qn 2 "$(ls -t "$log"/*.log | head -1)" >&2
      exit 1
    fi
    sleep 1
  done
}
