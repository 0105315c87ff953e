//! Rows: commands about clusters, replicas, modules and saves, which a standalone server does not
//! have. Clients and tools use them anyway.
//!
//! Layer `catalog`. A table of constants. The subcommands of CLUSTER are those of Redis 7.0. All of
//! them reply that there is no cluster.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{Admin, Fast, Loading, NoAsyncLoading, NoScript, Stale};
use crate::catalog::spec::{Arg, Spec};

const NO_CLUSTER: &str = "Refused: this server is in no cluster";

/// A subcommand of CLUSTER.
const fn cluster(name: &'static str, arity: i16, since: &'static str) -> Spec {
    Spec::new(name, arity)
        .tips(&["@slow"])
        .origin("cluster", since)
        .summary(NO_CLUSTER)
        .complexity("O(1)")
}

/// A subcommand of CLUSTER for administrators.
const fn admin(name: &'static str, arity: i16, since: &'static str) -> Spec {
    cluster(name, arity, since).tips(&["@admin", "@slow", "@dangerous"])
}

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("role", 1)
        .flags(&[NoScript, Loading, Stale, Fast])
        .categories(&[Category::Admin, Category::Dangerous])
        .origin("server", "2.8.12")
        .summary("Tell that the server is nobody's replica")
        .complexity("O(1)"),
    Spec::new("lastsave", 1)
        .flags(&[Loading, Stale, Fast])
        .categories(&[Category::Admin, Category::Dangerous])
        .tips(&["nondeterministic_output"])
        .origin("server", "1.0.0")
        .summary("Show when the server started, as nothing is ever saved")
        .complexity("O(1)"),
    Spec::container("module", MODULE)
        .origin("server", "4.0.0")
        .summary("Look at modules, of which there are none")
        .complexity("Depends on the subcommand"),
    Spec::container("cluster", CLUSTER)
        .origin("cluster", "3.0.0")
        .summary("Look at the cluster, of which there is none")
        .complexity("Depends on the subcommand"),
    Spec::new("asking", 1)
        .flags(&[Fast])
        .categories(&[Category::Connection])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)"),
    Spec::new("readonly", 1)
        .flags(&[Loading, Stale, Fast])
        .categories(&[Category::Connection])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)"),
    Spec::new("readwrite", 1)
        .flags(&[Loading, Stale, Fast])
        .categories(&[Category::Connection])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)"),
];

/// MODULE's subcommands.
const MODULE: &[Spec] = &[
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("server", "5.0.0")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("list", 2)
        .flags(&[Admin, NoScript])
        .tips(&["nondeterministic_output_order"])
        .origin("server", "4.0.0")
        .summary("List the modules: none")
        .complexity("O(1)"),
];

const SLOT_RANGE: Arg = Arg::block(
    "start-slot_end-slot",
    &[Arg::integer("start-slot"), Arg::integer("end-slot")],
);

/// CLUSTER's subcommands.
const CLUSTER: &[Spec] = &[
    admin("addslots", -3, "3.0.0")
        .flags(&[Admin, Stale, NoAsyncLoading])
        .arguments(&[Arg::integer("slot").multiple()]),
    admin("addslotsrange", -4, "7.0.0")
        .flags(&[Admin, Stale, NoAsyncLoading])
        .arguments(&[SLOT_RANGE.multiple()]),
    admin("bumpepoch", 2, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
    admin("count-failure-reports", 3, "3.0.0")
        .flags(&[Admin, Stale])
        .arguments(&[Arg::string("node-id")]),
    cluster("countkeysinslot", 3, "3.0.0")
        .flags(&[Stale])
        .arguments(&[Arg::integer("slot")]),
    admin("delslots", -3, "3.0.0")
        .flags(&[Admin, Stale, NoAsyncLoading])
        .arguments(&[Arg::integer("slot").multiple()]),
    admin("delslotsrange", -4, "7.0.0")
        .flags(&[Admin, Stale, NoAsyncLoading])
        .arguments(&[SLOT_RANGE.multiple()]),
    admin("failover", -2, "3.0.0")
        .flags(&[Admin, Stale, NoAsyncLoading])
        .arguments(&[Arg::one_of(
            "options",
            &[
                Arg::pure_token("force", "FORCE"),
                Arg::pure_token("takeover", "TAKEOVER"),
            ],
        )
        .optional()]),
    admin("flushslots", 2, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
    admin("forget", 3, "3.0.0")
        .flags(&[Admin, Stale, NoAsyncLoading])
        .arguments(&[Arg::string("node-id")]),
    cluster("getkeysinslot", 4, "3.0.0")
        .flags(&[Stale])
        .arguments(&[Arg::integer("slot"), Arg::integer("count")]),
    cluster("help", 2, "5.0.0").flags(&[Loading, Stale]),
    cluster("info", 2, "3.0.0").flags(&[Stale]),
    cluster("keyslot", 3, "3.0.0")
        .flags(&[Stale])
        .arguments(&[Arg::string("key")]),
    cluster("links", 2, "7.0.0").flags(&[Stale]),
    admin("meet", -4, "3.0.0")
        .flags(&[Admin, Stale, NoAsyncLoading])
        .history(&[("4.0.0", "Takes a bus port.")])
        .arguments(&[
            Arg::string("ip"),
            Arg::integer("port"),
            Arg::integer("cluster_bus_port").since("4.0.0").optional(),
        ]),
    cluster("myid", 2, "3.0.0").flags(&[Stale]),
    cluster("nodes", 2, "3.0.0").flags(&[Stale]),
    admin("replicas", 3, "5.0.0")
        .flags(&[Admin, Stale])
        .arguments(&[Arg::string("node-id")]),
    admin("replicate", 3, "3.0.0")
        .flags(&[Admin, Stale, NoAsyncLoading])
        .arguments(&[Arg::string("node-id")]),
    admin("reset", -2, "3.0.0")
        .flags(&[Admin, NoScript, Stale])
        .arguments(&[Arg::one_of(
            "hard_soft",
            &[
                Arg::pure_token("hard", "HARD"),
                Arg::pure_token("soft", "SOFT"),
            ],
        )
        .optional()]),
    admin("saveconfig", 2, "3.0.0").flags(&[Admin, Stale, NoAsyncLoading]),
    admin("set-config-epoch", 3, "3.0.0")
        .flags(&[Admin, Stale, NoAsyncLoading])
        .arguments(&[Arg::integer("config-epoch")]),
    admin("setslot", -4, "3.0.0")
        .flags(&[Admin, Stale, NoAsyncLoading])
        .arguments(&[
            Arg::integer("slot"),
            Arg::one_of(
                "subcommand",
                &[
                    Arg::string("node-id").token("IMPORTING"),
                    Arg::string("node-id").token("MIGRATING"),
                    Arg::string("node-id").token("NODE"),
                    Arg::pure_token("stable", "STABLE"),
                ],
            ),
        ]),
    cluster("shards", 2, "7.0.0").flags(&[Stale]),
    admin("slaves", 3, "3.0.0")
        .flags(&[Admin, Stale])
        .deprecated("5.0.0", "`CLUSTER REPLICAS`")
        .arguments(&[Arg::string("node-id")]),
    cluster("slots", 2, "3.0.0")
        .flags(&[Stale])
        .history(&[
            ("4.0.0", "Node ids."),
            ("7.0.0", "Host names and other metadata of nodes."),
        ])
        .deprecated("7.0.0", "`CLUSTER SHARDS`"),
];
