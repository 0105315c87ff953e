//! Users while connections are theirs: what is taken away is gone at the next command.

#![cfg(feature = "cli")]

mod common;
mod access {
    mod start;
}

use common::client::{Client, Frame};
use common::{both, field, info, start_with};
use fanfare::Server;

const NO_SUCH_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";
const REVOKED: &str = "NOPERM ACLs rules changed between the moment the transaction was accumulated \
                       and the EXEC call. This command is no longer allowed for the following reason: ";

/// A client that is the user `name`, whose password does not matter.
async fn client_of(server: &Server, protocol: u8, name: &str) -> Client {
    let mut client = Client::connect(server, protocol).await;
    client.ask(&format!("AUTH {name} any"), "+OK").await;
    client
}

#[tokio::test]
async fn what_a_user_loses_is_gone_at_its_next_command() {
    both(async |server, admin| {
        admin
            .ask("ACL SETUSER u on nopass +@all ~* &*", "+OK")
            .await;
        let mut client = client_of(server, admin.protocol, "u").await;
        client.ask("SET a 1", "+OK").await;
        admin.ask("ACL SETUSER u resetkeys ~b", "+OK").await;
        client
            .error("SET a 1", "NOPERM No permissions to access a key")
            .await;
        client.ask("SET b 1", "+OK").await;
        admin.ask("ACL SETUSER u -set -client|id", "+OK").await;
        client
            .error(
                "SET b 1",
                "NOPERM User u has no permissions to run the 'set' command",
            )
            .await;
        client
            .error(
                "CLIENT ID",
                "NOPERM User u has no permissions to run the 'client|id' command",
            )
            .await;
        admin.ask("ACL SETUSER u resetchannels &c", "+OK").await;
        client
            .error("PUBLISH d x", "NOPERM No permissions to access a channel")
            .await;
        client.ask("PUBLISH c x", ":0").await;
        // Who is let in already stays.
        admin.ask("ACL SETUSER u off", "+OK").await;
        client.ask("PUBLISH c x", ":0").await;
        client.error("AUTH u any", NO_SUCH_PASSWORD).await;
        client.ask("ACL WHOAMI", "$1 u").await;
    })
    .await;
}

#[tokio::test]
async fn a_pipeline_is_checked_command_by_command() {
    both(async |server, admin| {
        admin
            .ask("ACL SETUSER u on nopass +@all ~* &*", "+OK")
            .await;
        let mut client = client_of(server, admin.protocol, "u").await;
        client
            .send(
                "PUBLISH c x\r\nACL SETUSER u -publish\r\nPUBLISH c x\r\nPUBLISH c x\r\nECHO x\r\n",
            )
            .await;
        client.expect(":0\r\n+OK\r\n").await;
        let denied = "-NOPERM User u has no permissions to run the 'publish' command\r\n";
        client.expect(denied.repeat(2)).await;
        client.expect("$1\r\nx\r\n").await;
    })
    .await;
}

#[tokio::test]
async fn a_deleted_user_is_disconnected_wherever_it_waits() {
    both(async |server, admin| {
        admin
            .ask("ACL SETUSER u on nopass +@all ~* &*", "+OK")
            .await;
        let mut idle = client_of(server, admin.protocol, "u").await;
        let mut blocked = client_of(server, admin.protocol, "u").await;
        blocked.line("BLPOP list 0").await;
        let mut subscribed = client_of(server, admin.protocol, "u").await;
        subscribed.subscribe("SUBSCRIBE", &["c"]).await;
        let mut other = Client::connect(server, admin.protocol).await;
        common::until_info(admin, "blocked_clients", "1").await;
        admin.ask("ACL DELUSER u nosuch", ":1").await;
        for client in [&mut idle, &mut blocked, &mut subscribed] {
            client.closed().await;
        }
        assert_eq!(server.client_count(), 2);
        assert_eq!(server.subscriber_count("c"), 0);
        // What is pushed now is nobody's.
        admin.ask("RPUSH list x", ":1").await;
        admin.ask("LLEN list", ":1").await;
        other.ask("PING", "+PONG").await;
    })
    .await;
}

#[tokio::test]
async fn who_deletes_itself_is_told_and_does_no_more() {
    both(async |server, admin| {
        admin
            .ask("ACL SETUSER u on nopass +@all ~* &*", "+OK")
            .await;
        let mut client = client_of(server, admin.protocol, "u").await;
        client.send("ACL DELUSER u\r\nSET after 1\r\n").await;
        client.expect(":1\r\n").await;
        client.closed().await;
        admin.ask("EXISTS after", ":0").await;

        // In a transaction, too, and not as the default user either.
        admin
            .ask("ACL SETUSER u on nopass +@all ~* &*", "+OK")
            .await;
        let mut client = client_of(server, admin.protocol, "u").await;
        client
            .send("MULTI\r\nACL DELUSER u\r\nSET after 1\r\nEXEC\r\n")
            .await;
        client.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n").await;
        client
            .expect("*2\r\n:1\r\n-NOAUTH Authentication required.\r\n")
            .await;
        client.closed().await;
        admin.ask("EXISTS after", ":0").await;
    })
    .await;
}

#[tokio::test]
async fn a_user_that_is_made_again_is_not_the_one_that_was_deleted() {
    both(async |server, admin| {
        admin.ask("ACL SETUSER u on nopass +@all ~*", "+OK").await;
        let mut client = client_of(server, admin.protocol, "u").await;
        admin
            .send("ACL DELUSER u\r\nACL SETUSER u on nopass +@all ~*\r\n")
            .await;
        admin.expect(":1\r\n+OK\r\n").await;
        client.closed().await;
    })
    .await;
}

#[tokio::test]
async fn subscribers_of_channels_that_are_taken_away_are_disconnected() {
    both(async |server, admin| {
        admin
            .ask("ACL SETUSER u on nopass +@all &one &two* &three", "+OK")
            .await;
        let mut one = client_of(server, admin.protocol, "u").await;
        one.subscribe("SUBSCRIBE", &["one"]).await;
        let mut two = client_of(server, admin.protocol, "u").await;
        two.subscribe("PSUBSCRIBE", &["two*"]).await;
        let mut three = client_of(server, admin.protocol, "u").await;
        three.subscribe("SSUBSCRIBE", &["three"]).await;
        let mut none = client_of(server, admin.protocol, "u").await;

        admin.ask("ACL SETUSER u &four", "+OK").await;
        for client in [&mut one, &mut two, &mut three] {
            client.barrier().await;
        }
        admin
            .ask("ACL SETUSER u resetchannels &three &two?", "+OK")
            .await;
        one.closed().await;
        two.closed().await;
        three.barrier().await;
        admin.ask("ACL SETUSER u resetchannels (&*)", "+OK").await;
        admin.ask("ACL SETUSER u clearselectors", "+OK").await;
        three.closed().await;
        none.barrier().await;
        assert_eq!(server.subscriber_count("one"), 0);
    })
    .await;
}

#[tokio::test]
async fn exec_checks_what_was_queued_again() {
    both(async |server, admin| {
        admin
            .ask("ACL SETUSER u on nopass +@all ~* &*", "+OK")
            .await;
        let mut client = client_of(server, admin.protocol, "u").await;
        client.ask("MULTI", "+OK").await;
        for line in ["SET a 1", "SET b 1", "PUBLISH c x", "STRLEN a", "PING"] {
            client.ask(line, "+QUEUED").await;
        }
        admin
            .ask("ACL SETUSER u -strlen resetkeys ~a resetchannels", "+OK")
            .await;
        client.line("EXEC").await;
        let key = "no permission to touch the specified keys";
        let channel = "no permission to access one of the channels used as arguments";
        let command = "no permission to execute the command or subcommand";
        client
            .expect(format!(
                "*5\r\n+OK\r\n-{REVOKED}{key}\r\n-{REVOKED}{channel}\r\n-{REVOKED}{command}\r\n+PONG\r\n"
            ))
            .await;
        admin.ask("EXISTS a b", ":1").await;
        for (kind, count) in [("cmd", "1"), ("key", "1"), ("channel", "1"), ("auth", "0")] {
            let name = format!("acl_access_denied_{kind}");
            assert_eq!(info(admin, &name).await, count, "{kind}");
        }
        client.error("AUTH u2 any", NO_SUCH_PASSWORD).await;
        assert_eq!(info(admin, "acl_access_denied_auth").await, "1");
        admin.ask("CONFIG RESETSTAT", "+OK").await;
        assert_eq!(info(admin, "acl_access_denied_auth").await, "0");
    })
    .await;
}

#[tokio::test]
async fn lists_of_clients_tell_users_apart() {
    both(async |server, admin| {
        admin.ask("ACL SETUSER u on nopass +@all", "+OK").await;
        let mut client = client_of(server, admin.protocol, "u").await;
        client.line("CLIENT INFO").await;
        assert_eq!(field(&client.text().await, "user"), "u");
        admin.line("CLIENT INFO").await;
        assert_eq!(field(&admin.text().await, "user"), "default");
        admin
            .error("CLIENT KILL USER nosuch", "ERR No such user 'nosuch'")
            .await;
        admin.ask("CLIENT KILL USER default", ":0").await;
        admin.ask("CLIENT KILL USER u", ":1").await;
        client.closed().await;

        let mut client = client_of(server, admin.protocol, "u").await;
        client.ask("RESET", "+RESET").await;
        client.protocol = 2;
        client.ask("ACL WHOAMI", "$7 default").await;
    })
    .await;
}

#[tokio::test]
async fn the_default_user_decides_who_must_say_who_it_is() {
    let server = start_with(&[("requirepass", "sesame")]).await;
    let address = server.addr().expect("an address");
    let mut client = Client::raw(address).await;
    let no_auth = "NOAUTH Authentication required.";
    client.error("PING", no_auth).await;
    client.ask("AUTH sesame", "+OK").await;
    let mut stranger = Client::raw(address).await;
    let too_many = "*11\r\n";

    // Before AUTH a request is bounded, and after it not, however the password goes and comes.
    client.ask("ACL SETUSER default nopass", "+OK").await;
    stranger.ask("PING", "+PONG").await;
    stranger.send(too_many).await;
    stranger.send("$4\r\nPING\r\n".repeat(11)).await;
    let arity = "-ERR wrong number of arguments for 'ping' command\r\n";
    stranger.expect(arity).await;
    client.ask("ACL SETUSER default >other", "+OK").await;
    stranger.error("PING", no_auth).await;
    stranger.send(too_many).await;
    stranger
        .expect("-ERR Protocol error: unauthenticated multibulk length\r\n")
        .await;
    stranger.closed().await;

    client.ask("CONFIG SET requirepass sesame", "+OK").await;
    client.error("AUTH other", NO_SUCH_PASSWORD).await;
    client.ask("CONFIG SET requirepass ", "+OK").await;
    client.ask("ACL SETUSER default off", "+OK").await;
    let mut stranger = Client::raw(address).await;
    stranger.error("PING", no_auth).await;
    server.stop().await;
}

#[tokio::test]
async fn who_takes_its_own_channels_away_is_told_first() {
    let server = start_with(&[]).await;
    let mut admin = Client::connect(&server, 3).await;
    admin.ask("ACL SETUSER u on nopass +@all &*", "+OK").await;
    let mut client = client_of(&server, 3, "u").await;
    client.subscribe("SUBSCRIBE", &["c"]).await;
    client.ask("ACL SETUSER u resetchannels", "+OK").await;
    client.closed().await;
    server.stop().await;
}

/// Whoever comes first: nobody keeps a subscription that it may no longer have.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_does_not_slip_past_who_takes_the_channel_away() {
    let server = start_with(&[]).await;
    let mut admin = Client::connect(&server, 2).await;
    for _ in 0..600 {
        admin.ask("ACL SETUSER u on nopass +@all &c", "+OK").await;
        let mut client = client_of(&server, 2, "u").await;
        tokio::join!(
            client.line("SUBSCRIBE c"),
            admin.ask("ACL SETUSER u resetchannels", "+OK")
        );
        // It was refused, or is disconnected.
        let first = client.frame_or_end().await;
        if first.is_some_and(|frame| matches!(frame, Frame::Array { .. })) {
            client.closed().await;
        }
        assert_eq!(server.subscriber_count("c"), 0);
    }
    server.stop().await;
}

/// The value of an option is no keyword: what is checked is what is done.
#[tokio::test]
async fn sort_stores_where_the_user_may_write_and_nowhere_else() {
    both(async |server, admin| {
        let rules = "ACL SETUSER u on nopass +@all ~a ~by ~store";
        admin.ask(rules, "+OK").await;
        admin.ask("RPUSH a 2 1", ":2").await;
        for hidden in [
            "by STORE",
            "BY STORE by STORE",
            "store STORE",
            "by ASC STORE",
        ] {
            let request = format!("SORT a STORE {hidden} secret");
            let mut client = client_of(server, admin.protocol, "u").await;
            client
                .error(&request, "NOPERM No permissions to access a key")
                .await;
            let keys = format!("COMMAND GETKEYS {request}");
            admin.ask(&keys, "*2 $1 a $6 secret").await;
            client.ask(&request.replace("secret", "store"), ":2").await;
        }
        admin.ask("EXISTS secret", ":0").await;
        let flags = "COMMAND GETKEYSANDFLAGS SORT a STORE by STORE secret";
        admin
            .ask(
                flags,
                "*2 *2 $1 a ~2 +RO +access *2 $6 secret ~2 +OW +update",
            )
            .await;
        let dryrun = "ACL DRYRUN u SORT a STORE by STORE secret";
        assert!(admin.reply(dryrun).await.ends_with(b"the 'secret' key\r\n"));
    })
    .await;
}

/// Wrong passwords make their connection rest, and no other.
#[tokio::test]
async fn wrong_passwords_make_their_connection_rest() {
    both(async |server, admin| {
        let rules = "ACL SETUSER u on >right +@all ~* &*";
        admin.ask(rules, "+OK").await;
        let denied = async |admin: &mut Client| -> u64 {
            let count = info(admin, "acl_access_denied_auth").await;
            count.parse().expect("a number")
        };
        let wrong = format!("-{NO_SUCH_PASSWORD}\r\n");
        let mut guesser = Client::connect(server, admin.protocol).await;
        for _ in 0..3 {
            guesser.error("AUTH u wrong", NO_SUCH_PASSWORD).await;
        }
        guesser.ask("AUTH u right", "+OK").await;
        // What comes behind a rest is carried out all the same.
        let guesses = "AUTH u wrong\r\n".repeat(3) + "ECHO over\r\n";
        guesser.send(guesses).await;
        guesser.expect(wrong.repeat(3)).await;
        guesser.expect("$4\r\nover\r\n").await;
        assert_eq!(denied(admin).await, 6);
        // Within an EXEC no password is compared once the connection owes a rest.
        guesser
            .send("MULTI\r\nAUTH u wrong\r\nAUTH u right\r\nEXEC\r\n")
            .await;
        guesser.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n").await;
        guesser.expect(wrong.repeat(2)).await;
        assert_eq!(denied(admin).await, 8);
        // RESET forgives nothing. Its rests would add up to minutes; others are served meanwhile.
        guesser.ask("RESET", "+RESET").await;
        guesser.send("AUTH u wrong\r\n".repeat(200)).await;
        guesser.expect(&wrong).await;
        for _ in 0..10 {
            admin.ask("PING", "+PONG").await;
        }
        assert!(denied(admin).await < 208);
        // And who rests can be disconnected.
        admin.line("CLIENT KILL SKIPME yes").await;
        assert_eq!(admin.integer().await, 1);
        guesser.rest().await;
        assert_eq!(server.client_count(), 1);
    })
    .await;
}
