//! Tests of COMMAND and its subcommands.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::*;
use crate::resp::Protocol;
use crate::resp::replies::Replies;

fn bytes(reply: Reply, protocol: Protocol) -> String {
    let mut out = Replies::default();
    reply.encode(&mut out, protocol);
    String::from_utf8(out.take_all())
        .unwrap()
        .replace("\r\n", " ")
}

fn command(name: &str) -> &'static Command {
    CATALOG.find_full(name.as_bytes()).unwrap()
}

#[test]
fn details_are_those_of_redis() {
    assert_eq!(
        bytes(details(command("spublish")), Protocol::Resp3),
        "*10 $8 spublish :3 ~4 +pubsub +loading +stale +fast :1 :1 :1 ~2 +@pubsub +@fast ~0 \
         ~1 %3 $5 flags ~1 +not_key $12 begin_search %2 $4 type $5 index $4 spec %1 $5 \
         index :1 $9 find_keys %2 $4 type $5 range $4 spec %3 $7 lastkey :0 $7 keystep :1 \
         $5 limit :0 ~0 "
    );
    assert_eq!(
        bytes(details(command("ping")), Protocol::Resp2),
        "*10 $4 ping :-1 *1 +fast :0 :0 :0 *2 +@fast +@connection *2 $25 \
         request_policy:all_shards $29 response_policy:all_succeeded *0 *0 "
    );
}

#[test]
fn key_specifications_are_those_of_redis() {
    let specs = |name: &str| {
        let specs = command(name).spec.key_specs.iter().map(key_spec);
        bytes(set(specs), Protocol::Resp3)
    };
    assert_eq!(
        specs("lmpop"),
        "~1 %3 $5 flags ~3 +RW +access +delete $12 begin_search %2 $4 type $5 index $4 spec %1 \
         $5 index :1 $9 find_keys %2 $4 type $6 keynum $4 spec %3 $9 keynumidx :0 $8 firstkey :1 \
         $7 keystep :1 "
    );
    let half = Find::Range {
        last: -1,
        step: 1,
        limit: 2,
    };
    let streams = KeySpec::behind("STREAMS", 1, half, &["RO", "access"]);
    assert_eq!(
        bytes(key_spec(&streams), Protocol::Resp3),
        "%3 $5 flags ~2 +RO +access $12 begin_search %2 $4 type $7 keyword $4 spec %2 $7 keyword \
         $7 STREAMS $9 startfrom :1 $9 find_keys %2 $4 type $5 range $4 spec %3 $7 lastkey :-1 \
         $7 keystep :1 $5 limit :2 "
    );
    let unknown = "$5 flags ~2 +OW +update $12 begin_search %2 $4 type $7 unknown $4 spec %0 $9 \
                   find_keys %2 $4 type $7 unknown $4 spec %0 ";
    let sort = specs("sort");
    assert!(
        sort.contains("%4 $5 notes $116 For the optional STORE keyword."),
        "{sort}"
    );
    assert!(sort.ends_with(unknown), "{sort}");
}

#[test]
fn a_container_shows_its_subcommands_as_an_array() {
    let pubsub = bytes(details(command("pubsub")), Protocol::Resp3);
    let start = "*10 $6 pubsub :-2 ~0 :0 :0 :0 ~1 +@slow ~0 ~0 *8 *10 $15 pubsub|channels :-2 ";
    assert!(pubsub.starts_with(start), "{pubsub}");
}

#[test]
fn documentation_is_that_of_redis() {
    let (name, map) = documentation(command("auth"));
    assert_eq!(bytes(name, Protocol::Resp3), "$4 auth ");
    assert_eq!(
        bytes(map, Protocol::Resp3),
        "%6 $7 summary $6 Log in $5 since $5 1.0.0 $5 group $10 \
         connection $10 complexity $32 O(N) for N passwords of the user $7 history ~1 *2 $5 6.0.0 $40 Takes a user's name before the password. $9 \
         arguments *2 %5 $4 name $8 username $4 type $6 string $12 display_text $8 username $5 since $5 6.0.0 $5 flags \
         ~1 +optional %3 $4 name $8 password $4 type $6 string $12 display_text $8 password "
    );
    let (_, map) = documentation(command("client|unblock"));
    assert_eq!(
        bytes(map, Protocol::Resp2),
        "*10 $7 summary $49 End the wait of a connection that waits for a key $5 since $5 5.0.0 $5 group $10 connection $10 complexity $33 O(N) for N keys that it waits for $9 arguments *2 *6 $4 name $9 \
         client-id $4 type $7 integer $12 display_text $9 client-id *8 $4 name $13 timeout_error $4 type $5 oneof $5 \
         flags *1 +optional $9 arguments *2 *8 $4 name $7 timeout $4 type $10 pure-token $12 display_text $7 timeout $5 \
         token $7 TIMEOUT *8 $4 name $5 error $4 type $10 pure-token $12 display_text $5 error $5 token $5 ERROR "
    );
}

/// What Redis 7.2 says otherwise than 7.0.
#[test]
fn flags_tips_and_deprecations_are_those_of_7_2() {
    for (name, start) in [
        (
            "wait",
            "*10 $4 wait :3 ~1 +blocking :0 :0 :0 ~3 +@slow +@blocking +@connection ",
        ),
        ("blpop", "*10 $5 blpop :-3 ~2 +write +blocking "),
        ("brpop", "*10 $5 brpop :-3 ~2 +write +blocking "),
        ("blmove", "*10 $6 blmove :6 ~3 +write +denyoom +blocking "),
        (
            "brpoplpush",
            "*10 $10 brpoplpush :4 ~3 +write +denyoom +blocking ",
        ),
        ("bzpopmin", "*10 $8 bzpopmin :-3 ~3 +write +blocking +fast "),
        ("bzpopmax", "*10 $8 bzpopmax :-3 ~3 +write +blocking +fast "),
    ] {
        let told = bytes(details(command(name)), Protocol::Resp3);
        assert!(told.starts_with(start), "{told}");
    }
    assert!(command("msetnx").spec.tips.is_empty());
    for name in ["scan", "randomkey"] {
        assert!(command(name).spec.tips.contains(&"response_policy:special"));
    }
    for (name, since) in [
        ("quit", "7.2.0"),
        ("setex", "2.6.12"),
        ("psetex", "2.6.12"),
        ("setnx", "2.6.12"),
    ] {
        let deprecated = command(name).spec.docs.deprecated.as_ref();
        assert_eq!(deprecated.map(|deprecated| deprecated.since), Some(since));
    }
    // STORE and STOREDIST are one choice.
    assert_eq!(command("georadius").spec.docs.arguments.len(), 11);
    assert_eq!(command("georadiusbymember").spec.docs.arguments.len(), 10);
}

#[test]
fn a_request_names_a_bounded_number_of_commands() {
    assert!(bounded(vec![b"client"; MAX_NAMES]).is_ok());
    assert_eq!(bounded(vec![b"client"; MAX_NAMES + 1]), Err(TOO_MANY_NAMES));
}

fn names(filter: &[&[u8]]) -> Vec<&'static str> {
    let entries = listed(filter).unwrap();
    entries.map(|command| command.full_name.as_str()).collect()
}

#[test]
fn list_filters() {
    assert_eq!(names(&[]).len(), CATALOG.ids());
    let pubsub = names(&[b"FilterBy", b"AclCat", b"PUBSUB"]);
    assert_eq!(pubsub.len(), 15);
    assert!(pubsub.contains(&"pubsub|numpat") && !pubsub.contains(&"pubsub"));
    assert_eq!(names(&[b"filterby", b"aclcat", b"@pubsub"]).len(), 0);
    assert_eq!(names(&[b"filterby", b"pattern", b"SUBsc*"]), ["subscribe"]);
    assert_eq!(
        names(&[b"filterby", b"pattern", b"*NT|KILL"]),
        ["client|kill"]
    );
    assert_eq!(names(&[b"filterby", b"module", b"x"]).len(), 0);
    let wrong: [&[&[u8]]; 4] = [
        &[b"x"],
        &[b"filterby", b"pattern"],
        &[b"filterby", b"x", b"y"],
        &[b"filterby", b"pattern", b"x", b"y"],
    ];
    for filter in wrong {
        assert_eq!(
            listed(filter).err(),
            Some(CommandError::SYNTAX),
            "{filter:?}"
        );
    }
}

fn keys(request: &[&[u8]]) -> Result<usize, CommandError> {
    Ok(keys_of(command_of(request)?.spec, request)?.len())
}

#[test]
fn getkeys_finds_no_keys_in_pubsub_commands() {
    let requests: [&[&[u8]]; 5] = [
        &[b"publish", b"a", b"b"],
        &[b"SPUBLISH", b"a", b"b"],
        &[b"ssubscribe", b"a"],
        &[b"spublish", b"too few"],
        &[b"client", b"KILL"],
    ];
    for request in requests {
        assert_eq!(keys(request), Err(NO_KEYS));
    }
    let requests: [&[&[u8]]; 4] = [
        &[b"nope", b"a"],
        &[b"client", b"nope"],
        &[b"command", b"nope", b"a"],
        &[b"client|kill", b"a"],
    ];
    for request in requests {
        assert_eq!(keys(request), Err(NO_SUCH_COMMAND));
    }
}

/// A command whose key is beyond the arguments that its arity requires.
static BEYOND: Spec = Spec::new("beyond", -1).keys(&[KeySpec::at(3, &[])]);

/// The keys of a request with their flags, or the error.
fn found(row: &'static Spec, request: &str) -> String {
    let args: Vec<_> = request.split(' ').map(str::as_bytes).collect();
    let shown = |(key, flags): (&[u8], KeyFlags)| {
        let key = String::from_utf8_lossy(key);
        format!("{key} {}", flags.join("+"))
    };
    match keys_of(row, &args) {
        Ok(keys) => keys.into_iter().map(shown).collect::<Vec<_>>().join(", "),
        Err(error) => String::from_utf8(error.wire_text()).unwrap(),
    }
}

#[test]
fn getkeys_follows_key_specifications() {
    let arity = "ERR Invalid number of arguments specified for command";
    let arguments = "ERR Invalid arguments specified for command";
    let cases = [
        ("mset a b c d", "a OW+update, c OW+update"),
        ("mset a b c", "a OW+update, c OW+update"),
        ("mset a", arity),
        ("brpoplpush a c 0", "a RW+access+delete, c RW+insert"),
        ("blpop a b 0", "a RW+access+delete, b RW+access+delete"),
        ("lmpop 2 a b left", "a RW+access+delete, b RW+access+delete"),
        ("lmpop 2x a b left", "a , b "),
        ("lmpop 4 a b left", arguments),
        ("blmpop 0 1 a left", "a RW+access+delete"),
        ("blmpop 0 0 a left", arguments),
    ];
    for (request, keys) in cases {
        let name = request.split(' ').next().unwrap();
        assert_eq!(found(command(name).spec, request), keys, "{request}");
    }
    assert_eq!(found(&BEYOND, "beyond a"), arguments);
}

#[test]
fn getkeys_asks_the_command_where_arguments_matter() {
    let cases = [
        ("set k v", "k OW+update"),
        ("set k get ex 10", "k OW+update"),
        ("set k v ex 10 GeT", "k RW+access+update"),
        ("sort k", "k RO+access"),
        ("sort k store", "k RO+access"),
        ("sort k store d asc STORE e", "k RO+access, e OW+update"),
        ("sort k by store get store limit 0 store", "k RO+access"),
        (
            "sort k limit 0 1 by store store d",
            "k RO+access, d OW+update",
        ),
        ("sort_ro k store d", "k RO+access"),
    ];
    for (request, keys) in cases {
        let name = request.split(' ').next().unwrap();
        assert_eq!(found(command(name).spec, request), keys, "{request}");
    }
}

#[test]
fn documentation_of_keys_and_deprecation() {
    let (_, map) = documentation(command("rpoplpush"));
    assert_eq!(
        bytes(map, Protocol::Resp3),
        "%8 $7 summary $75 Move an element from the tail of a list to the head of another, and show it $5 since $5 1.2.0 $5 group $4 list $10 complexity $4 O(1) $9 doc_flags ~1 \
         +deprecated $16 deprecated_since $5 6.2.0 $11 replaced_by $37 `LMOVE source destination RIGHT LEFT` $9 arguments *2 %4 $4 name $6 source $4 type $3 key $12 display_text $6 source $14 \
         key_spec_index :0 %4 $4 name $11 destination $4 type $3 key $12 display_text $11 destination $14 key_spec_index :1 "
    );
}
