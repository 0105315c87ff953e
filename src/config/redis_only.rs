//! The settings that Redis 7 has and fanfare does not. An error can so distinguish them from a
//! typing error.
//!
//! Layer `config`. It uses no other layer.

/// Whether Redis has a setting of this name, in any letter case, that fanfare does not have.
pub(super) fn has(name: &str) -> bool {
    NAMES
        .split_ascii_whitespace()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// The names that CONFIG GET of redis-server 7.0 lists, and those that only its file accepts.
const NAMES: &str = "\
    active-defrag-cycle-max active-defrag-cycle-min active-defrag-ignore-bytes
    active-defrag-max-scan-fields active-defrag-threshold-lower active-defrag-threshold-upper
    active-expire-effort activedefrag activerehashing always-show-logo aof-disable-auto-gc
    aof-load-truncated aof-rewrite-incremental-fsync aof-timestamp-enabled aof-use-rdb-preamble
    aof_rewrite_cpulist appenddirname appendfilename appendfsync auto-aof-rewrite-min-size
    auto-aof-rewrite-percentage bgsave_cpulist bind-source-addr bio_cpulist
    cluster-allow-pubsubshard-when-down cluster-allow-reads-when-down
    cluster-allow-replica-migration cluster-announce-bus-port cluster-announce-hostname
    cluster-announce-ip cluster-announce-port cluster-announce-tls-port cluster-config-file
    cluster-link-sendbuf-limit cluster-migration-barrier cluster-node-timeout cluster-port
    cluster-preferred-endpoint-type cluster-replica-no-failover cluster-replica-validity-factor
    cluster-require-full-coverage cluster-slave-no-failover cluster-slave-validity-factor
    crash-log-enabled crash-memcheck-enabled dbfilename dir disable-thp dynamic-hz
    enable-module-command enable-protected-configs hz ignore-warnings io-threads
    io-threads-do-reads jemalloc-bg-thread lazyfree-lazy-eviction lazyfree-lazy-expire
    lazyfree-lazy-server-del lazyfree-lazy-user-del lazyfree-lazy-user-flush lfu-decay-time
    lfu-log-factor list-compress-depth loadmodule masterauth masteruser
    maxmemory-eviction-tenacity maxmemory-samples min-replicas-max-lag min-replicas-to-write
    min-slaves-max-lag min-slaves-to-write no-appendfsync-on-rewrite oom-score-adj
    oom-score-adj-values pidfile proc-title-template propagation-error-behavior
    rdb-del-sync-files rdb-save-incremental-fsync rdbchecksum rdbcompression repl-backlog-size
    repl-backlog-ttl repl-disable-tcp-nodelay repl-diskless-load repl-diskless-sync
    repl-diskless-sync-delay repl-diskless-sync-max-replicas repl-ping-replica-period
    repl-ping-slave-period repl-timeout replica-announce-ip replica-announce-port
    replica-announced replica-ignore-disk-write-errors replica-ignore-maxmemory
    replica-lazy-flush replica-priority replica-read-only replica-serve-stale-data replicaof
    sanitize-dump-payload sentinel server_cpulist set-proc-title
    shutdown-on-sigint shutdown-on-sigterm slave-announce-ip slave-announce-port
    slave-ignore-maxmemory slave-lazy-flush slave-priority slave-read-only
    slave-serve-stale-data slaveof socket-mark-id stop-writes-on-bgsave-error
    supervised syslog-enabled syslog-facility
    syslog-ident tls-ca-cert-dir tls-ciphers tls-ciphersuites tls-client-cert-file
    tls-client-key-file tls-client-key-file-pass tls-cluster tls-dh-params-file
    tls-key-file-pass tls-prefer-server-ciphers tls-replication tls-session-cache-size
    tls-session-cache-timeout tls-session-caching
        ";
