//! The page at `/`, and the files that it consists of.
//!
//! Layer `http`.
//!
//! ```text
//!   GET /          the template, filled with the figures of the moment (render, tables, text)
//!   GET /page/…    style, scripts and uPlot: the same bytes for everybody, as they are in the binary
//! ```
//!
//! Without JavaScript, the tables in the page are all there is. With it, the scripts ask the routes
//! below `/api/` for figures, `/psubscribe/` for messages, and send one to `/publish/`. History is
//! kept in the page, and the server does nothing for a page that asks nothing.
//!
//! Invariants:
//! - The page needs a login, as the commands do whose answers it shows. Each part shows what the
//!   caller may see, or the refusal. The files hold nothing of the server and need no permission.
//! - Nothing but files of this server is loaded, and no script or style stands in the page: the
//!   browser is told to refuse all else ([`POLICY`]).

mod render;
mod tables;
mod text;

use std::sync::LazyLock;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderValue, IF_NONE_MATCH};
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::render::{Figures, Part, render};
use super::answer::{Answer, Refusal};
use super::api;
use super::caller::Caller;

/// What a browser may load for the page: files of this server only. No script writes HTML.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'";

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

/// A file of the page.
struct Asset {
    /// Its path below `/page/`.
    path: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

macro_rules! assets {
    ($($path:literal: $content_type:expr,)*) => {
        &[$(Asset {
            path: $path,
            content_type: $content_type,
            content: include_bytes!(concat!("page/assets/", $path)),
        },)*]
    };
}

const ASSETS: &[Asset] = assets![
    "page.css": STYLE,
    "icon.svg": PICTURE,
    "main.js": SCRIPT,
    "dom.js": SCRIPT,
    "format.js": SCRIPT,
    "forms.js": SCRIPT,
    "history.js": SCRIPT,
    "net.js": SCRIPT,
    "overview.js": SCRIPT,
    "plots.js": SCRIPT,
    "repeat.js": SCRIPT,
    "table.js": SCRIPT,
    "tables.js": SCRIPT,
    "tail.js": SCRIPT,
    "uplot/uPlot.iife.min.js": SCRIPT,
    "uplot/uPlot.min.css": STYLE,
    "uplot/LICENSE": TEXT,
];

/// The entity tag of each asset.
static TAGS: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| {
    let tag = |asset: &Asset| {
        let digest = Sha256::digest(asset.content);
        let digits: String = digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        HeaderValue::from_str(&format!("\"{digits}\"")).expect("a tag is ASCII")
    };
    ASSETS.iter().map(tag).collect()
});

/// The page.
pub(super) async fn page(caller: &mut Caller) -> Result<Answer, Refusal> {
    let figures = Figures {
        overview: part(api::overview(caller))?,
        channels: part(api::channels(caller))?,
        queues: part(api::queues(caller).await)?,
        clients: part(api::clients(caller))?,
        closed: part(api::closed(caller))?,
        groups: part(api::groups(caller).await)?,
        slowlog: part(api::slowlog(caller))?,
    };
    let answer = Answer::whole("text/html; charset=utf-8", render(&figures));
    Ok(answer.with_header(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)))
}

/// A part of the page.
///
/// # Errors
/// The caller has to log in: the browser then asks for a user. Any other refusal is shown.
fn part(value: Result<Value, Refusal>) -> Result<Part, Refusal> {
    match value {
        Ok(value) => Ok(Ok(value)),
        Err(refusal) if refusal.status == StatusCode::UNAUTHORIZED => Err(refusal),
        Err(refusal) => Ok(Err(refusal.text)),
    }
}

/// A file of the page, or that the browser has it.
pub(super) fn asset(caller: &Caller) -> Result<Answer, Refusal> {
    let path = caller.target.rest();
    let Some(at) = ASSETS
        .iter()
        .position(|asset| asset.path.as_bytes() == &path[..])
    else {
        let text = "ERR the page has no such file";
        return Err(Refusal::new(StatusCode::NOT_FOUND, text));
    };
    let (asset, tag) = (&ASSETS[at], &TAGS[at]);
    let known = caller.headers.get_all(IF_NONE_MATCH).iter();
    let answer = if known.into_iter().any(|tags| lists(tags, tag)) {
        Answer::empty(StatusCode::NOT_MODIFIED)
    } else {
        Answer::whole(asset.content_type, Bytes::from_static(asset.content))
    };
    // The browser keeps it, and asks each time whether it is still the same.
    Ok(answer
        .with_header(CACHE_CONTROL, HeaderValue::from_static("no-cache"))
        .with_header(ETAG, tag.clone()))
}

/// Whether an If-None-Match names this tag. A proxy that compresses makes a tag a weak one.
fn lists(tags: &HeaderValue, tag: &HeaderValue) -> bool {
    let own = tag.as_bytes();
    tags.as_bytes().split(|byte| *byte == b',').any(|listed| {
        let listed = listed.trim_ascii();
        listed == b"*" || listed.strip_prefix(b"W/").unwrap_or(listed) == own
    })
}
