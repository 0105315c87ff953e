//! Running fanfare inside another program: a test, or a development environment.
//!
//! Layer `embed`, above all others. It may use all of them. The crate's front page has an example.
//!
//! A server frees all its memory when it ends. The only global state is the program's own log
//! (`tracing`).

#[cfg(all(test, not(shuttle)))]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use thiserror::Error;
use tokio::runtime::Handle;

#[cfg(feature = "cli")]
use crate::acl::configured::wrong_lines;
use crate::acl::{Acl, UsersError};
use crate::client::Namespace;
use crate::config::{BadSetting, Config};
use crate::pubsub::counts::{Kind, PublishCounts};
use crate::pubsub::fanout::Fanout;
use crate::pubsub::registry::ChannelOrder;
use crate::server::bind::{self, ListenError};
use crate::server::edge;
use crate::server::eviction;
use crate::server::expiry;
use crate::server::housekeeping;
use crate::server::listener;
use crate::server::shutdown;
use crate::server::supervise::supervise;
use crate::server::workers::Workers;
use crate::state::bound::Bound;
use crate::state::tls::{Tls, TlsError};
use crate::state::{OnChange, ServerState, TrimMemory, upstream_tls};
use crate::upstream::Run;

/// Why a server did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A setting that the builder was given is wrong.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// The users in the settings, or in the file of users (`aclfile`), are wrong.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// TLS cannot be set up, for example because a certificate or a key is missing.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server cannot listen on an address.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// The settings of a server that is to be started. Settings that are not set have the binary's
/// defaults, except the port: the system picks a free one.
pub struct Builder {
    config: Result<Config, BadSetting>,
    on_change: Option<OnChange>,
    trim: Option<TrimMemory>,
    workers: Option<Workers>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Sets the TCP port. 0, the default here, lets the system pick a free one.
    pub fn port(mut self, port: u16) -> Builder {
        if let Ok(config) = &mut self.config {
            config.port = port;
        }
        self
    }

    /// Sets any setting by its name, as in a configuration file: `set("maxclients", "50")`.
    /// [`start`](Self::start) returns the error if the name or the value is wrong.
    pub fn set(mut self, name: &str, value: impl AsRef<[u8]>) -> Builder {
        if let Ok(config) = &mut self.config
            && let Err(error) = config.apply(name, &[value])
        {
            self.config = Err(error);
        }
        self
    }

    /// Takes all settings from `config`.
    #[doc(hidden)]
    pub fn config(mut self, config: Config) -> Builder {
        self.config = Ok(config);
        self
    }

    /// Calls `call` with the new settings whenever a client has changed them by CONFIG SET.
    #[doc(hidden)]
    pub fn on_config_change(mut self, call: impl Fn(&Config) + Send + Sync + 'static) -> Builder {
        self.on_change = Some(Box::new(call));
        self
    }

    /// Called when the process has at least 16 MB more of memory that nobody uses than it had before:
    /// on the thread that started the server and on each of its [`workers`](Self::workers), three
    /// times, a second apart. An allocator that keeps free memory by thread can give it back to the
    /// system then.
    pub fn on_free_memory(mut self, call: impl Fn() + Send + Sync + 'static) -> Builder {
        self.trim = Some(Arc::new(call));
        self
    }

    /// Serves connections on these threads, which end with the server, instead of on the current
    /// runtime.
    pub fn workers(mut self, workers: Workers) -> Builder {
        self.workers = Some(workers);
        self
    }

    /// The errors that would keep a server from starting with these settings, except those of
    /// binding an address: settings, users, TLS files.
    #[cfg(feature = "cli")]
    #[doc(hidden)]
    pub fn problems(self) -> Vec<StartError> {
        let config = match self.config {
            Ok(config) => config,
            Err(bad) => return vec![bad.into()],
        };
        let wrong = wrong_lines(&config).into_iter();
        let mut problems: Vec<StartError> =
            wrong.map(|line| UsersError::Line(line).into()).collect();
        if problems.is_empty() {
            problems.extend(Acl::at_start(&config).err().map(StartError::Users));
        }
        problems.extend(Tls::at_start(&config).err().map(StartError::Tls));
        let upstream = upstream_tls::client_config(&config);
        problems.extend(upstream.err().map(StartError::Tls));
        problems
    }

    /// Binds the addresses and starts to serve them, on the current tokio runtime or on
    /// [`workers`](Self::workers).
    ///
    /// # Errors
    /// A setting or the file of users is wrong, TLS cannot be set up, or the server cannot listen
    /// on an address. Then nothing is left running.
    ///
    /// # Panics
    /// If it is called outside of a tokio runtime whose I/O and time drivers are enabled.
    pub async fn start(self) -> Result<Server, StartError> {
        let mut config = self.config?;
        config.finish()?;
        let acl = Acl::at_start(&config)?;
        let tls = Tls::at_start(&config)?;
        upstream_tls::client_config(&config)?;
        let placement = self.workers.as_ref().map(Workers::placement);
        let placement = placement.unwrap_or_default();
        // A listener belongs to the runtime that binds it.
        let acceptor = placement
            .acceptor()
            .cloned()
            .unwrap_or_else(Handle::current);
        let bound = acceptor.spawn(async move { (bind::bind_all(&config).await, config) });
        let (listeners, config) = bound.await.expect("to bind doesn't panic");
        let listeners = listeners?;
        let state = Arc::new(ServerState::new(
            config,
            acl,
            tls,
            self.on_change,
            self.trim,
            placement,
        ));
        state.set_bound(listeners.iter().map(listener::Listener::bound).collect());
        for listener in listeners {
            let own = Arc::clone(&state);
            let task = async move {
                supervise(&own, "listener", || listener::accept_all(&listener, &own)).await;
            };
            state.tasks.spawn_on(task, &acceptor);
        }
        let own = Arc::clone(&state);
        state.tasks.spawn(async move {
            supervise(&own, "housekeeping", || housekeeping::run(&own)).await;
        });
        let own = Arc::clone(&state);
        state.tasks.spawn(async move {
            supervise(&own, "expiry", || expiry::run(&own)).await;
        });
        let own = Arc::clone(&state);
        state.tasks.spawn(async move {
            supervise(&own, "eviction", || eviction::run(&own)).await;
        });
        if state.upstream.is_some() {
            let own = Arc::clone(&state);
            state.tasks.spawn(async move {
                supervise(&own, "upstream", || edge::run(&own)).await;
            });
        }
        let own = Arc::clone(&state);
        state.tasks.spawn(async move {
            supervise(&own, "shutdown", || shutdown::run(&own)).await;
        });
        Ok(Server {
            state,
            _workers: self.workers,
        })
    }
}

/// A running server. [`stop`](Self::stop) stops it gracefully. Dropping it stops it without
/// waiting.
#[derive(Debug)]
pub struct Server {
    state: Arc<ServerState>,
    /// Declared last, so that the threads end after the server.
    _workers: Option<Workers>,
}

impl Server {
    /// A server on 127.0.0.1, on a free port, with default settings.
    pub fn builder() -> Builder {
        let config = Config {
            port: 0,
            ..Config::default()
        };
        Builder {
            config: Ok(config),
            on_change: None,
            trim: None,
            workers: None,
        }
    }

    /// The state that its connections share.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn state(&self) -> &ServerState {
        &self.state
    }

    /// The first TCP address without TLS that it listens on, with the actual port, if there is one.
    pub fn addr(&self) -> Option<SocketAddr> {
        let tcp = |bound: &Bound| match bound {
            Bound::Tcp(address) => Some(*address),
            _ => None,
        };
        self.bound().iter().find_map(tcp)
    }

    /// The first TCP address that it listens on for TLS, with the actual port, if there is one.
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        let tls = |bound: &Bound| match bound {
            Bound::Tls(address) => Some(*address),
            _ => None,
        };
        self.bound().iter().find_map(tls)
    }

    /// The first address that it listens on for HTTP, plain or under TLS, with the actual port, if
    /// there is one: with the setting `http-port` at `auto`, for example.
    pub fn http_addr(&self) -> Option<SocketAddr> {
        let http = |bound: &Bound| match bound {
            Bound::Http(address) | Bound::Https(address) => Some(*address),
            _ => None,
        };
        self.bound().iter().find_map(http)
    }

    /// All addresses and sockets that it listens on.
    pub fn bound(&self) -> &[Bound] {
        self.state.bound()
    }

    /// The URL for Redis clients, of the first address that it listens on:
    /// `redis://127.0.0.1:PORT`, `rediss://127.0.0.1:PORT` for TLS, or `redis+unix:///path`.
    pub fn url(&self) -> String {
        match &self.bound()[0] {
            Bound::Tcp(address) => format!("redis://{address}"),
            Bound::Tls(address) => format!("rediss://{address}"),
            Bound::Unix(path) => format!("redis+unix://{}", path.display()),
            Bound::Http(address) => format!("http://{address}"),
            Bound::Https(address) => format!("https://{address}"),
        }
    }

    /// Publishes a message to the current subscribers as PUBLISH does, without a connection. It is
    /// in order with the channel's other messages. Returns how many subscriptions it reached,
    /// including those to matching patterns. A subscription whose outbox is full and has refused
    /// the message does not count (`pubsub-overflow-policy`).
    ///
    /// With an `upstream`, the message goes there and comes back later, if there is a connection. The
    /// number is then that of the subscriptions here that match now.
    pub fn publish(&self, channel: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> usize {
        if let Some(upstream) = &self.state.upstream {
            let mut run = Run::default();
            run.publish(
                Namespace::Channel,
                channel.as_ref(),
                payload.as_ref(),
                false,
            );
            // Nobody waits for the answer.
            drop(upstream.publish(run, self.state.config().upstream_output_limit));
            return self.subscriber_count(channel);
        }
        let mut fanout = Fanout::default();
        let limits = self.state.config().client_output_buffer_limit;
        fanout.begin_batch(limits, Instant::now());
        let receivers = self.state.registry.publish(
            Namespace::Channel,
            channel.as_ref(),
            payload.as_ref().into(),
            &ChannelOrder::default(),
            &mut fanout,
        );
        let mut counts = PublishCounts::default();
        counts.add(Kind::Channel, receivers);
        self.state.stats.messages.take(&mut counts);
        while let Some(client) = fanout.next_touched() {
            self.state.flush(&client);
        }
        receivers
    }

    /// Waits until a publish to `channel` would reach at least `count` subscriptions, including
    /// those to matching patterns. Tests can use it instead of a sleep. It waits without a limit:
    /// wrap it in `tokio::time::timeout` if the subscribers may never come.
    pub async fn wait_for_subscribers(&self, channel: impl AsRef<[u8]>, count: usize) {
        self.state
            .registry
            .wait_for_receivers(channel.as_ref(), count)
            .await;
    }

    /// How many subscriptions a publish to `channel` would reach now.
    pub fn subscriber_count(&self, channel: impl AsRef<[u8]>) -> usize {
        self.state.registry.receivers(channel.as_ref())
    }

    /// The number of channels with at least one subscriber.
    pub fn channel_count(&self) -> usize {
        self.state.registry.active_count(Namespace::Channel)
    }

    /// The number of distinct patterns with at least one subscriber.
    pub fn pattern_count(&self) -> usize {
        self.state.registry.pattern_count()
    }

    /// The number of connected clients.
    pub fn client_count(&self) -> usize {
        self.state.clients.count()
    }

    /// Waits until a client sends SHUTDOWN.
    pub async fn shutdown_requested(&self) {
        self.state.shutdown.begun().await;
    }

    /// Stops gracefully: accepts no more connections, executes the requests that were read, writes
    /// pending output for at most `shutdown-timeout` seconds, and closes all connections. When it
    /// returns, every task has ended and every socket is closed.
    pub async fn stop(self) {
        self.state.begin_shutdown(false);
        self.state.tasks.close();
        self.state.tasks.wait().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        shutdown::abort(&self.state);
    }
}
