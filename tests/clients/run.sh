#!/usr/bin/env bash
# Runs real client libraries and applications against a server; README.md says what they check.
#
#   tests/clients/run.sh [SERVER]      SERVER is a binary, by default target/release/fanfare
#
# In the environment:
#   CLIENTS_DIR   where the clients are installed, by default target/clients
#   SERVER_PORT           use the server that runs there instead of starting one; then also needed are
#   SERVER_PORT_AUTH      a second one with `requirepass sesame`, and
#   SERVER_SOCKET         the first one's Unix socket, by default what its CONFIG GET unixsocket says
#   SERVER_PORT_TLS       a TLS port of a third one, whose files are in
#   SERVER_TLS_DIRECTORY  this directory, as `run.sh certificates DIRECTORY` makes them; without, TLS is not checked

set -uo pipefail

called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
checks=$PWD/tests/clients
mkdir -p "${CLIENTS_DIR:-target/clients}/node" || exit 1
clients=$(cd "${CLIENTS_DIR:-target/clients}" && pwd) || exit 1
scratch=$(mktemp -d /tmp/clients.XXXXXX) || exit 1 # short: a Unix socket's path has at most 107 bytes
passed=0
failed=0
servers=()

stop_servers() {
  local pid
  for pid in "${servers[@]}"; do
    kill "$pid" 2>/dev/null
    for _ in {1..50}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  rm -rf "$scratch"
}
trap stop_servers EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# fail NAME [FILE]: counts and prints a failure, with the end of the file that explains it.
fail() {
  echo "FAIL $1"
  [ $# -lt 2 ] || tail -n 40 "$2"
  failed=$((failed + 1))
}

# Makes what tls.py needs in a directory: two authorities, and certificates that the first has signed.
certificates() {
  local at=$1 name
  for name in ca other_ca; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$name" \
      -keyout "$at/$name.key" -out "$at/$name.pem" || return 1
  done
  for name in server renewed client; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
      -keyout "$at/$name.key" -out "$at/$name.csr" &&
      openssl x509 -req -in "$at/$name.csr" -CA "$at/ca.pem" -CAkey "$at/ca.key" -CAcreateserial -days 3650 \
        -extfile <(echo "subjectAltName=IP:127.0.0.1") -out "$at/$name.pem" || return 1
  done
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

# python_clients VENV LIST: makes a virtual environment that has exactly the list's packages.
python_clients() {
  local venv=$clients/$1 list=$checks/python/$2
  cmp -s "$list" "$venv/requirements.txt" ||
    { python3 -m venv --clear "$venv" &&
      "$venv/bin/pip" install --disable-pip-version-check -r "$list" &&
      cp "$list" "$venv/requirements.txt"; }
}

# Unpacks the programs of Debian packages. They are not installed: that would start them as services.
debian_programs() {
  local at=$clients/debian package
  mkdir -p "$at" && (cd "$at" && apt-get download "$@") || return 1
  for package in "$at"/*.deb; do dpkg -x "$package" "$at" || return 1; done
  rm "$at"/*.deb
}

# Installs what is missing. The lists pin every package, the indirect ones too.
install() {
  local log=$scratch/install apt=()
  [ "$(id -u)" -eq 0 ] || apt=(sudo)
  if ! command -v redis-cli >/dev/null || ! command -v redis-benchmark >/dev/null || ! command -v redis-server >/dev/null; then
    "${apt[@]}" apt-get update && "${apt[@]}" apt-get install -y redis-tools redis-server
  fi >"$log" 2>&1 || { fail "install redis-tools and redis-server" "$log"; return 1; }
  if ! command -v openssl >/dev/null; then
    "${apt[@]}" apt-get update && "${apt[@]}" apt-get install -y openssl
  fi >"$log" 2>&1 || { fail "install openssl" "$log"; return 1; }
  if ! command -v sidekiq >/dev/null; then
    "${apt[@]}" apt-get update && "${apt[@]}" apt-get install -y --no-install-recommends ruby-sidekiq
  fi >"$log" 2>&1 || { fail "install ruby-sidekiq" "$log"; return 1; }
  if ! command -v chromium >/dev/null; then
    "${apt[@]}" apt-get update && "${apt[@]}" apt-get install -y --no-install-recommends chromium
  fi >"$log" 2>&1 || { fail "install chromium" "$log"; return 1; }
  if ! [ -x "$clients/debian/usr/bin/prometheus" ] || ! [ -x "$clients/debian/usr/bin/prometheus-redis-exporter" ]; then
    "${apt[@]}" apt-get update && debian_programs prometheus prometheus-redis-exporter
  fi >"$log" 2>&1 || { fail "unpack Prometheus and redis_exporter" "$log"; return 1; }
  export CHECK_DEBIAN_PROGRAMS=$clients/debian/usr/bin
  python_clients venv requirements.txt >"$log" 2>&1 || { fail "install the Python clients" "$log"; return 1; }
  # arq wants an older redis-py than the others.
  python_clients venv_arq requirements_arq.txt >"$log" 2>&1 || { fail "install arq" "$log"; return 1; }
  # These want one that is older than 8, but no such old one.
  python_clients venv_redis7 requirements_redis7.txt >"$log" 2>&1 || { fail "install limits, pyrate-limiter and saq" "$log"; return 1; }
  # The programs are copied next to node_modules, because that is where Node looks for packages.
  cp "$checks"/node/*.mjs "$checks"/node/package.json "$checks"/node/.npmrc "$clients/node/" || return 1
  if ! cmp -s "$checks/node/package-lock.json" "$clients/node/node_modules/installed.json"; then
    cp "$checks/node/package-lock.json" "$clients/node/" &&
      (cd "$clients/node" && npm ci) &&
      cp "$checks/node/package-lock.json" "$clients/node/node_modules/installed.json"
  fi >"$log" 2>&1 || { fail "install the Node clients" "$log"; return 1; }
}

# start NAME OPTION...: starts the server and waits until it says that every listener is ready.
start() {
  local name=$1 listeners=1 pid
  shift
  case " $* " in *" --unixsocket "*) listeners=$((listeners + 1)) ;; esac
  case " $* " in *" --http-port "*) listeners=$((listeners + 1)) ;; esac
  : >"$scratch/$name"
  "$server" --port 0 "$@" >>"$scratch/$name" 2>"$scratch/$name.err" </dev/null &
  pid=$!
  servers+=("$pid")
  for _ in {1..100}; do
    [ "$(grep -c '^ready ' "$scratch/$name")" -lt "$listeners" ] || return 0
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  cat "$scratch/$name.err" >>"$scratch/$name"
  fail "start $server --port 0 $*" "$scratch/$name"
  return 1
}

port_of() {
  sed -n 's/^ready t[cl][ps] .*:\([0-9]\{1,\}\)$/\1/p' "$scratch/$1" | head -n 1
}

url_of() {
  sed -n 's/^ready http /http:\/\//p' "$scratch/$1"
}

# run NAME SECONDS COMMAND...: one file of checks. Each check has a limit of its own; SECONDS is the last resort.
run() {
  local name=$1 limit=$2 output=$scratch/output status ok bad total
  shift 2
  timeout --kill-after=5 "$limit" "$@" >"$output" 2>&1 </dev/null
  status=$?
  ok=$(grep -c '^ok ' "$output")
  bad=$(grep -c '^FAIL ' "$output")
  total=$(sed -n 's/^ran \([0-9]*\) of \1 checks$/\1/p' "$output" | tail -n 1)
  grep -v '^ran [0-9]* of ' "$output"
  passed=$((passed + ok))
  failed=$((failed + bad))
  if [ "${total:-none}" != $((ok + bad)) ] || { [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
    fail "$name: ended early after $ok ok, with status $status"
  fi
}

if [ "${1:-}" = certificates ]; then
  at=$(cd "$called_from" && realpath -e "${2:?a directory}") || exit 1
  certificates "$at"
  exit
fi

install || finish

if [ -n "${SERVER_PORT:-}" ]; then
  export CHECK_PORT=$SERVER_PORT CHECK_AUTH_PORT=${SERVER_PORT_AUTH:-}
  export CHECK_UNIX_SOCKET=${SERVER_SOCKET:-$(redis-cli -p "$SERVER_PORT" config get unixsocket | sed -n 2p)}
  [ -n "$CHECK_AUTH_PORT" ] || { fail "SERVER_PORT_AUTH is not set"; finish; }
  export CHECK_TLS_PORT=${SERVER_PORT_TLS:-} CHECK_TLS_DIRECTORY=${SERVER_TLS_DIRECTORY:-}
  [ -n "$CHECK_UNIX_SOCKET" ] || { fail "the server on port $SERVER_PORT has no Unix socket"; finish; }
else
  server=$(cd "$called_from" && realpath -e "${1:-$checks/../../target/release/fanfare}") ||
    { fail "there is no server binary"; finish; }
  export CHECK_UNIX_SOCKET=$scratch/socket
  start plain --unixsocket "$CHECK_UNIX_SOCKET" --http-port auto &&
    start auth --requirepass sesame --http-port auto || finish
  export CHECK_HTTP=$(url_of plain) CHECK_AUTH_HTTP=$(url_of auth)
  export CHECK_TLS_DIRECTORY=$scratch/certificates
  mkdir "$CHECK_TLS_DIRECTORY" && certificates "$CHECK_TLS_DIRECTORY" >"$scratch/openssl" 2>&1 ||
    { fail "make certificates" "$scratch/openssl"; finish; }
  start tls --tls-port auto --tls-cert-file "$CHECK_TLS_DIRECTORY/server.pem" \
    --tls-key-file "$CHECK_TLS_DIRECTORY/server.key" --tls-ca-cert-file "$CHECK_TLS_DIRECTORY/ca.pem" || finish
  export CHECK_TLS_PORT=$(port_of tls)
  export CHECK_PORT=$(port_of plain) CHECK_AUTH_PORT=$(port_of auth) CHECK_BINARY=$server
fi

export PYTHONDONTWRITEBYTECODE=1
for file in redis_cli redis_cli_queue redis_py redis_py_queue redis_py_types redis_py_streams redis_py_keys redis_py_caching redis_py_asyncio \
  applications taskiq_redis_brokers faststream_streams apscheduler_store django_cache sidekiq_workers celery_workers \
  huey_queues dramatiq_workers rq_workers redis_locks redis_exporter readme_snippets; do
  run "$file.py" 300 "$clients/venv/bin/python" "$checks/python/$file.py"
done
run arq_jobs.py 300 "$clients/venv_arq/bin/python" "$checks/python/arq_jobs.py"
for file in rate_limiters saq_jobs; do
  run "$file.py" 300 "$clients/venv_redis7/bin/python" "$checks/python/$file.py"
done
if [ -n "$CHECK_TLS_PORT" ]; then
  run tls.py 300 "$clients/venv/bin/python" "$checks/python/tls.py"
fi
for file in node_redis node_redis_queue node_redis_types node_redis_streams node_redis_scripts ioredis ioredis_queue \
  ioredis_types ioredis_streams ioredis_scripts caching socketio graphql connect_redis aedes node_resque bull bullmq \
  bee_queue rsmq redlock redis_semaphore rate_limiter_flexible readme_snippets; do
  run "$file.mjs" 300 node "$clients/node/$file.mjs"
done
# Redis has no port for HTTP, and is no edge.
if [ -n "${CHECK_HTTP:-}" ]; then
  run redis_py_edges.py 300 "$clients/venv/bin/python" "$checks/python/redis_py_edges.py"
  run edges.mjs 300 node "$clients/node/edges.mjs"
  run socketio_edges.mjs 300 node "$clients/node/socketio_edges.mjs"
  run prometheus.py 300 "$clients/venv/bin/python" "$checks/python/prometheus.py"
  run upstash.mjs 300 node "$clients/node/upstash.mjs"
  run page.mjs 300 node "$clients/node/page.mjs"
fi
for pid in "${servers[@]}"; do
  kill -0 "$pid" 2>/dev/null || { cat "$scratch"/*.err >"$scratch/ended"; fail "the server ended during the checks" "$scratch/ended"; }
done
finish
