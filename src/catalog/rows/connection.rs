//! Rows: the connection's state, and CLIENT.
//!
//! Layer `catalog`. A table of constants. CLIENT SETINFO and CLIENT NO-TOUCH are from Redis 7.2;
//! CLIENT CLOSED, OVERFLOW and SLOWEST are fanfare's own. All others are as in Redis 7.0.

use crate::catalog::categories::Category;
use crate::catalog::secrets;
use crate::catalog::spec::Flag::{
    Admin, AllowBusy, Fast, Loading, NoAuth, NoScript, Stale, WhileSubscribed,
};
use crate::catalog::spec::{Arg, InMulti, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("hello", -1)
        .flags(&[NoScript, Loading, Stale, Fast, NoAuth, AllowBusy])
        .categories(&[Category::Connection])
        .hides(secrets::of_hello)
        .origin("connection", "6.0.0")
        .summary("Greet the server: choose the protocol version, log in, name the connection")
        .complexity("O(1)")
        .history(&[(
            "6.2.0",
            "`protover` may be left out; the reply then describes the connection as it is.",
        )])
        .arguments(&[Arg::block(
            "arguments",
            &[
                Arg::integer("protover"),
                Arg::block(
                    "username_password",
                    &[Arg::string("username"), Arg::string("password")],
                )
                .token("AUTH")
                .optional(),
                Arg::string("clientname").token("SETNAME").optional(),
            ],
        )
        .optional()]),
    Spec::new("auth", -2)
        .flags(&[NoScript, Loading, Stale, Fast, NoAuth, AllowBusy])
        .categories(&[Category::Connection])
        .hides(secrets::of_auth)
        .origin("connection", "1.0.0")
        .summary("Log in")
        .complexity("O(N) for N passwords of the user")
        .history(&[("6.0.0", "Takes a user's name before the password.")])
        .arguments(&[
            Arg::string("username").since("6.0.0").optional(),
            Arg::string("password"),
        ]),
    Spec::new("select", 2)
        .flags(&[Loading, Stale, Fast])
        .categories(&[Category::Connection])
        .origin("connection", "1.0.0")
        .summary("Choose the database that the connection uses")
        .complexity("O(1)")
        .arguments(&[Arg::integer("index")]),
    Spec::new("reset", 1)
        .flags(&[
            NoScript,
            Loading,
            Stale,
            Fast,
            NoAuth,
            AllowBusy,
            WhileSubscribed,
        ])
        .in_multi(InMulti::GivesUp)
        .categories(&[Category::Connection])
        .origin("connection", "6.2.0")
        .summary("Make the connection as it was when it was new")
        .complexity("O(1)"),
    Spec::new("quit", -1)
        .flags(&[
            NoScript,
            Loading,
            Stale,
            Fast,
            NoAuth,
            AllowBusy,
            WhileSubscribed,
        ])
        .in_multi(InMulti::GivesUp)
        .categories(&[Category::Connection])
        .origin("connection", "1.0.0")
        .summary("End the connection")
        .complexity("O(1)")
        .deprecated("7.2.0", "closing the connection"),
    Spec::new("ping", -1)
        .flags(&[Fast, WhileSubscribed])
        .categories(&[Category::Connection])
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .origin("connection", "1.0.0")
        .summary("Ask whether the server answers")
        .complexity("O(1)")
        .arguments(&[Arg::string("message").optional()]),
    Spec::new("echo", 2)
        .flags(&[Loading, Stale, Fast])
        .categories(&[Category::Connection])
        .origin("connection", "1.0.0")
        .summary("Send a string back")
        .complexity("O(1)")
        .arguments(&[Arg::string("message")]),
    Spec::container("client", CLIENT)
        .origin("connection", "2.4.0")
        .summary("Show, control and end connections")
        .complexity("Depends on the subcommand"),
];

/// CLIENT's subcommands.
const CLIENT: &[Spec] = &[
    Spec::new("caching", 3)
        .flags(&[NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "6.0.0")
        .summary("Instruct the server about tracking or not keys in the next request")
        .complexity("O(1)")
        .arguments(&[Arg::one_of(
            "mode",
            &[Arg::pure_token("yes", "YES"), Arg::pure_token("no", "NO")],
        )]),
    Spec::new("closed", -2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .tips(&["nondeterministic_output"])
        .origin("connection", "7.2.0")
        .summary("Describe connections that have ended, and say why")
        .complexity("O(N) for N connections shown")
        .arguments(&[Arg::integer("count").optional()]),
    Spec::new("getname", 2)
        .flags(&[NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "2.6.9")
        .summary("Show the connection's name")
        .complexity("O(1)"),
    Spec::new("getredir", 2)
        .flags(&[NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "6.0.0")
        .summary("Get tracking notifications redirection client ID if any")
        .complexity("O(1)"),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "5.0.0")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("id", 2)
        .flags(&[NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "5.0.0")
        .summary("Show the connection's number")
        .complexity("O(1)"),
    Spec::new("info", 2)
        .flags(&[NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .tips(&["nondeterministic_output"])
        .origin("connection", "6.2.0")
        .summary("Describe the connection")
        .complexity("O(1)"),
    Spec::new("kill", -3)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "2.4.0")
        .summary("End connections")
        .complexity("O(N) for N connections")
        .history(&[
            ("2.8.12", "Takes filters."),
            ("2.8.12", "`ID` filter."),
            ("3.2.0", "`TYPE` takes `master`."),
            ("5.0.0", "`TYPE` takes `replica`; `slave` still works."),
            ("6.2.0", "`LADDR` filter."),
        ])
        .arguments(&[Arg::one_of(
            "filter",
            &[
                Arg::string("ip:port").deprecated_since("2.8.12"),
                Arg::one_of(
                    "new-format",
                    &[
                        Arg::integer("client-id")
                            .token("ID")
                            .since("2.8.12")
                            .optional(),
                        Arg::one_of(
                            "normal_master_slave_pubsub",
                            &[
                                Arg::pure_token("normal", "NORMAL"),
                                Arg::pure_token("master", "MASTER").since("3.2.0"),
                                Arg::pure_token("slave", "SLAVE"),
                                Arg::pure_token("replica", "REPLICA").since("5.0.0"),
                                Arg::pure_token("pubsub", "PUBSUB"),
                            ],
                        )
                        .token("TYPE")
                        .since("2.8.12")
                        .optional(),
                        Arg::string("username").token("USER").optional(),
                        Arg::string("ip:port").token("ADDR").optional(),
                        Arg::string("ip:port")
                            .token("LADDR")
                            .since("6.2.0")
                            .optional(),
                        Arg::string("yes/no").token("SKIPME").optional(),
                    ],
                )
                .multiple(),
            ],
        )]),
    Spec::new("list", -2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .tips(&["nondeterministic_output"])
        .origin("connection", "2.4.0")
        .summary("Describe all connections")
        .complexity("O(N) for N connections")
        .history(&[
            ("2.8.12", "`id` field."),
            ("5.0.0", "`TYPE` filter."),
            ("6.0.0", "`user` field."),
            (
                "6.2.0",
                "`argv-mem`, `tot-mem`, `laddr` and `redir` fields; `ID` filter.",
            ),
            ("7.0.0", "`resp`, `multi-mem`, `rbs` and `rbp` fields."),
            ("7.0.3", "`ssub` field."),
        ])
        .arguments(&[
            Arg::one_of(
                "normal_master_replica_pubsub",
                &[
                    Arg::pure_token("normal", "NORMAL"),
                    Arg::pure_token("master", "MASTER"),
                    Arg::pure_token("replica", "REPLICA"),
                    Arg::pure_token("pubsub", "PUBSUB"),
                ],
            )
            .token("TYPE")
            .since("5.0.0")
            .optional(),
            Arg::block("id", &[Arg::integer("client-id").multiple()])
                .token("ID")
                .since("6.2.0")
                .optional(),
        ]),
    Spec::new("no-evict", 3)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "7.0.0")
        .summary("Spare the connection when connections take too much memory")
        .complexity("O(1)")
        .arguments(&[Arg::one_of("enabled", ON_OFF)]),
    Spec::new("no-touch", 3)
        .flags(&[NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "7.2.0")
        .summary("Leave the time of last use of keys as it is")
        .complexity("O(1)")
        .arguments(&[Arg::one_of("enabled", ON_OFF)]),
    Spec::new("overflow", -3)
        .flags(&[NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "7.2.0")
        .summary("Choose what happens to messages that the connection reads too slowly")
        .complexity("O(1), O(N) for N messages that wait when dropping stops")
        .arguments(&[
            Arg::one_of(
                "policy",
                &[
                    Arg::pure_token("disconnect", "DISCONNECT"),
                    Arg::pure_token("drop-oldest", "DROP-OLDEST"),
                    Arg::pure_token("drop-newest", "DROP-NEWEST"),
                    Arg::pure_token("default", "DEFAULT"),
                ],
            ),
            Arg::integer("limit-bytes").optional(),
        ]),
    Spec::new("pause", -3)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "2.9.50")
        .summary("Hold back commands for a while")
        .complexity("O(1)")
        .history(&[("6.2.0", "`WRITE` holds back only what writes.")])
        .arguments(&[
            Arg::integer("timeout"),
            Arg::one_of(
                "mode",
                &[
                    Arg::pure_token("write", "WRITE"),
                    Arg::pure_token("all", "ALL"),
                ],
            )
            .since("6.2.0")
            .optional(),
        ]),
    Spec::new("reply", 3)
        .flags(&[NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "3.2.0")
        .summary("Choose whether the connection is answered")
        .complexity("O(1)")
        .arguments(&[Arg::one_of(
            "on_off_skip",
            &[
                Arg::pure_token("on", "ON"),
                Arg::pure_token("off", "OFF"),
                Arg::pure_token("skip", "SKIP"),
            ],
        )]),
    Spec::new("setinfo", 4)
        .flags(&[NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "7.2.0")
        .summary("Tell which client library the connection uses")
        .complexity("O(1)")
        .arguments(&[Arg::one_of(
            "attr",
            &[
                Arg::string("libname").token("lib-name"),
                Arg::string("libver").token("lib-ver"),
            ],
        )]),
    Spec::new("setname", 3)
        .flags(&[NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "2.6.9")
        .summary("Name the connection")
        .complexity("O(1)")
        .arguments(&[Arg::string("connection-name")]),
    Spec::new("slowest", -2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .tips(&["nondeterministic_output"])
        .origin("connection", "7.2.0")
        .summary("Describe connections that read too slowly")
        .complexity("O(N log N) for N connections")
        .arguments(&[Arg::integer("count").optional()]),
    Spec::new("tracking", -3)
        .flags(&[NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "6.0.0")
        .summary("Enable or disable server assisted client side caching support")
        .complexity("O(1). Some options may introduce additional complexity.")
        .arguments(&[
            Arg::one_of("status", ON_OFF),
            Arg::integer("client-id").token("REDIRECT").optional(),
            Arg::string("prefix")
                .token("PREFIX")
                .optional()
                .multiple_token(),
            Arg::pure_token("bcast", "BCAST").optional(),
            Arg::pure_token("optin", "OPTIN").optional(),
            Arg::pure_token("optout", "OPTOUT").optional(),
            Arg::pure_token("noloop", "NOLOOP").optional(),
        ]),
    Spec::new("trackinginfo", 2)
        .flags(&[NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "6.2.0")
        .summary(
            "Return information about server assisted client side caching for the current \
             connection",
        )
        .complexity("O(1)"),
    Spec::new("unblock", -3)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "5.0.0")
        .summary("End the wait of a connection that waits for a key")
        .complexity("O(N) for N keys that it waits for")
        .arguments(&[
            Arg::integer("client-id"),
            Arg::one_of(
                "timeout_error",
                &[
                    Arg::pure_token("timeout", "TIMEOUT"),
                    Arg::pure_token("error", "ERROR"),
                ],
            )
            .optional(),
        ]),
    Spec::new("unpause", 2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&[Category::Connection])
        .origin("connection", "6.2.0")
        .summary("End a pause")
        .complexity("O(N) for N connections"),
];

/// The states of a switch.
const ON_OFF: &[Arg] = &[Arg::pure_token("on", "ON"), Arg::pure_token("off", "OFF")];
