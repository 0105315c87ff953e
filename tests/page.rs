//! The page of the HTTP port: its files, its headers, and what it shows without JavaScript. What it does with
//! JavaScript, tests/clients/node/page.mjs checks in a browser.

#![cfg(feature = "http")]

mod common;

use std::collections::HashMap;

use common::client::Client;
use common::{soon, start_with};
use fanfare::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer over HTTP.
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: String,
}

/// Sends one request on a connection of its own.
async fn ask(server: &Server, path: &str, headers: &str) -> Answer {
    let address = server.http_addr().expect("there is an HTTP port");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    let mut bytes = Vec::new();
    soon("the answer", async {
        let mut stream = TcpStream::connect(address).await.expect("it accepts");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
        stream.read_to_end(&mut bytes).await.expect("it answers");
    })
    .await;
    let text = String::from_utf8(bytes).expect("the answer is text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").expect("a header");
        (name.to_ascii_lowercase(), value.to_owned())
    };
    Answer {
        status: status
            .and_then(|status| status.parse().ok())
            .expect("a status"),
        headers: lines.map(header).collect(),
        body: body.to_owned(),
    }
}

async fn start() -> Server {
    start_with(&[("http-port", "auto")]).await
}

/// What follows `before` up to the next quote, as often as it is there.
fn quoted<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let rest = text.split(before).skip(1);
    rest.filter_map(|rest| rest.split(['"', '\'']).next())
        .collect()
}

#[tokio::test]
async fn every_file_that_the_page_names_is_there() {
    let server = start().await;
    let page = ask(&server, "/", "").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["cache-control"], "no-store");
    let mut files: Vec<String> = [
        quoted(&page.body, "href=\"page/"),
        quoted(&page.body, "src=\"page/"),
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect();
    assert!(files.len() >= 5, "{files:?}");
    let mut seen = 0;
    while seen < files.len() {
        let file = files[seen].clone();
        seen += 1;
        let answer = ask(&server, &format!("/page/{file}"), "").await;
        assert_eq!(answer.status, 200, "{file}");
        let expected = match file.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(answer.headers["content-type"], expected, "{file}");
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{file}"
        );
        // Modules name further ones.
        for module in quoted(&answer.body, " from './") {
            if !files.iter().any(|known| known == module) {
                files.push(module.to_owned());
            }
        }
    }
    assert!(files.iter().any(|file| file == "tail.js"), "{files:?}");
    assert_eq!(ask(&server, "/page/uplot/LICENSE", "").await.status, 200);
    for none in [
        "/page/none.js",
        "/page/",
        "/page/../page.html",
        "/page/page.html",
    ] {
        assert_eq!(ask(&server, none, "").await.status, 404, "{none}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_browser_that_has_a_file_is_not_sent_it_again() {
    let server = start().await;
    let first = ask(&server, "/page/page.css", "").await;
    let tag = &first.headers["etag"];
    assert_eq!(first.headers["cache-control"], "no-cache");
    for known in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}")] {
        let again = ask(
            &server,
            "/page/page.css",
            &format!("If-None-Match: {known}\r\n"),
        )
        .await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{known}");
        assert_eq!(&again.headers["etag"], tag);
    }
    let other = ask(&server, "/page/page.css", "If-None-Match: \"other\"\r\n").await;
    assert_eq!((other.status, other.body), (200, first.body));
    assert_ne!(
        &ask(&server, "/page/main.js", "").await.headers["etag"],
        tag
    );
    server.stop().await;
}

/// The browser refuses everything that is not a file of this server, and the page has nothing of
/// that kind.
#[tokio::test]
async fn the_page_has_no_script_or_style_in_it() {
    let server = start().await;
    let page = ask(&server, "/", "").await;
    let policy = &page.headers["content-security-policy"];
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(
            policy.split("; ").any(|own| own == part),
            "{part} in {policy}"
        );
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = page.body.to_ascii_lowercase();
    for refused in [
        " style=",
        "<style",
        " onclick=",
        " onload=",
        "javascript:",
        "http://",
        "https://",
    ] {
        assert!(!html.contains(refused), "{refused}");
    }
    for script in html.split("<script").skip(1) {
        assert!(script.starts_with(" src=\"page/"), "{script:.80}");
        assert!(script.contains("></script>"), "{script:.80}");
    }
    server.stop().await;
}

#[tokio::test]
async fn names_in_the_tables_are_text() {
    let server = start().await;
    let mut client = Client::connect(&server, 2).await;
    let hostile = "<img/src=x/onerror=alert(1)>";
    client
        .ask(&format!("CLIENT SETNAME {hostile}"), "+OK")
        .await;
    client.ask(&format!("LPUSH {hostile} a b"), ":2").await;
    client
        .ask(&format!("XGROUP CREATE stream {hostile} 0 MKSTREAM"), "+OK")
        .await;
    server.publish(hostile, "1");
    let page = ask(&server, "/", "").await;
    assert!(!page.body.contains(hostile));
    let escaped = "&lt;img/src=x/onerror=alert(1)&gt;";
    // The client; the queue; the group; the channel.
    for cell in [
        format!("<th scope=\"row\" class=\"name\">{escaped} #"),
        format!(
            "<th scope=\"row\" class=\"name\">{escaped}</th><td class=\"n minor\">0</td><td class=\"n\">2</td>"
        ),
        format!("<td class=\"name\">{escaped}</td>"),
        format!("<th scope=\"row\" class=\"name\">{escaped}</th><td class=\"n\">1</td>"),
    ] {
        assert!(page.body.contains(&cell), "{cell}");
    }
    assert!(page.body.contains("<dt>connected</dt><dd>"));
    server.stop().await;
}

#[tokio::test]
async fn a_part_that_may_not_be_seen_says_so() {
    let server = start_with(&[("http-port", "auto"), ("requirepass", "sesame")]).await;
    assert_eq!(ask(&server, "/", "").await.status, 401);
    let mut client = Client::raw(server.addr().expect("a TCP address")).await;
    client.ask("AUTH sesame", "+OK").await;
    client.ask("ACL SETUSER looker on >pass +info", "+OK").await;
    // looker:pass
    let page = ask(&server, "/", "Authorization: Basic bG9va2VyOnBhc3M=\r\n").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<dt>connected</dt><dd>"));
    assert!(page.body.contains("You may not see the clients: NOPERM"));
    client.ask("ACL SETUSER looker -info", "+OK").await;
    let page = ask(&server, "/", "Authorization: Basic bG9va2VyOnBhc3M=\r\n").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("You may not see the figures: NOPERM"));
    assert!(!page.body.contains("<dt>connected</dt>"));
    let wrong = ask(&server, "/", "Authorization: Basic bG9va2VyOm5v\r\n").await;
    assert_eq!(wrong.status, 401);
    server.stop().await;
}
