//! What the HTTP port reads of a request, and what it makes of replies.
//!
//! Layer `fuzz`.
//!
//! ```text
//!   GET /subscribe/a%20b?format=json     a method and a target
//!   Host: localhost                      headers
//!
//!   [["GET","key"]]                      after an empty line: a body, which is read as commands and as
//!                                        replies too
//! ```

use bytes::BytesMut;
use hyper::Method;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::config::Config;
use crate::http::events::{EventWriter, Format};
use crate::http::gate;
use crate::http::json::{Encoding, ReplyJson};
use crate::http::requests::{CommandRequest, read_many, read_one};
use crate::http::routes;
use crate::http::target::Target;
use crate::resp::request::{Limits, RequestReader};
use crate::resp::tokens::TokenReader;

pub(super) fn run_input(data: &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = data.split_at(end.unwrap_or(data.len()));
    let body = body.get(2..).unwrap_or_default();
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    if let Ok(line) = str::from_utf8(first) {
        let (method, target) = line.split_once(' ').unwrap_or(("GET", line));
        if let Ok(method) = Method::from_bytes(method.as_bytes()) {
            find_route(&method, target);
            admit(&method, lines);
        }
    }
    read_commands(body);
    write_replies(body);
}

/// A route that is found is found again if the rest of its path is written in another way.
fn find_route(method: &Method, target: &str) {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let Ok(mut target) = Target::parse(path, query) else {
        return;
    };
    let Ok(route) = routes::find(method, &mut target) else {
        return;
    };
    let rest = target.rest();
    let escaped: String = rest.iter().map(|byte| format!("%{byte:02x}")).collect();
    let own = &path[..path.len() - target.raw_rest().len()];
    let Ok(mut again) = Target::parse(&format!("{own}{escaped}"), query) else {
        // It has become too long.
        return;
    };
    assert_eq!(routes::find(method, &mut again), Ok(route));
    assert_eq!(again.rest(), rest);
}

/// A page of another site, or a name that is not the server's, is never let in.
fn admit<'a>(method: &Method, lines: impl Iterator<Item = &'a [u8]>) {
    let mut headers = HeaderMap::new();
    for line in lines.take(64) {
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if let Ok(name) = HeaderName::from_bytes(name)
            && let Ok(value) = HeaderValue::from_bytes(value)
        {
            headers.append(name, value);
        }
    }
    let config = Config {
        http_hosts: vec!["fanfare".to_owned()],
        http_cors_origins: vec!["https://app.example".to_owned()],
        ..Config::default()
    };
    let Ok(reader) = gate::admit(method, &headers, &config) else {
        return;
    };
    let text = |name: &str| headers.get(name).map(|value| value.to_str().expect("text"));
    let (host, origin) = (text("host"), text("origin"));
    if let Some(host) = host {
        let host = host.to_ascii_lowercase();
        let is_address =
            host.starts_with('[') || host.starts_with(|first: char| first.is_ascii_digit());
        let is_name = ["localhost", "fanfare"]
            .iter()
            .any(|name| host.contains(name));
        assert!(is_address || is_name, "{host}");
    }
    match origin {
        Some("https://app.example") if reader.is_some() => {}
        Some(origin) if reader.is_some() => {
            assert!(
                origin.eq_ignore_ascii_case("https://app.example"),
                "{origin}"
            );
        }
        Some(origin) => {
            let host = host
                .expect("an origin is compared with it")
                .to_ascii_lowercase();
            assert!(origin.to_ascii_lowercase().ends_with(&host), "{origin}");
        }
        None => {
            let site = text("sec-fetch-site");
            let follows = method == Method::GET && text("sec-fetch-dest") == Some("document");
            assert!(
                matches!(site, None | Some("same-origin" | "none")) || follows,
                "{site:?}"
            );
        }
    }
}

/// Commands are read exactly where a plain reader of JSON finds them, and the server reads the same
/// arguments out of what they become.
fn read_commands(body: &[u8]) {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let one = value.as_ref().and_then(arguments);
    assert_eq!(
        read_one(body).ok().map(|request| server_reads(&request)),
        one
    );
    let all = value.as_ref().and_then(|value| {
        let commands = value.as_array()?.iter();
        commands.map(arguments).collect::<Option<Vec<_>>>()
    });
    let read = read_many(body).ok();
    let read = read.map(|requests| requests.iter().map(server_reads).collect::<Vec<_>>());
    assert_eq!(read, all);
}

fn arguments(command: &Value) -> Option<Vec<Vec<u8>>> {
    let argument = |value: &Value| match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Bool(value) => Some(value.to_string().into_bytes()),
        Value::Number(number) => Some(match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string().into_bytes(),
            _ => number.to_string().into_bytes(),
        }),
        _ => None,
    };
    let arguments = command.as_array()?.iter().map(argument);
    let arguments: Vec<Vec<u8>> = arguments.collect::<Option<_>>()?;
    (!arguments.is_empty()).then_some(arguments)
}

fn server_reads(request: &CommandRequest) -> Vec<Vec<u8>> {
    let limits = Limits {
        max_bulk: u64::MAX >> 1,
        authenticated: true,
    };
    let mut reader = RequestReader::default();
    assert_eq!(reader.next(&request.encoded, limits), Ok(true));
    assert_eq!(reader.consumed(), request.encoded.len());
    let args = reader.args(&request.encoded);
    args.iter().map(<[u8]>::to_vec).collect()
}

/// A whole reply becomes whole JSON. Messages become events that no byte of them can forge: no line of
/// one begins in another way than those of events.
fn write_replies(stream: &[u8]) {
    for encoding in [Encoding::Text, Encoding::Base64] {
        for of_exec in [false, true] {
            let (mut reader, mut input) = (TokenReader::default(), BytesMut::from(stream));
            let mut writer = ReplyJson::new(encoding, of_exec);
            let mut out = BytesMut::new();
            while let Ok(Some(token)) = reader.next(&mut input) {
                match writer.put(&token, &mut out) {
                    Ok(false) => {}
                    Ok(true) => {
                        let json: Result<Value, _> = serde_json::from_slice(&out);
                        assert!(json.is_ok(), "{}", out.escape_ascii());
                        break;
                    }
                    Err(_) => break,
                }
            }
        }
    }
    for format in [
        Format::Lines(Encoding::Text),
        Format::Lines(Encoding::Base64),
        Format::Json(Encoding::Text),
        Format::Json(Encoding::Base64),
        Format::Upstash,
    ] {
        let (mut reader, mut input) = (TokenReader::default(), BytesMut::from(stream));
        let mut writer = EventWriter::new(format);
        let mut out = BytesMut::new();
        while let Ok(Some(token)) = reader.next(&mut input) {
            if writer.put(&token, &mut out).is_err() {
                break;
            }
        }
        assert!(!out.contains(&b'\r'));
        for line in out[..].split(|byte| *byte == b'\n') {
            let starts = [
                &b"data: "[..],
                b"event: subscribed",
                b"event: message",
                b"id: ",
            ];
            let is_ours = line.is_empty() || starts.iter().any(|start| line.starts_with(start));
            assert!(is_ours, "{}", line.escape_ascii());
        }
    }
}
