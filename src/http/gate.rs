//! Keeps web pages of other sites out: checks of Host, Origin and what browsers say of a fetch.
//!
//! Layer `http`.
//!
//! A browser lets any page send requests to a server on its machine or in its network. It only keeps
//! the page from reading the answer, and not even that if the page's own name is made to point to the
//! server (DNS rebinding). So a request is refused
//!
//! - if its Host is a name that is not this server's: neither an address, nor `localhost`, nor one of
//!   `http-hosts` or `http-bind`. An address cannot be made to point elsewhere;
//! - if its Origin is another site that is not one of `http-cors-origins`;
//! - if it has no Origin, and the browser says that another site has caused it (`Sec-Fetch-Site`). A
//!   link to a page of this server can be followed: nothing of it can be read by the page before.
//!
//! Programs that are no browsers send none of these, and any Host.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderMap, HeaderName,
    HeaderValue, ORIGIN, VARY,
};
use hyper::{Method, StatusCode};

use super::answer::{Answer, Refusal};
use crate::config::Config;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// Stands for any name or origin.
const ANY: &str = "*";

/// The origin that may read the answer; `None`: only pages of this server.
pub(crate) type Reader = Option<HeaderValue>;

fn refuse(text: String) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, text)
}

/// Lets a request in, or not.
pub(crate) fn admit(
    method: &Method,
    headers: &HeaderMap,
    config: &Config,
) -> Result<Reader, Refusal> {
    let host = only(headers, &HOST)?;
    if let Some(host) = host
        && !is_own_name(name_of(host), &config.http_hosts)
        && !is_bound(name_of(host), &config.http_bind)
    {
        return Err(refuse(format!(
            "DENIED the name '{}' is not known: add it to http-hosts if it is this server's",
            name_of(host).escape_debug()
        )));
    }
    let Some(origin) = only(headers, &ORIGIN)? else {
        return admit_without_origin(method, headers);
    };
    let site = origin.split_once("://").map(|(_, site)| site);
    if site.is_some()
        && site
            .zip(host)
            .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
    {
        return Ok(None);
    }
    let is = |listed: &String| listed == ANY || listed.eq_ignore_ascii_case(origin);
    if config.http_cors_origins.iter().any(is) {
        return Ok(headers.get(ORIGIN).cloned());
    }
    Err(refuse(format!(
        "DENIED pages of '{}' may not use this server: add it to http-cors-origins if they may",
        origin.escape_debug()
    )))
}

fn admit_without_origin(method: &Method, headers: &HeaderMap) -> Result<Reader, Refusal> {
    let site = only(headers, &SEC_FETCH_SITE)?;
    let is_page = only(headers, &SEC_FETCH_DEST)? == Some("document");
    match site {
        None | Some("same-origin" | "none") => Ok(None),
        Some(_) if is_page && method == Method::GET => Ok(None),
        Some(_) => Err(refuse(
            "DENIED pages of other sites may not use this server".to_owned(),
        )),
    }
}

/// The value of a header that may come once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let bad = || {
        let text = format!("ERR the header '{name}' is not one line of text");
        Refusal::new(StatusCode::BAD_REQUEST, text)
    };
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| value.to_str().map_err(|_| bad()));
    if values.next().is_some() {
        return Err(bad());
    }
    value.transpose()
}

/// A Host without its port.
fn name_of(host: &str) -> &str {
    if let Some(address) = host.strip_prefix('[') {
        return address.split_once(']').map_or(host, |(address, _)| address);
    }
    host.split_once(':').map_or(host, |(name, _)| name)
}

fn is_bound(name: &str, addresses: &[String]) -> bool {
    let mut bound = addresses.iter().map(|word| word.trim_start_matches('-'));
    bound.any(|own| own != ANY && own.eq_ignore_ascii_case(name))
}

fn is_own_name(name: &str, listed: &[String]) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_local = |name: &str| {
        let last = name.rsplit('.').next().unwrap_or_default();
        last.eq_ignore_ascii_case("localhost")
    };
    name.parse::<Ipv4Addr>().is_ok()
        || name.parse::<Ipv6Addr>().is_ok()
        || is_local(name)
        || listed
            .iter()
            .any(|own| own == ANY || own.eq_ignore_ascii_case(name))
}

/// Whether a browser asks if a page may send a request.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to that: it may.
pub(super) fn preflight() -> Answer {
    let text = HeaderValue::from_static;
    Answer::empty(StatusCode::NO_CONTENT)
        .with_header(ACCESS_CONTROL_ALLOW_METHODS, text("GET, POST"))
        .with_header(
            ACCESS_CONTROL_ALLOW_HEADERS,
            text(
                "authorization, content-type, cache-control, last-event-id, upstash-encoding, \
                 upstash-sync-token, upstash-telemetry-runtime, upstash-telemetry-platform, \
                 upstash-telemetry-sdk, upstash-telemetry-retry",
            ),
        )
        .with_header(ACCESS_CONTROL_MAX_AGE, text("600"))
}

/// Lets the browser show the answer to the reader's pages.
pub(super) fn let_read(answer: Answer, reader: Reader) -> Answer {
    let answer = answer.with_header(VARY, HeaderValue::from_static("origin"));
    match reader {
        Some(origin) => answer.with_header(ACCESS_CONTROL_ALLOW_ORIGIN, origin),
        None => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(
        method: &Method,
        config: &Config,
        headers: &[(&str, &str)],
    ) -> Result<Reader, StatusCode> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, value.parse().unwrap());
        }
        admit(method, &map, config).map_err(|refusal| refusal.status)
    }

    #[test]
    fn only_names_of_the_server_are_answered() {
        let mut config = Config::default();
        let hosts = |config: &Config, host: &str| ask(&Method::POST, config, &[("host", host)]);
        for own in [
            "127.0.0.1:8080",
            "[::1]:8080",
            "[::1]",
            "192.0.2.7",
            "localhost",
            "LOCALHOST.:1",
            "app.localhost:80",
        ] {
            assert_eq!(hosts(&config, own), Ok(None), "{own}");
        }
        for other in [
            "evil.example",
            "localhost.evil.example:80",
            "127.0.0.1.evil.example",
            "",
            "[x",
        ] {
            assert_eq!(hosts(&config, other), Err(StatusCode::FORBIDDEN), "{other}");
        }
        config.http_bind = vec!["-bound.example".to_owned(), "*".to_owned()];
        assert_eq!(hosts(&config, "bound.example:8080"), Ok(None));
        assert!(hosts(&config, "*").is_err());
        config.http_hosts = vec!["fanfare".to_owned()];
        assert_eq!(hosts(&config, "Fanfare:80"), Ok(None));
        assert!(hosts(&config, "fanfare.evil.example").is_err());
        config.http_hosts = vec![ANY.to_owned()];
        assert_eq!(hosts(&config, "evil.example"), Ok(None));
        let two = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(
            ask(&Method::GET, &config, &two),
            Err(StatusCode::BAD_REQUEST)
        );
        assert_eq!(ask(&Method::GET, &config, &[]), Ok(None));
    }

    #[test]
    fn pages_of_other_sites_need_the_setting() {
        let mut config = Config::default();
        let from = |config: &Config, origin: &str| {
            ask(
                &Method::GET,
                config,
                &[("host", "localhost:8080"), ("origin", origin)],
            )
        };
        assert_eq!(from(&config, "http://localhost:8080"), Ok(None));
        let others = ["http://localhost:3000", "https://app.example", "null", ""];
        for other in others {
            assert_eq!(from(&config, other), Err(StatusCode::FORBIDDEN), "{other}");
        }
        config.http_cors_origins = vec!["https://app.example".to_owned()];
        let app = HeaderValue::from_static("https://app.example");
        assert_eq!(from(&config, "https://app.example"), Ok(Some(app)));
        assert!(from(&config, "http://app.example").is_err());
        config.http_cors_origins = vec![ANY.to_owned()];
        for other in others {
            assert!(from(&config, other).is_ok(), "{other}");
        }
    }

    #[test]
    fn what_a_page_embeds_is_not_sent_but_a_link_can_be_followed() {
        let config = Config::default();
        let site = |method, site, dest| {
            ask(
                method,
                &config,
                &[("sec-fetch-site", site), ("sec-fetch-dest", dest)],
            )
        };
        for own in ["same-origin", "none"] {
            assert_eq!(site(&Method::POST, own, "empty"), Ok(None));
        }
        for other in ["cross-site", "same-site", "new-word"] {
            assert_eq!(site(&Method::GET, other, "document"), Ok(None));
            for dest in ["image", "script", "iframe", "empty"] {
                assert!(site(&Method::GET, other, dest).is_err(), "{other} {dest}");
            }
            assert!(site(&Method::POST, other, "document").is_err(), "{other}");
        }
    }
}
