//! Where the upstream is (`upstream`), what happens to subscribers when it is lost
//! (`upstream-loss-policy`), and whether there are keys (`queue`), which an upstream excludes.
//!
//! Layer `config`. It uses no other layer.

use std::fmt;
use std::path::PathBuf;

use super::kinds::{Refusal, ValueKind, single_word};
use crate::resp::hex::unescape;

/// The port of a URL that names none.
const PORT: u16 = 6379;

/// An upstream: where it listens, and who this server is there.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamUrl {
    /// As it was given, for CONFIG GET.
    given: String,
    /// Where it listens.
    pub place: Place,
    /// Whether the connection is encrypted.
    pub is_tls: bool,
    /// The user; `None`: the default user.
    pub user: Option<Vec<u8>>,
    /// The user's password; `None`: no AUTH.
    pub password: Option<Vec<u8>>,
}

/// Where an upstream listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On TCP: a host's name or address, and a port.
    Tcp(String, u16),
    /// On a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Place::Tcp(host, port) => write!(f, "{host}:{port}"),
            Place::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Prints only the place, because the URL may contain a password.
impl fmt::Debug for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UpstreamUrl").field(&self.place).finish()
    }
}

impl UpstreamUrl {
    /// Parses `redis://[[user]:password@]host[:port]`, `rediss://` likewise for TLS, or
    /// `redis+unix://[[user]:password@]/path`. In the user and the password, `%41` stands for the byte
    /// 0x41. The error says what is wrong.
    fn parse(given: &str) -> Result<UpstreamUrl, &'static str> {
        let (scheme, rest) = given.split_once("://").ok_or(SCHEME)?;
        let (who, place) = match rest.rsplit_once('@') {
            Some((who, place)) if !rest.starts_with('/') => (Some(who), place),
            _ => (None, rest),
        };
        let place = match scheme {
            "redis" | "rediss" => {
                let place = place.strip_suffix('/').unwrap_or(place);
                if place.contains(['/', '?', '#']) {
                    return Err("nothing may follow the port; there are no databases");
                }
                let (host, port) = host_and_port(place)?;
                Place::Tcp(host.to_owned(), port)
            }
            "redis+unix" if place.starts_with('/') => Place::Unix(PathBuf::from(place)),
            "redis+unix" => return Err("the path must be absolute"),
            _ => return Err(SCHEME),
        };
        let (user, password) = match who.map(|who| who.split_once(':').unwrap_or((who, ""))) {
            Some((_, "")) => return Err("the user has no password"),
            Some((user, password)) => (user, password),
            None => ("", ""),
        };
        let given_text = |text: &str| match unescape(text.as_bytes()) {
            None => Err("two hexadecimal digits must follow a '%'"),
            bytes => Ok(bytes.filter(|bytes| !bytes.is_empty())),
        };
        Ok(UpstreamUrl {
            given: given.to_owned(),
            place,
            is_tls: scheme == "rediss",
            user: given_text(user)?,
            password: given_text(password)?,
        })
    }
}

const SCHEME: &str = "it begins with none of these";

/// `host`, `host:port`, `[::1]` or `[::1]:port`.
fn host_and_port(text: &str) -> Result<(&str, u16), &'static str> {
    const PORT_NUMBER: &str = "the port must be a number from 1 to 65535";
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or("a ']' is missing")?;
        let port = match port {
            "" => None,
            port => Some(port.strip_prefix(':').ok_or(PORT_NUMBER)?),
        };
        (host, port)
    } else {
        let (host, port) = text.split_once(':').unzip();
        (host.unwrap_or(text), port)
    };
    if host.is_empty() {
        return Err("the host is missing");
    }
    if host.contains(|char: char| char.is_whitespace() || char.is_control()) {
        return Err("the host must not have blanks or control characters");
    }
    let port = port.map_or(Some(PORT), |port| {
        port.parse().ok().filter(|&port| port > 0)
    });
    Ok((host, port.ok_or(PORT_NUMBER)?))
}

/// The URL of an upstream; empty means none.
pub(super) struct Url;

impl ValueKind<Option<UpstreamUrl>> for Url {
    fn set(&self, field: &mut Option<UpstreamUrl>, words: &[&[u8]]) -> Result<(), Refusal> {
        let text = str::from_utf8(single_word(words)?).map_err(|_| Refusal::Utf8)?;
        *field = match text {
            "" => None,
            text => Some(UpstreamUrl::parse(text).map_err(Refusal::UpstreamUrl)?),
        };
        Ok(())
    }

    fn get(&self, field: &Option<UpstreamUrl>) -> Vec<u8> {
        field
            .as_ref()
            .map_or_else(Vec::new, |url| url.given.clone().into())
    }
}

/// What happens to subscribers when the upstream is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LossPolicy {
    /// They are closed: they may have missed messages.
    #[default]
    Disconnect,
    /// They stay, and their names are subscribed to again.
    Keep,
}

impl LossPolicy {
    pub(super) const NAMES: &[(&str, LossPolicy)] = &[
        ("disconnect", LossPolicy::Disconnect),
        ("keep", LossPolicy::Keep),
    ];
}

/// Whether there are keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueMode {
    /// As `yes`, except with an upstream. [`Config::finish`](super::Config::finish) decides.
    #[default]
    Auto,
    /// There are.
    Yes,
    /// There are none.
    No,
}

impl QueueMode {
    pub(super) const NAMES: &[(&str, QueueMode)] = &[
        ("yes", QueueMode::Yes),
        ("no", QueueMode::No),
        ("auto", QueueMode::Auto),
    ];

    /// Whether there are keys.
    pub fn is_on(self) -> bool {
        self != QueueMode::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(String, String, String)> {
        let url = UpstreamUrl::parse(text).ok()?;
        let shown = |bytes: Option<Vec<u8>>| {
            bytes.map_or("none".to_owned(), |bytes| bytes.escape_ascii().to_string())
        };
        Some((url.place.to_string(), shown(url.user), shown(url.password)))
    }

    #[test]
    fn a_url_names_a_place_a_user_and_a_password() {
        for (text, place, user, password) in [
            ("redis://hub", "hub:6379", "none", "none"),
            ("redis://hub:7000/", "hub:7000", "none", "none"),
            ("redis://:pass@hub:1", "hub:1", "none", "pass"),
            (
                "redis://me:p%40s%25zz%ff@10.0.0.1",
                "10.0.0.1:6379",
                "me",
                "p@s%zz\\xff",
            ),
            ("redis://me:p@ss@[::1]:7000", "[::1]:7000", "me", "p@ss"),
            ("redis://[::1]", "[::1]:6379", "none", "none"),
            (
                "redis+unix:///run/hub.sock",
                "/run/hub.sock",
                "none",
                "none",
            ),
            ("redis+unix://me:p@/hub", "/hub", "me", "p"),
            ("redis+unix:///a@b", "/a@b", "none", "none"),
        ] {
            let expected = (place.to_owned(), user.to_owned(), password.to_owned());
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (text, reason) in [
            ("hub", "it begins with none"),
            ("redis+tls://hub", "it begins with none"),
            ("http://hub", "it begins with none"),
            ("redis://", "the host is missing"),
            ("redis://:7000", "the host is missing"),
            ("redis://h ub", "the host must not"),
            ("redis://hub\n", "the host must not"),
            ("redis://hub:x", "the port must"),
            ("redis://hub:", "the port must"),
            ("redis://hub:0", "the port must"),
            ("redis://hub:70000", "the port must"),
            ("redis://hub/0", "nothing may follow the port"),
            ("redis://hub?a", "nothing may follow the port"),
            ("redis://[::1", "a ']' is missing"),
            ("redis://[::1]7", "the port must"),
            ("redis+unix://hub", "the path must be absolute"),
            ("redis://me@hub", "the user has no password"),
            ("redis://me:@hub", "the user has no password"),
            ("redis://me:p%zz@hub", "two hexadecimal digits"),
            ("redis://me:p%4@hub", "two hexadecimal digits"),
        ] {
            let refused = UpstreamUrl::parse(text).expect_err(text);
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }

    #[test]
    fn a_password_is_in_no_debug_print() {
        let url = UpstreamUrl::parse("redis://me:secret@hub").unwrap();
        assert!(!format!("{url:?}").contains("secret"));
    }
}
