//! Rows: what a standalone server has to say about a cluster, replicas, modules and saves. Clients
//! and tools ask for it without being told to.
//!
//! The subcommands of CLUSTER are those of Redis 7.0, all of which answer that there is no cluster.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{Admin, Fast, Loading, NoAsyncLoading, NoScript, Stale};
use crate::catalog::spec::{Arg, Spec};

const NO_CLUSTER: &str = "Refused: this server is in no cluster";

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

/// CLUSTER's subcommands.
const CLUSTER: &[Spec] = &[
    Spec::new("addslots", -3)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::integer("slot").multiple()]),
    Spec::new("addslotsrange", -4)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "7.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::block(
            "start-slot_end-slot",
            &[Arg::integer("start-slot"), Arg::integer("end-slot")],
        )
        .multiple()]),
    Spec::new("bumpepoch", 2)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)"),
    Spec::new("count-failure-reports", 3)
        .flags(&[Admin, Stale])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::string("node-id")]),
    Spec::new("countkeysinslot", 3)
        .flags(&[Stale])
        .tips(&["@slow"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::integer("slot")]),
    Spec::new("delslots", -3)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::integer("slot").multiple()]),
    Spec::new("delslotsrange", -4)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "7.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::block(
            "start-slot_end-slot",
            &[Arg::integer("start-slot"), Arg::integer("end-slot")],
        )
        .multiple()]),
    Spec::new("failover", -2)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::one_of(
            "options",
            &[
                Arg::pure_token("force", "FORCE"),
                Arg::pure_token("takeover", "TAKEOVER"),
            ],
        )
        .optional()]),
    Spec::new("flushslots", 2)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)"),
    Spec::new("forget", 3)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::string("node-id")]),
    Spec::new("getkeysinslot", 4)
        .flags(&[Stale])
        .tips(&["@slow"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::integer("slot"), Arg::integer("count")]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .tips(&["@slow"])
        .origin("cluster", "5.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)"),
    Spec::new("info", 2)
        .flags(&[Stale])
        .tips(&["@slow"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)"),
    Spec::new("keyslot", 3)
        .flags(&[Stale])
        .tips(&["@slow"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::string("key")]),
    Spec::new("links", 2)
        .flags(&[Stale])
        .tips(&["@slow"])
        .origin("cluster", "7.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)"),
    Spec::new("meet", -4)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .history(&[("4.0.0", "Takes a bus port.")])
        .arguments(&[
            Arg::string("ip"),
            Arg::integer("port"),
            Arg::integer("cluster_bus_port").since("4.0.0").optional(),
        ]),
    Spec::new("myid", 2)
        .flags(&[Stale])
        .tips(&["@slow"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)"),
    Spec::new("nodes", 2)
        .flags(&[Stale])
        .tips(&["@slow"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)"),
    Spec::new("replicas", 3)
        .flags(&[Admin, Stale])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "5.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::string("node-id")]),
    Spec::new("replicate", 3)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::string("node-id")]),
    Spec::new("reset", -2)
        .flags(&[Admin, NoScript, Stale])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::one_of(
            "hard_soft",
            &[
                Arg::pure_token("hard", "HARD"),
                Arg::pure_token("soft", "SOFT"),
            ],
        )
        .optional()]),
    Spec::new("saveconfig", 2)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)"),
    Spec::new("set-config-epoch", 3)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .arguments(&[Arg::integer("config-epoch")]),
    Spec::new("setslot", -4)
        .flags(&[Admin, Stale, NoAsyncLoading])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
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
    Spec::new("shards", 2)
        .flags(&[Stale])
        .tips(&["@slow"])
        .origin("cluster", "7.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)"),
    Spec::new("slaves", 3)
        .flags(&[Admin, Stale])
        .tips(&["@admin", "@slow", "@dangerous"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .deprecated("5.0.0", "`CLUSTER REPLICAS`")
        .arguments(&[Arg::string("node-id")]),
    Spec::new("slots", 2)
        .flags(&[Stale])
        .tips(&["@slow"])
        .origin("cluster", "3.0.0")
        .summary(NO_CLUSTER)
        .complexity("O(1)")
        .history(&[
            ("4.0.0", "Node ids."),
            ("7.0.0", "Host names and other metadata of nodes."),
        ])
        .deprecated("7.0.0", "`CLUSTER SHARDS`"),
];
