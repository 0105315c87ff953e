//! Tests of the sorted set commands that need no connection.
//!
//! Layer `command`. It may use `state` and what lies below.

use crate::command::on_keys::Bench;
use crate::config::Config;
use crate::store::set::{Set, SetLimits};

/// Stores a set at a key.
fn put_set(bench: &mut Bench, key: &str, members: &[&str]) {
    let limits = SetLimits {
        intset_entries: 512,
        listpack_entries: 128,
        listpack_value: 64,
    };
    let mut set = Set::for_members(members[0].as_bytes(), members.len(), limits);
    for member in members {
        set.add(member.as_bytes(), limits);
    }
    let config = Config::default();
    bench
        .keyspace()
        .keys(0, &config)
        .put(key.as_bytes(), set, false);
}

#[test]
fn members_of_plain_sets_have_the_score_1() {
    let mut bench = Bench::new();
    put_set(&mut bench, "words", &["a", "b", "c"]);
    put_set(&mut bench, "numbers", &["1", "2"]);
    bench.run("ZADD z 5 a 6 1 7 x");
    let pairs = |reply: &str| reply.replace(" $1 ", " ");
    for (request, reply) in [
        (
            "ZUNION 2 words z WEIGHTS 10 1 WITHSCORES",
            "*5 *2 1 ,6 *2 x ,7 *2 b ,10 *2 c ,10 *2 a ,15",
        ),
        (
            "ZUNION 2 numbers z WITHSCORES",
            "*4 *2 2 ,1 *2 a ,5 *2 1 ,7 *2 x ,7",
        ),
        ("ZINTER 2 words z WITHSCORES", "*1 *2 a ,6"),
        ("ZINTER 2 z words AGGREGATE MIN WITHSCORES", "*1 *2 a ,1"),
        ("ZINTER 2 z numbers WITHSCORES", "*1 *2 1 ,7"),
        (
            "ZINTER 2 words words WITHSCORES",
            "*3 *2 a ,2 *2 b ,2 *2 c ,2",
        ),
        ("ZDIFF 2 words z WITHSCORES", "*2 *2 b ,1 *2 c ,1"),
        ("ZDIFF 2 z numbers WITHSCORES", "*2 *2 a ,5 *2 x ,7"),
        ("ZINTERCARD 2 z words", ":1"),
        ("ZINTERCARD 1 words LIMIT 2", ":2"),
        ("ZUNIONSTORE stored 2 words numbers", ":5"),
        ("ZUNIONSTORE words 1 words", ":3"),
        ("TYPE words", "+zset"),
    ] {
        assert_eq!(pairs(&bench.run(request)), reply, "{request}");
    }
    put_set(&mut bench, "words", &["a"]);
    for request in [
        "ZSCORE words a",
        "ZRANGE words 0 -1",
        "ZRANGESTORE d words 0 -1",
    ] {
        assert!(bench.run(request).starts_with("-WRONGTYPE"), "{request}");
    }
}

#[test]
fn the_encoding_follows_the_limits() {
    let mut bench = Bench::new();
    bench.set("zset-max-listpack-entries", "3");
    bench.set("zset-max-listpack-value", "4");
    for (request, encoding) in [
        ("ZADD a 1 x 2 y 3 z", "listpack"),
        ("ZADD a 9 x", "listpack"),
        ("ZADD a 4 w", "skiplist"),
        ("ZREM a w", "skiplist"),
        ("ZADD b 1 word", "listpack"),
        ("ZADD b 1 longer", "skiplist"),
        ("ZADD c 1 x 2 x 3 x 4 x", "skiplist"),
        ("ZUNIONSTORE d 1 a", "listpack"),
        ("ZUNIONSTORE e 2 a b", "skiplist"),
        ("ZRANGESTORE f b 0 0", "skiplist"),
        ("ZRANGESTORE g a 0 -1", "listpack"),
        ("COPY a h", "skiplist"),
    ] {
        bench.run(request);
        let key = match request.split(' ').collect::<Vec<_>>()[..] {
            ["COPY", _, key] | [_, key, ..] => key,
            _ => panic!("{request}"),
        };
        let reply = bench.run(&format!("OBJECT ENCODING {key}"));
        assert_eq!(reply, format!("$8 {encoding}"), "{request}");
    }
}

#[test]
fn large_sets_are_freed_after_the_lock_is_released() {
    let mut bench = Bench::new();
    let members: String = (0..2000)
        .map(|number| format!(" {number} {number:030}"))
        .collect();
    for removal in [
        "DEL z",
        "ZREMRANGEBYRANK z 0 -1",
        "ZREMRANGEBYSCORE z -inf inf",
        "ZPOPMIN z 2000",
        "ZMPOP 1 z MAX COUNT 5000",
        "ZRANGESTORE z small 0 -1",
        "ZUNIONSTORE z 1 nosuch",
        "SET z text",
        "ZDIFF 2 z small",
    ] {
        bench.run("DEL z");
        bench.run("ZADD small 1 a");
        bench.run(&format!("ZADD z{members}"));
        bench.keyspace().forget_garbage();
        bench.run(removal);
        assert!(bench.keyspace().has_garbage(), "{removal}");
    }
}

#[test]
fn a_large_set_has_the_ranks_and_removals_of_a_small_one() {
    let mut bench = Bench::new();
    // There are three members of each score.
    let members: String = (0..3000)
        .map(|number| format!(" {} m{number:04}", number / 3))
        .collect();
    assert_eq!(bench.run(&format!("ZADD z{members}")), ":3000");
    for (request, reply) in [
        ("ZCOUNT z 10 19", ":30"),
        ("ZCOUNT z (10 (19", ":24"),
        ("ZRANK z m1500", ":1500"),
        ("ZREVRANK z m1500", ":1499"),
        ("ZRANGE z 500 500 BYSCORE LIMIT 1 1", "*1 $5 m1501"),
        (
            "ZRANGE z 500 0 BYSCORE REV LIMIT 2 2",
            "*2 $5 m1500 $5 m1499",
        ),
        ("ZRANGE z -1 -1", "*1 $5 m2999"),
        ("ZREMRANGEBYRANK z 0 2989", ":2990"),
        ("ZPOPMIN z", "*2 $5 m2990 ,996"),
        ("ZINCRBY z 1000 m2991", ",1997"),
        ("ZRANK z m2991", ":8"),
        ("ZPOPMAX z", "*2 $5 m2991 ,1997"),
    ] {
        assert_eq!(bench.run(request), reply, "{request}");
    }
}

#[test]
fn random_members_are_all_members() {
    let mut bench = Bench::new();
    bench.run("ZADD z 1 a 2 b 3 c");
    let mut seen = std::collections::HashSet::new();
    // The probability that a given member is missing is (2/3)^200.
    for _ in 0..200 {
        seen.insert(bench.run("ZRANDMEMBER z"));
    }
    assert_eq!(seen.len(), 3);
    let all = bench.run("ZRANDMEMBER z -300");
    for member in ["a", "b", "c"] {
        assert!(all.contains(member));
    }
}
