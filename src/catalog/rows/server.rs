//! Rows: the server's state and settings, CONFIG and COMMAND.

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
        .summary("Get information and statistics about the server")
        .complexity("O(1)")
        .history(&[(
            "7.0.0",
            "Added support for taking multiple section arguments.",
        )])
        .arguments(&[Arg::string("section").optional().multiple()]),
    Spec::new("time", 1)
        .flags(&[Loading, Stale, Fast])
        .tips(&["nondeterministic_output"])
        .origin("server", "2.6.0")
        .summary("Return the current server time")
        .complexity("O(1)"),
    Spec::new("lolwut", -1)
        .flags(&[ReadOnly, Fast])
        .origin("server", "5.0.0")
        .summary("Display some computer art and the Redis version")
        .arguments(&[Arg::integer("version").token("VERSION").optional()]),
    Spec::new("shutdown", -1)
        .flags(&[Admin, NoScript, Loading, Stale, NoMulti, AllowBusy])
        .origin("server", "1.0.0")
        .summary("Synchronously save the dataset to disk and then shut down the server")
        .complexity(
            "O(N) when saving, where N is the total number of keys in all databases when \
            saving data, otherwise O(1)",
        )
        .history(&[("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")])
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
        .summary("A container for debugging commands")
        .complexity("Depends on subcommand.")
        .system(),
    Spec::container("config", CONFIG)
        .origin("server", "2.0.0")
        .summary("A container for server configuration commands")
        .complexity("Depends on subcommand."),
    Spec::new("command", -1)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .tips(&["nondeterministic_output_order"])
        .origin("server", "2.8.13")
        .summary("Get array of Redis command details")
        .complexity("O(N) where N is the total number of Redis commands")
        .subcommands(COMMAND),
];

/// CONFIG's subcommands.
const CONFIG: &[Spec] = &[
    Spec::new("get", -3)
        .flags(&[Admin, NoScript, Loading, Stale])
        .origin("server", "2.0.0")
        .summary("Get the values of configuration parameters")
        .complexity("O(N) when N is the number of configuration parameters provided")
        .history(&[(
            "7.0.0",
            "Added the ability to pass multiple pattern parameters in one call",
        )])
        .arguments(&[Arg::block("parameter", &[Arg::string("parameter")]).multiple()]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("server", "5.0.0")
        .summary("Show helpful text about the different subcommands")
        .complexity("O(1)"),
    Spec::new("resetstat", 2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .origin("server", "2.0.0")
        .summary("Reset the stats returned by INFO")
        .complexity("O(1)"),
    Spec::new("rewrite", 2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .origin("server", "2.8.0")
        .summary("Rewrite the configuration file with the in memory configuration")
        .complexity("O(1)"),
    Spec::new("set", -4)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .hides(secrets::of_config_set)
        .origin("server", "2.0.0")
        .summary("Set configuration parameters to the given values")
        .complexity("O(N) when N is the number of configuration parameters provided")
        .history(&[(
            "7.0.0",
            "Added the ability to set multiple parameters in one call.",
        )])
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
        .summary("Get total number of Redis commands")
        .complexity("O(1)"),
    Spec::new("docs", -2)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .tips(&["nondeterministic_output_order"])
        .origin("server", "7.0.0")
        .summary("Get array of specific Redis command documentation")
        .complexity("O(N) where N is the number of commands to look up")
        .arguments(&[Arg::string("command-name").optional().multiple()]),
    Spec::new("getkeys", -4)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .origin("server", "2.8.13")
        .summary("Extract keys given a full Redis command")
        .complexity("O(N) where N is the number of arguments to the command"),
    Spec::new("getkeysandflags", -4)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .origin("server", "7.0.0")
        .summary("Extract keys and access flags given a full Redis command")
        .complexity("O(N) where N is the number of arguments to the command"),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .origin("server", "5.0.0")
        .summary("Show helpful text about the different subcommands")
        .complexity("O(1)"),
    Spec::new("info", -2)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .tips(&["nondeterministic_output_order"])
        .origin("server", "2.8.13")
        .summary("Get array of specific Redis command details, or all when no argument is given.")
        .complexity("O(N) where N is the number of commands to look up")
        .history(&[(
            "7.0.0",
            "Allowed to be called with no argument to get info on all commands.",
        )])
        .arguments(&[Arg::string("command-name").optional().multiple()]),
    Spec::new("list", -2)
        .flags(&[Loading, Stale])
        .categories(&[Category::Connection])
        .tips(&["nondeterministic_output_order"])
        .origin("server", "7.0.0")
        .summary("Get an array of Redis command names")
        .complexity("O(N) where N is the total number of Redis commands")
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
