//! Rows: the server's state and settings, CONFIG and COMMAND.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::secrets;
use crate::catalog::spec::Flag::{
    Admin, AllowBusy, Fast, Loading, NoMulti, NoScript, Protected, ReadOnly, Stale,
};
use crate::catalog::spec::{Arg, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("info", -1)
        .flags(&[Loading, Stale])
        .categories(&[Category::Dangerous])
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ])
        .origin("server", "1.0.0")
        .summary("Show what the server is and does")
        .complexity("O(N) for N lines")
        .history(&[("7.0.0", "Takes several sections.")])
        .arguments(&[Arg::string("section").optional().multiple()]),
    Spec::new("time", 1)
        .flags(&[Loading, Stale, Fast])
        .tips(&["nondeterministic_output"])
        .origin("server", "2.6.0")
        .summary("Show the server's clock")
        .complexity("O(1)"),
    Spec::new("lolwut", -1)
        .flags(&[ReadOnly, Fast])
        .origin("server", "5.0.0")
        .summary("Show a picture and the version")
        .arguments(&[Arg::integer("version").token("VERSION").optional()]),
    Spec::new("shutdown", -1)
        .flags(&[Admin, NoScript, Loading, Stale, NoMulti, AllowBusy])
        .origin("server", "1.0.0")
        .summary("End the server")
        .complexity("O(N) for N connections that are still written to")
        .history(&[("7.0.0", "`NOW`, `FORCE` and `ABORT`.")])
        .arguments(&[
            Arg::one_of(
                "nosave_save",
                &[
                    Arg::pure_token("nosave", "NOSAVE"),
                    Arg::pure_token("save", "SAVE"),
                ],
            )
            .optional(),
            Arg::pure_token("now", "NOW").since("7.0.0").optional(),
            Arg::pure_token("force", "FORCE").since("7.0.0").optional(),
            Arg::pure_token("abort", "ABORT").since("7.0.0").optional(),
        ]),
    Spec::new("debug", -2)
        .flags(&[Admin, NoScript, Loading, Stale, Protected])
        .origin("server", "1.0.0")
        .summary("Try out how clients and the server take what is rare")
        .complexity("Depends on the subcommand")
        .system(),
    Spec::container("config", CONFIG)
        .origin("server", "2.0.0")
        .summary("Show and change settings")
        .complexity("Depends on the subcommand"),
    Spec::new("command", -1)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .tips(&["nondeterministic_output_order"])
        .origin("server", "2.8.13")
        .summary("Describe all commands")
        .complexity("O(N) for N commands")
        .subcommands(COMMAND),
];

/// CONFIG's subcommands.
const CONFIG: &[Spec] = &[
    Spec::new("get", -3)
        .flags(&[Admin, NoScript, Loading, Stale])
        .origin("server", "2.0.0")
        .summary("Show settings")
        .complexity("O(N) for N settings and patterns")
        .history(&[("7.0.0", "Takes several names or patterns.")])
        .arguments(&[Arg::block("parameter", &[Arg::string("parameter")]).multiple()]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("server", "5.0.0")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("resetstat", 2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .origin("server", "2.0.0")
        .summary("Set the counters of `INFO` to zero")
        .complexity("O(1)"),
    Spec::new("rewrite", 2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .origin("server", "2.8.0")
        .summary("Refused: the configuration file is never written")
        .complexity("O(1)"),
    Spec::new("set", -4)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .hides(secrets::of_config_set)
        .origin("server", "2.0.0")
        .summary("Change settings while the server runs")
        .complexity("O(N) for N settings")
        .history(&[("7.0.0", "Takes several settings, and changes all or none.")])
        .arguments(&[Arg::block(
            "parameter_value",
            &[Arg::string("parameter"), Arg::string("value")],
        )
        .multiple()]),
];

/// COMMAND's subcommands.
const COMMAND: &[Spec] = &[
    Spec::new("count", 2)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .origin("server", "2.8.13")
        .summary("Count the commands")
        .complexity("O(1)"),
    Spec::new("docs", -2)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .tips(&["nondeterministic_output_order"])
        .origin("server", "7.0.0")
        .summary("Say what commands do and which arguments they take")
        .complexity("O(N) for N commands asked for")
        .arguments(&[Arg::string("command-name").optional().multiple()]),
    Spec::new("getkeys", -4)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .origin("server", "2.8.13")
        .summary("Find the keys in a command with its arguments")
        .complexity("O(N) for N arguments"),
    Spec::new("getkeysandflags", -4)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .origin("server", "7.0.0")
        .summary("Find the keys in a command with its arguments, and what it does with each")
        .complexity("O(N) for N arguments"),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .origin("server", "5.0.0")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("info", -2)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .tips(&["nondeterministic_output_order"])
        .origin("server", "2.8.13")
        .summary("Describe some commands, or all")
        .complexity("O(N) for N commands asked for")
        .history(&[("7.0.0", "Describes all commands if no name is given.")])
        .arguments(&[Arg::string("command-name").optional().multiple()]),
    Spec::new("list", -2)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .tips(&["nondeterministic_output_order"])
        .origin("server", "7.0.0")
        .summary("List the names of commands")
        .complexity("O(N) for N commands")
        .arguments(&[Arg::one_of(
            "filterby",
            &[
                Arg::string("module-name").token("MODULE"),
                Arg::string("category").token("ACLCAT"),
                Arg::pattern("pattern").token("PATTERN"),
            ],
        )
        .token("FILTERBY")
        .optional()]),
];
