//! Running fanfare inside another program: a test, or a development environment.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = fanfare::Server::builder().port(0).start().await?;
//!
//! // … connect any Redis client to server.url(), subscribe it to "news" …
//! # use tokio::io::AsyncWriteExt;
//! # let mut client = tokio::net::TcpStream::connect(server.addr().unwrap()).await?;
//! # client.write_all(b"SUBSCRIBE news\r\n").await?;
//! server.wait_for_subscribers("news", 1).await;
//! assert_eq!(server.publish("news", "hello"), 1);
//!
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! The server's tasks run on the tokio runtime that started it, of any flavour, unless it is given
//! [`Workers`]. Its memory goes with it: nothing is global but the log, which is the program's own (`tracing`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use thiserror::Error;

use crate::acl::{Acl, UsersError};
use crate::client::Namespace;
use crate::config::{BadSetting, Config};
use crate::pubsub::fanout::Fanout;
use crate::pubsub::registry::ChannelOrder;
use crate::server::eviction;
use crate::server::expiry;
use crate::server::housekeeping;
use crate::server::listener::{self, ListenError};
use crate::server::shutdown;
use crate::server::supervise::supervise;
use crate::server::workers::Workers;
use crate::state::bound::Bound;
use crate::state::tls::{Tls, TlsError};
use crate::state::{OnChange, ServerState, TrimMemory};

/// Why a server did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A setting given to the builder is wrong.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// The settings, or the file of users (`aclfile`), make no users.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// TLS lacks a certificate, a key, or what else it needs.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// Settings of a server to be started. Whatever is not set has the default of the binary, but for
/// the port: a free one that the system picks.
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
    /// The TCP port; 0, the default here, lets the system pick a free one.
    pub fn port(mut self, port: u16) -> Builder {
        if let Ok(config) = &mut self.config {
            config.port = port;
        }
        self
    }

    /// Any setting by its name, as in a configuration file: `set("maxclients", "50")`. A wrong one
    /// is reported by [`start`](Self::start).
    pub fn set(mut self, name: &str, value: impl AsRef<[u8]>) -> Builder {
        if let Ok(config) = &mut self.config
            && let Err(error) = config.apply(name, &[value])
        {
            self.config = Err(error);
        }
        self
    }

    /// Takes all settings from `config`.
    pub fn config(mut self, config: Config) -> Builder {
        self.config = Ok(config);
        self
    }

    /// Called with the new settings whenever a client has changed them by CONFIG SET.
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

    /// Serves connections on threads of their own, which end with the server, instead of on the
    /// current runtime.
    pub fn workers(mut self, workers: Workers) -> Builder {
        self.workers = Some(workers);
        self
    }

    /// Binds the addresses and serves them: on the current tokio runtime, unless it was given
    /// [`workers`](Self::workers).
    ///
    /// # Errors
    /// A wrong setting or file of users, or an address that cannot be listened on; then nothing is left running.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its I/O and time drivers enabled.
    pub async fn start(self) -> Result<Server, StartError> {
        let config = self.config?;
        config.check()?;
        let acl = Acl::at_start(&config)?;
        let tls = Tls::at_start(&config)?;
        let listeners = listener::bind_all(&config).await?;
        let placement = self.workers.as_ref().map(Workers::placement);
        let placement = placement.unwrap_or_default();
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
            state.tasks.spawn(async move {
                supervise(&own, "listener", || listener::serve(&listener, &own)).await;
            });
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

/// A running server. Dropping it stops it without waiting; [`stop`](Self::stop) stops it gracefully.
#[derive(Debug)]
pub struct Server {
    state: Arc<ServerState>,
    /// They end after the server has.
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

    /// What its connections share.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn state(&self) -> &ServerState {
        &self.state
    }

    /// The first TCP address without TLS that it listens on, with the real port, if there is one.
    pub fn addr(&self) -> Option<SocketAddr> {
        let tcp = |bound: &Bound| match bound {
            Bound::Tcp(address) => Some(*address),
            Bound::Tls(_) | Bound::Unix(_) => None,
        };
        self.bound().iter().find_map(tcp)
    }

    /// The first TCP address that it listens on for TLS, with the real port, if there is one.
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        let tls = |bound: &Bound| match bound {
            Bound::Tls(address) => Some(*address),
            Bound::Tcp(_) | Bound::Unix(_) => None,
        };
        self.bound().iter().find_map(tls)
    }

    /// Everything it listens on.
    pub fn bound(&self) -> &[Bound] {
        self.state.bound()
    }

    /// What Redis clients connect to: `redis://127.0.0.1:PORT`, `rediss://127.0.0.1:PORT` if there is
    /// only TLS, or `redis+unix:///path`.
    pub fn url(&self) -> String {
        match &self.bound()[0] {
            Bound::Tcp(address) => format!("redis://{address}"),
            Bound::Tls(address) => format!("rediss://{address}"),
            Bound::Unix(path) => format!("redis+unix://{}", path.display()),
        }
    }

    /// Publishes as PUBLISH does, without a connection: to those live at this moment, in the order
    /// of the channel. Returns how many subscriptions it reached, patterns' included, but for those
    /// whose outboxes are full and have refused it (`pubsub-overflow-policy`).
    pub fn publish(&self, channel: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> usize {
        let mut fanout = Fanout::default();
        fanout.begin_batch(self.state.config().client_output_buffer_limit);
        let receivers = self.state.registry.publish(
            Namespace::Channel,
            channel.as_ref(),
            payload.as_ref().into(),
            &ChannelOrder::default(),
            &mut fanout,
        );
        self.state.stats.published.fetch_add(1, Relaxed);
        self.state
            .stats
            .delivered
            .fetch_add(receivers as u64, Relaxed);
        while let Some(client) = fanout.next_touched() {
            self.state.flush(&client);
        }
        receivers
    }

    /// Waits until a publish to `channel` reaches at least `count` subscriptions: SUBSCRIBEs to it
    /// and PSUBSCRIBEs that match it. For tests, instead of sleeping and hoping. It waits as long as
    /// that takes: wrap it in `tokio::time::timeout` where nobody may come.
    pub async fn wait_for_subscribers(&self, channel: impl AsRef<[u8]>, count: usize) {
        self.state
            .registry
            .wait_for_receivers(channel.as_ref(), count)
            .await;
    }

    /// How many subscriptions a publish to `channel` reaches now.
    pub fn subscriber_count(&self, channel: impl AsRef<[u8]>) -> usize {
        self.state.registry.receivers(channel.as_ref())
    }

    /// Channels that somebody is subscribed to.
    pub fn channel_count(&self) -> usize {
        self.state.registry.active_count(Namespace::Channel)
    }

    /// Distinct patterns that somebody is subscribed to.
    pub fn pattern_count(&self) -> usize {
        self.state.registry.pattern_count()
    }

    /// Connected clients.
    pub fn client_count(&self) -> usize {
        self.state.clients.count()
    }

    /// Waits until a client sends SHUTDOWN.
    pub async fn shutdown_requested(&self) {
        self.state.shutdown.begun().await;
    }

    /// Stops: accepts no more, carries out what it has read, writes what is pending to clients for
    /// at most `shutdown-timeout` seconds, then closes all connections. When it returns, every task
    /// has ended and every socket is closed.
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
