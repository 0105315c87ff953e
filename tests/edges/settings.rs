//! What an edge is told: certificates, passwords, whether there are keys, and its HTTP port.

use fanfare::Server;

use super::hub::{Hub, edge};
use crate::certificates::Authority;
use crate::common::client::Client;
use crate::common::{info, soon, start_with};

/// The connection to the hub under TLS, with certificates on both sides.
#[tokio::test]
async fn the_hub_and_the_edge_prove_who_they_are() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    authority.issue("hub");
    authority.issue("edge");
    let hub = start_with(&[
        ("tls-port", "auto"),
        ("tls-cert-file", &authority.setting("hub.pem")),
        ("tls-key-file", &authority.setting("hub.key")),
        ("tls-ca-cert-file", &authority.setting("ca.pem")),
    ])
    .await;
    let url = format!("rediss://{}", hub.tls_addr().expect("a port for TLS"));
    let (own, key) = (authority.setting("edge.pem"), authority.setting("edge.key"));
    let certificate = [
        ("upstream-tls-cert-file", &own[..]),
        ("upstream-tls-key-file", &key),
    ];
    let ca = authority.setting("ca.pem");
    let trusting = [&certificate[..], &[("upstream-tls-ca-cert-file", &ca)]].concat();
    let edge = edge(&url, &trusting).await;
    let mut client = Client::connect(&edge, 3).await;
    client.subscribe("SUBSCRIBE", &["c"]).await;
    let payload = vec![b'x'; 3 << 20];
    let mut publisher = Client::connect(&edge, 3).await;
    publisher.command(&[&b"PUBLISH"[..], b"c", &payload]).await;
    assert_eq!(publisher.integer().await, 1);
    assert!(client.push().await[2] == payload);

    let wrong = stranger.setting("ca.pem");
    let doubting = [&certificate[..], &[("upstream-tls-ca-cert-file", &wrong)]].concat();
    let unknown = [("upstream-tls-ca-cert-file", &ca[..])];
    for settings in [&doubting[..], &unknown] {
        let edge = start_with(&[&[("upstream", &url[..])], settings].concat()).await;
        let mut observer = Client::connect(&edge, 3).await;
        soon("it is refused", async {
            while info(&mut observer, "upstream_refusals").await == "0" {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(info(&mut observer, "upstream_up").await, "0");
    }
    let refused = Server::builder().set("upstream", &url).start().await;
    let refused = refused.expect_err("no CA").to_string();
    assert!(refused.contains("upstream-tls-ca-cert-file"), "{refused}");
}

#[tokio::test]
async fn keys_and_an_upstream_exclude_each_other() {
    let start = |queue| {
        let builder = Server::builder().set("upstream", "redis://127.0.0.1:1");
        builder.set("queue", queue).start()
    };
    let refused = start("yes").await.expect_err("both were asked for");
    assert!(
        refused.to_string().contains("exclude each other"),
        "{refused}"
    );
    let server = start("auto").await.expect("it starts");
    let mut client = Client::connect(&server, 3).await;
    client.ask("CONFIG GET queue", "%1 $5 queue $2 no").await;
    client.line("SET k v").await;
    let refused = format!("{:?}", client.frame().await);
    assert!(refused.contains("without queue mode"), "{refused}");
}

/// A password in the URL is in no log of commands.
#[tokio::test]
async fn the_hubs_password_is_not_shown() {
    let url = "redis://me:secret@127.0.0.1:1";
    let server = start_with(&[("upstream", url), ("slowlog-log-slower-than", "0")]).await;
    let mut client = Client::connect(&server, 3).await;
    client.command(&["CONFIG", "SET", "upstream", url]).await;
    let refused = format!("{:?}", client.frame().await);
    assert!(refused.contains("immutable"), "{refused}");
    client.line("SLOWLOG GET").await;
    let shown = format!("{:?}", client.frame().await);
    assert!(
        shown.contains("(redacted)") && !shown.contains("secret"),
        "{shown}"
    );
    let refused = Server::builder()
        .set("upstream", "redis://me:secret@")
        .start()
        .await;
    let refused = refused.expect_err("no host").to_string();
    assert!(!refused.contains("secret"), "{refused}");
}

/// Asks for something over HTTP, and returns the whole answer.
#[cfg(feature = "http")]
async fn ask(edge: &Server, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let address = edge.http_addr().expect("an HTTP port");
    let stream = tokio::net::TcpStream::connect(address).await;
    let mut stream = stream.expect("it listens");
    let request = request.as_bytes();
    stream.write_all(request).await.expect("it is sent");
    let mut answer = String::new();
    soon("an answer", stream.read_to_string(&mut answer))
        .await
        .expect("text");
    answer
}

/// Without its hub an edge is not ready, and says what to do about it as HTTP does.
#[cfg(feature = "http")]
#[tokio::test]
async fn the_http_port_of_an_edge_without_a_hub_is_not_ready() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("redis://{}", nobody.local_addr().expect("an address"));
    drop(nobody);
    let settings = [
        ("upstream", &url[..]),
        ("upstream-timeout", "1"),
        ("http-port", "auto"),
    ];
    let edge = start_with(&settings).await;
    let end = "Host: localhost\r\nConnection: close\r\n";
    let body = "Content-Length: 1\r\n\r\nx";
    let published = ask(&edge, &format!("POST /publish/c HTTP/1.1\r\n{end}{body}")).await;
    assert!(published.starts_with("HTTP/1.1 503"), "{published}");
    assert!(
        published.contains("NOUPSTREAM no connection"),
        "{published}"
    );
    // An EventSource connects again if a stream ends, and only then.
    let stream = ask(&edge, &format!("GET /subscribe/c HTTP/1.1\r\n{end}\r\n")).await;
    assert!(stream.starts_with("HTTP/1.1 200"), "{stream}");
    let comment = "\r\n\r\n: ERR the connection was closed by the server\n\n";
    assert!(stream.ends_with(comment), "{stream}");
    for (path, status) in [
        ("/health", 200),
        ("/health/live", 200),
        ("/health/ready", 503),
    ] {
        let health = ask(&edge, &format!("GET {path} HTTP/1.1\r\n{end}\r\n")).await;
        assert!(
            health.starts_with(&format!("HTTP/1.1 {status}")),
            "{health}"
        );
        assert!(health.contains("\"ready\":false"), "{health}");
        assert!(health.contains("no connection to the upstream"), "{health}");
    }
}

/// The HTTP port of an edge: publishing waits for the hub as any client does, and the figures are there.
#[cfg(feature = "http")]
#[tokio::test]
async fn the_http_port_of_an_edge_publishes_at_the_hub() {
    let hub = Hub::fanfare().await;
    let edge = hub.edge(&[("http-port", "auto")]).await;
    let mut direct = hub.client(3).await;
    direct.subscribe("SUBSCRIBE", &["c"]).await;
    let ask = async |request: String| ask(&edge, &request).await;
    let end = "Host: localhost\r\nConnection: close\r\n";
    let answer = ask(format!(
        "POST /publish/c HTTP/1.1\r\n{end}Content-Length: 5\r\n\r\nhello"
    ))
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(direct.push().await[1..], ["c", "hello"]);
    let figures = ask(format!("GET /metrics HTTP/1.1\r\n{end}\r\n")).await;
    for line in [
        "fanfare_upstream_up 1",
        "fanfare_upstream_losses_total{reason=\"silent\"} 0",
    ] {
        assert!(figures.contains(line), "{line} is not in {figures}");
    }
    let overview = ask(format!("GET /api/overview HTTP/1.1\r\n{end}\r\n")).await;
    assert!(overview.contains("\"losses\":0"), "{overview}");
    let page = ask(format!("GET / HTTP/1.1\r\n{end}\r\n")).await;
    assert!(page.contains("<dt>connected</dt><dd>yes</dd>"), "{page}");
}
