//! What all connections of one server share.
//!
//! Layer `state`. It may use `store`, `acl`, `observe`, `upstream`, `pubsub`, `catalog`, `client`,
//! `config` and the lowest layers.

pub(crate) mod bound;
pub(crate) mod client_figures;
pub(crate) mod clients;
pub(crate) mod closed;
pub(crate) mod departure;
pub mod descriptors;
pub(crate) mod hand_over;
pub(crate) mod memory;
pub(crate) mod memory_trigger;
#[cfg(all(test, shuttle))]
mod model;
pub(crate) mod panic;
pub(crate) mod pause;
pub(crate) mod placement;
pub(crate) mod sampled;
pub(crate) mod shutdown;
pub(crate) mod tls;
pub(crate) mod upstream_tls;
mod waiting;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

use bound::Bound;
use client_figures::ClientFigures;
use clients::Clients;
use closed::ClosedClients;
use memory::MemoryHistory;
use memory_trigger::MemoryTrigger;
use panic::Panic;
use pause::Pause;
use placement::Placement;
use sampled::Sampled;
use shutdown::Shutdown;
use tls::Tls;

use crate::acl::{self, Acl};
use crate::catalog::CATALOG;
use crate::client::log::log_client;
use crate::client::outbox::{OverflowChoice, Written};
use crate::client::{Client, Ending};
use crate::config::{Config, Refusal, SetError};
use crate::observe::delivery_times::Sent;
use crate::observe::latency::LatencyMonitor;
use crate::observe::log_throttle::{LogThrottle, LogThrottles, Told};
use crate::observe::monitors::Monitors;
use crate::observe::slow_log::SlowLog;
use crate::observe::stats::Stats;
use crate::pubsub::counts::PublishCounts;
use crate::pubsub::fanout::Fanout;
use crate::pubsub::registry::{ChannelOrder, Registry};
use crate::resp::error::CommandError;
use crate::resp::hex::hex;
use crate::store::events;
use crate::store::shared::SharedKeyspace;
use crate::upstream::Upstream;

/// This crate's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The Redis version that clients are told. fanfare follows its rules.
pub(crate) const REDIS_VERSION: &str = "7.2.4";

/// The most batches that may wait to be written while others are carried out.
const UNWRITTEN_BATCHES: usize = 64;
/// After this many flushes, the other tasks of the thread run.
pub(crate) const WRITES_PER_TURN: usize = 16;

/// Applies a changed configuration to the process (the log level). The owner of the process
/// provides it.
pub(crate) type OnChange = Box<dyn Fn(&Config) + Send + Sync>;

/// Has the allocator return the current thread's free memory to the system. Whoever chose the
/// allocator provides it.
pub(crate) type TrimMemory = Arc<dyn Fn() + Send + Sync>;

/// The shared state of a server: its tables, settings, counters and locks.
pub(crate) struct ServerState {
    /// The registry of subscriptions.
    pub registry: Registry,
    /// The connected clients.
    pub clients: Clients,
    /// The clients whose connections have ended.
    pub closed: ClosedClients,
    /// The clients that are shown every command.
    pub monitors: Monitors,
    /// The users and their rules.
    pub acl: Acl,
    /// The TLS configuration of new connections.
    pub tls: Tls,
    /// The counters.
    pub stats: Stats,
    /// Decides when to add up what connections hold.
    pub memory_trigger: MemoryTrigger,
    /// Memory figures that INFO keeps.
    pub memory_history: MemoryHistory,
    wrong_passwords: Mutex<LogThrottle>,
    /// Commands that took long.
    pub slow_log: SlowLog,
    /// Events that have delayed others.
    pub latency: LatencyMonitor,
    /// Rate limits of log lines that clients can cause.
    pub told: LogThrottles,
    /// Whether commands are held back.
    pub pause: Pause,
    /// The keys. Their lock is taken before all others, and nothing is awaited under it.
    pub keyspace: SharedKeyspace,
    /// Held by the task that waits for the keyspace's lock on a thread of its own.
    keyspace_turn: tokio::sync::Mutex<()>,
    /// Notified when a key was given a deadline.
    pub expiry_set: Notify,
    /// Chooses the thread of a new connection.
    pub placement: Placement,
    /// Permits for more batches that are carried out and wait to be written. Each such batch keeps
    /// its buffers.
    pub unwritten_batches: Semaphore,
    /// The engine that runs scripts. Its lock comes right after the keyspace's.
    #[cfg(feature = "scripts")]
    pub scripts: crate::script::Scripts,
    /// The server that this one is an edge of, if there is one.
    pub upstream: Option<Upstream>,
    /// Begins the shutdown.
    pub shutdown: Shutdown,
    /// Every task of this server.
    pub tasks: TaskTracker,
    client_figures: Sampled<ClientFigures>,
    /// Resident memory of the process, in bytes.
    resident_memory: Sampled<usize>,
    /// When the server started.
    pub started: Instant,
    /// When the server started, by the wall clock.
    pub started_at: SystemTime,
    /// 40 hexadecimal digits that are unique to this run.
    pub run_id: String,
    config: ArcSwap<Config>,
    /// Held by a CONFIG SET, so that there is only one at a time.
    changing: Mutex<()>,
    on_change: Option<OnChange>,
    trim: Option<TrimMemory>,
    bound: OnceLock<Vec<Bound>>,
}

impl std::fmt::Debug for ServerState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerState")
            .field("run_id", &self.run_id)
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

impl ServerState {
    /// A server that has no listener yet.
    pub(crate) fn new(
        config: Config,
        acl: Acl,
        tls: Tls,
        on_change: Option<OnChange>,
        trim: Option<TrimMemory>,
        placement: Placement,
    ) -> ServerState {
        let run_id = run_id();
        let upstream = config.upstream.as_ref().map(|_| Upstream::new(&run_id));
        placement.set_busy_poll(config.busy_poll);
        let state = ServerState {
            registry: match upstream {
                None => Registry::new(),
                Some(_) => Registry::with_emptied(),
            },
            clients: Clients::default(),
            closed: ClosedClients::default(),
            monitors: Monitors::default(),
            acl,
            tls,
            stats: Stats::new(CATALOG.ids()),
            memory_trigger: MemoryTrigger::default(),
            memory_history: MemoryHistory::default(),
            wrong_passwords: Mutex::default(),
            slow_log: SlowLog::default(),
            latency: LatencyMonitor::default(),
            told: LogThrottles::default(),
            pause: Pause::default(),
            keyspace: SharedKeyspace::default(),
            keyspace_turn: tokio::sync::Mutex::default(),
            expiry_set: Notify::new(),
            placement,
            unwritten_batches: Semaphore::new(UNWRITTEN_BATCHES),
            #[cfg(feature = "scripts")]
            scripts: crate::script::Scripts::default(),
            upstream,
            shutdown: Shutdown::default(),
            tasks: TaskTracker::new(),
            client_figures: Sampled::default(),
            resident_memory: Sampled::default(),
            started: Instant::now(),
            started_at: SystemTime::now(),
            run_id,
            config: ArcSwap::from_pointee(config),
            changing: Mutex::new(()),
            on_change,
            trim,
            bound: OnceLock::new(),
        };
        state.tell_time();
        state
    }

    /// The current settings.
    pub(crate) fn config(&self) -> arc_swap::Guard<Arc<Config>> {
        self.config.load()
    }

    /// Tells the time to what counts the busiest channels, or that they are not to be counted.
    pub(crate) fn tell_time(&self) {
        let counted = self.config().pubsub_top;
        let seconds = counted.then(|| self.started.elapsed().as_secs());
        self.registry.busiest.set_time(seconds);
    }

    /// Changes settings (CONFIG SET): all of them or none.
    pub(crate) fn change_config(&self, pairs: &[(&[u8], &[u8])]) -> Result<(), SetError> {
        let _one_at_a_time = self.changing.lock();
        let changed = self.config().set(pairs)?;
        if changed.maxclients != self.config().maxclients {
            descriptors::allow_clients(changed.maxclients).map_err(|few| SetError::Failed {
                name: "maxclients".to_owned(),
                refusal: Refusal::TooManyClients(few.clients),
            })?;
        }
        let names = pairs.iter().map(|(name, _)| *name);
        self.tls
            .reload(&changed, names)
            .map_err(|name| SetError::Failed {
                name: String::from_utf8_lossy(name).to_ascii_lowercase(),
                refusal: Refusal::Tls,
            })?;
        if let Some(on_change) = &self.on_change {
            on_change(&changed);
        }
        let password = acl::configured::hash(&changed.requirepass);
        let changed = Arc::new(changed);
        let before = self.config.swap(Arc::clone(&changed));
        // Also if the value is the same as before: ACL SETUSER may have changed the password since.
        if pairs
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(b"requirepass"))
        {
            self.acl.set_default_password(password);
        }
        if before.overflow_rule() != changed.overflow_rule() {
            for client in self.clients.all() {
                self.choose_overflow(&client, None);
            }
        }
        self.placement.set_busy_poll(changed.busy_poll);
        self.tell_time();
        self.memory_trigger.look();
        Ok(())
    }

    /// Sets what a client's outbox does with messages that do not fit. A new `choice` of the client
    /// replaces its old one. Without any choice the server's setting applies.
    pub(crate) fn choose_overflow(&self, client: &Client, choice: Option<OverflowChoice>) {
        let server = || self.config().overflow_rule();
        client
            .outbox
            .choose_overflow(choice, server, &self.stats.dropped);
    }

    /// Logs that messages were dropped for a client: now and then, and at the client's `end` the
    /// rest.
    pub(crate) fn note_drops(&self, client: &Client, end: bool) {
        if let Some(report) = client.outbox.drop_report(Instant::now(), end)
            && let Some(times) = self.told.note(Told::Dropped)
        {
            log_client!(
                warn,
                client,
                policy = report.policy.name(),
                messages = report.since.messages,
                bytes = report.since.bytes,
                times,
                "{}",
                Told::Dropped
            );
        }
    }

    /// Logs a wrong password or an unknown user, now and then.
    pub(crate) fn note_wrong_password(&self, client: &Client, user: &[u8]) {
        /// Bytes of a name that a line shows.
        const SHOWN: usize = 128;
        let shown = |name: &[u8]| {
            let name = &name[..name.len().min(SHOWN)];
            String::from_utf8_lossy(name).escape_debug().to_string()
        };
        if let Some(count) = self.wrong_passwords.lock().note() {
            tracing::warn!(
                count,
                user = shown(user),
                id = client.id,
                addr = client.addresses.peer(),
                name = shown(&client.names().name),
                "wrong passwords since the last such line; the last was for this user"
            );
        }
    }

    /// Logs what has happened to a client (that it was closed, for example), with the number of
    /// times since the last such line.
    pub(crate) fn tell(&self, told: Told, client: &Client) {
        let Some(times) = self.told.note(told) else {
            return;
        };
        if told.is_warning() {
            log_client!(warn, client, times, "{told}");
        } else {
            log_client!(info, client, times, "{told}");
        }
    }

    /// The error for commands that need the keyspace while a slow script has it.
    #[cfg(feature = "scripts")]
    pub(crate) fn busy_script(&self) -> Option<CommandError> {
        self.scripts.running.busy()
    }

    /// Without scripts there is no slow one.
    #[cfg(not(feature = "scripts"))]
    pub(crate) fn busy_script(&self) -> Option<CommandError> {
        None
    }

    /// Begins the shutdown, which `server::shutdown` completes. From now on no client's requests
    /// are read. With `at_once`, it waits for no client.
    pub(crate) fn begin_shutdown(&self, at_once: bool) {
        if self.shutdown.begin(at_once) {
            for client in self.clients.all() {
                client.quiet();
            }
        }
    }

    /// Ends a pause (CLIENT UNPAUSE) and wakes the connections that wait for its end.
    pub(crate) fn end_pause(&self) {
        self.pause.end();
        for client in self.clients.all() {
            if client.is_postponed() {
                client.wake();
            }
        }
    }

    /// Stores the addresses that the server listens on. Called once.
    pub(crate) fn set_bound(&self, bound: Vec<Bound>) {
        self.bound.set(bound).expect("a server binds once");
    }

    /// The addresses that the server listens on.
    pub(crate) fn bound(&self) -> &[Bound] {
        self.bound.get().map_or(&[], Vec::as_slice)
    }

    /// The TCP port; the TLS port if there is no other; 0 if there is none.
    pub(crate) fn tcp_port(&self) -> u16 {
        let port = |bound: &Bound| match bound {
            Bound::Tcp(address) | Bound::Tls(address) => Some(address.port()),
            Bound::Unix(_) | Bound::Http(_) | Bound::Https(_) => None,
        };
        self.bound().iter().find_map(port).unwrap_or(0)
    }

    /// Writes a client's pending bytes, and disconnects the client if it is dead. Returns whether
    /// it is alive.
    pub(crate) fn flush(&self, client: &Client) -> bool {
        let (mut bytes, mut sent) = (0, Sent::default());
        let alive = self.flush_uncounted(client, &mut bytes, &mut sent);
        self.stats.written(bytes, &sent);
        alive
    }

    /// Does the same for all of these clients, and counts what was written once.
    pub(crate) fn flush_some(&self, clients: impl Iterator<Item = Arc<Client>>) {
        let (mut bytes, mut sent) = (0, Sent::default());
        for client in clients {
            self.flush_uncounted(&client, &mut bytes, &mut sent);
        }
        self.stats.written(bytes, &sent);
    }

    fn flush_uncounted(&self, client: &Client, bytes: &mut u64, sent: &mut Sent) -> bool {
        let mut written = Written::default();
        let alive = client.flush(&mut written);
        *bytes += written.bytes;
        if let Some(published) = written.sent {
            sent.add(published);
        }
        if !alive {
            self.disconnect(client);
        }
        alive
    }

    /// Logs and counts that a client is closed because more than `client-query-buffer-limit` was
    /// kept for it.
    pub(crate) fn note_query_limit(&self, client: &Client, kept: usize) {
        client.ends_because(Ending::QueryLimit);
        self.stats.query_limit_disconnections.fetch_add(1, Relaxed);
        if let Some(times) = self.told.note(Told::QueryLimit) {
            let limit = self.config().client_query_buffer_limit;
            log_client!(warn, client, kept, limit, times, "{}", Told::QueryLimit);
        }
    }

    /// Logs and counts that a client is closed because its connection's task has panicked.
    pub(crate) fn note_panic(&self, client: &Client, panic: &Panic) {
        client.ends_because(Ending::Panic);
        self.stats.connection_panics.fetch_add(1, Relaxed);
        if let Some(times) = self.told.note(Told::Panic) {
            let reason = panic::message(panic);
            log_client!(error, client, reason, times, "{}", Told::Panic);
        }
    }

    /// Does what has to follow commands whose batch did not end properly: serves waiters, tells
    /// tracking clients of changes, and publishes events. The clients to flush are in `fanout`.
    pub(crate) fn conclude(&self, fanout: &mut Fanout) {
        let config = self.config();
        let mut keyspace = self.keyspace.lock();
        keyspace.refresh_clock();
        for error in keyspace.serve_waiters(&config, fanout) {
            self.stats.count_errors(error.code(), 1);
        }
        self.expiry_set.notify_one();
        keyspace.tracking.tell_all(None, fanout);
        fanout.set_time(Instant::now());
        let mut counts = PublishCounts::default();
        events::publish(
            &keyspace.take_events(),
            config.notify_keyspace_events,
            &self.registry,
            &ChannelOrder::default(),
            fanout,
            &mut counts,
        );
        self.stats.messages.take(&mut counts);
    }
}

fn run_id() -> String {
    let mut random = [0_u8; 20];
    getrandom::fill(&mut random).expect("the system has random bytes");
    hex(&random)
}
