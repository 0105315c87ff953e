//! The embedding API: the builder, and what a running server tells and does.

mod common;

use std::sync::{Arc, Mutex};

use common::client::Client;
use common::{eventually, soon, start, start_with};
use fanfare::{BadSetting, Bound, ListenError, Server, StartError};

async fn refusal(settings: &[(&str, &str)]) -> StartError {
    let builder = settings
        .iter()
        .fold(Server::builder(), |builder, (name, value)| {
            builder.set(name, value)
        });
    builder.start().await.expect_err("it must not start")
}

#[tokio::test]
async fn wrong_settings_are_reported_by_start() {
    for (settings, text) in [
        (&[("nosuch", "1")][..], "unknown setting 'nosuch'"),
        (
            &[("maxclients", "many")],
            "bad value for 'maxclients': argument couldn't be parsed into an integer",
        ),
        (
            // The first one is reported, whatever follows it.
            &[("maxclients", "0"), ("nosuch", "1"), ("maxclients", "5")],
            "bad value for 'maxclients': argument must be between 1 and 4294967295 inclusive",
        ),
        (
            &[("bind", "")],
            "'bind' is empty and 'unixsocket' is not set, so there is nothing to listen on",
        ),
    ] {
        assert_eq!(refusal(settings).await.to_string(), text);
    }
    assert!(matches!(
        refusal(&[("nosuch", "1")]).await,
        StartError::Setting(BadSetting::Unknown(_))
    ));
}

#[tokio::test]
async fn an_address_that_is_taken_is_reported() {
    let server = start().await;
    let port = server.addr().expect("TCP").port();
    let error = Server::builder()
        .port(port)
        .start()
        .await
        .expect_err("it is taken");
    assert!(
        matches!(&error, StartError::Listen(ListenError::Bind { .. })),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        format!("can't listen on 127.0.0.1:{port}: Address already in use (os error 98)")
    );
    server.stop().await;
    let again = Server::builder()
        .port(port)
        .start()
        .await
        .expect("it is free");
    assert_eq!(again.addr().expect("TCP").port(), port);
}

/// Addresses that may be missing on this machine are left out, but a server that nobody can reach is
/// of no use.
#[tokio::test]
async fn a_server_without_any_address_does_not_start() {
    let error = Server::builder().set("bind", "-192.0.2.1").start().await;
    assert!(
        error.is_err(),
        "it listens nowhere: {:?}",
        error.map(|server| server.bound().to_vec())
    );
}

#[tokio::test]
async fn where_it_listens() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let socket = path.to_str().expect("text");
    let server = start().await;
    let address = server.addr().expect("TCP");
    assert!(address.ip().is_loopback() && address.port() != 0);
    assert_eq!(server.url(), format!("redis://{address}"));
    assert_eq!(server.bound(), [Bound::Tcp(address)]);

    let both = start_with(&[("unixsocket", socket)]).await;
    assert_eq!(both.bound().len(), 2);
    assert_eq!(both.bound()[1].to_string(), format!("unix {socket}"));
    assert!(both.url().starts_with("redis://"));
    let mut client = Client::unix(&path).await;
    client.ask("PING", "+PONG").await;
    both.stop().await;
    client.closed().await;
    assert!(!path.exists());

    let unix = start_with(&[("unixsocket", socket), ("bind", "")]).await;
    assert_eq!(unix.addr(), None);
    assert_eq!(unix.url(), format!("redis+unix://{socket}"));
    Client::unix(&path).await.ask("PING", "+PONG").await;
}

#[tokio::test]
async fn several_addresses_share_a_port() {
    let server = start_with(&[("bind", "127.0.0.1 127.0.0.2 -192.0.2.1")]).await;
    let [Bound::Tcp(one), Bound::Tcp(two)] = server.bound() else {
        panic!("{:?}", server.bound());
    };
    assert_eq!(
        (one.port(), two.to_string()),
        (two.port(), format!("127.0.0.2:{}", one.port()))
    );
    Client::to(*two, 3).await.ask("PING", "+PONG").await;
}

#[cfg(feature = "cli")]
#[tokio::test]
async fn a_whole_config_is_taken() {
    let mut config = fanfare::cli::Config {
        port: 0,
        ..fanfare::cli::Config::default()
    };
    config.apply("maxclients", &["7"]).expect("a good value");
    let server = Server::builder()
        .config(config)
        .start()
        .await
        .expect("it starts");
    let mut client = Client::connect(&server, 2).await;
    client
        .ask("CONFIG GET maxclients", "%1 $10 maxclients $1 7")
        .await;
}

#[tokio::test]
async fn config_changes_are_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let server = Server::builder()
        .on_config_change(move |config| log.lock().expect("no panic").push(config.maxclients))
        .start()
        .await
        .expect("it starts");
    let mut client = Client::connect(&server, 2).await;
    client.ask("CONFIG SET maxclients 50", "+OK").await;
    client.line("CONFIG SET maxclients 0").await;
    client.frame().await;
    client.ask("CONFIG SET maxclients 60", "+OK").await;
    assert_eq!(*told.lock().expect("no panic"), [50, 60]);
}

#[tokio::test]
async fn publish_reaches_channels_and_patterns() {
    let server = start().await;
    assert_eq!(server.publish("news", "nobody"), 0);
    let mut two = Client::connect(&server, 2).await;
    let mut three = Client::connect(&server, 3).await;
    two.subscribe("SUBSCRIBE", &["news"]).await;
    three.subscribe("PSUBSCRIBE", &["n*", "*"]).await;
    assert_eq!(server.publish("news", b"\0\xff"), 3);
    two.expect(b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\n\0\xff\r\n")
        .await;
    for _ in 0..2 {
        let message = three.push().await;
        assert_eq!(
            (&message[2][..], &message[3][..]),
            (&b"news"[..], &b"\0\xff"[..])
        );
    }
    // In order, small and large.
    for number in 0..200_usize {
        server.publish("news", number.to_string().repeat(1 + number * 20));
    }
    for number in 0..200_usize {
        assert_eq!(
            two.push().await[2],
            number.to_string().repeat(1 + number * 20)
        );
    }
    two.barrier().await;
}

#[tokio::test]
async fn counts_follow_subscriptions() {
    let server = start().await;
    let counts = || {
        (
            server.channel_count(),
            server.pattern_count(),
            server.subscriber_count("ab"),
        )
    };
    let mut one = Client::connect(&server, 2).await;
    let mut two = Client::connect(&server, 3).await;
    assert_eq!(server.client_count(), 2);
    one.subscribe("SUBSCRIBE", &["ab", "x"]).await;
    two.subscribe("SUBSCRIBE", &["ab"]).await;
    one.subscribe("PSUBSCRIBE", &["a*", "?b"]).await;
    two.subscribe("PSUBSCRIBE", &["a*"]).await;
    two.subscribe("SSUBSCRIBE", &["ab"]).await;
    assert_eq!(counts(), (2, 2, 5));
    two.ask("UNSUBSCRIBE ab", ">3 $11 unsubscribe $2 ab :1")
        .await;
    assert_eq!(counts(), (2, 2, 4));
    drop(one);
    eventually("one is gone", || server.client_count() == 1).await;
    eventually("its subscriptions, too", || counts() == (0, 1, 1)).await;
    two.ask("RESET", "+RESET").await;
    assert_eq!(counts(), (0, 0, 0));
}

#[tokio::test]
async fn wait_for_subscribers_waits_for_channels_and_patterns() {
    let server = Arc::new(start().await);
    soon("nothing to wait for", server.wait_for_subscribers("c", 0)).await;
    let waiting = |count| {
        let server = Arc::clone(&server);
        tokio::spawn(async move { server.wait_for_subscribers("c", count).await })
    };
    let (one, two, three) = (waiting(1), waiting(2), waiting(3));
    let mut client = Client::connect(&server, 2).await;
    client.subscribe("SSUBSCRIBE", &["c"]).await;
    client.subscribe("PSUBSCRIBE", &["other*"]).await;
    assert!(!one.is_finished());
    client.subscribe("PSUBSCRIBE", &["c*"]).await;
    soon("a pattern", one).await.expect("no panic");
    assert!(!two.is_finished());
    client.subscribe("SUBSCRIBE", &["c"]).await;
    soon("a channel", two).await.expect("no panic");
    client
        .ask("PUNSUBSCRIBE c*", ">3 $12 punsubscribe $2 c* :2")
        .await;
    assert!(!three.is_finished());
    let mut other = Client::connect(&server, 3).await;
    other.subscribe("SUBSCRIBE", &["c"]).await;
    other.subscribe("PSUBSCRIBE", &["?"]).await;
    soon("others", three).await.expect("no panic");
    soon("there already", server.wait_for_subscribers("c", 3)).await;
}

/// A server serves, and stops, on this runtime.
fn runs_on(runtime: &tokio::runtime::Runtime) {
    runtime.block_on(async {
        let server = start().await;
        let mut client = Client::connect(&server, 3).await;
        client.subscribe("SUBSCRIBE", &["c"]).await;
        soon("the subscriber", server.wait_for_subscribers("c", 1)).await;
        assert_eq!(server.publish("c", "hi"), 1);
        assert_eq!(client.push().await[2], "hi");
        server.stop().await;
        client.closed().await;
    });
}

#[test]
fn runtimes_of_any_flavour() {
    let mut current = tokio::runtime::Builder::new_current_thread();
    runs_on(&current.enable_all().build().expect("a runtime"));
    let mut multi = tokio::runtime::Builder::new_multi_thread();
    runs_on(
        &multi
            .worker_threads(3)
            .enable_all()
            .build()
            .expect("a runtime"),
    );
}

/// A runtime that ends takes its server along: nobody waits, nothing panics.
#[test]
fn a_runtime_that_ends_ends_its_server() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(async {
        let server = start().await;
        let mut client = Client::connect(&server, 3).await;
        client.subscribe("SUBSCRIBE", &["c"]).await;
        server
    });
    drop(runtime);
    assert_eq!(
        (server.client_count(), server.subscriber_count("c")),
        (0, 0)
    );
    drop(server);
}

#[tokio::test]
async fn servers_in_one_process_are_strangers() {
    let (one, two) = (start().await, start().await);
    let mut client = Client::connect(&one, 2).await;
    client.subscribe("SUBSCRIBE", &["c"]).await;
    assert_eq!((one.publish("c", "one"), two.publish("c", "two")), (1, 0));
    two.stop().await;
    assert_eq!(client.push().await[2], "one");
    client.barrier().await;
}
