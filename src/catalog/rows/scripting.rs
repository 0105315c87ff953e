//! Rows: scripts and functions.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{
    AllowBusy, DenyOom, Loading, MayReplicate, NoMandatoryKeys, NoScript, ReadOnly, SkipMonitor,
    Stale, Write,
};
use crate::catalog::spec::{Arg, Flag, KeySpec, Spec};

/// The rows of what runs scripts, which is about keys.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("eval", -3)
        .flags(RUNS)
        .categories(SCRIPTING)
        .keys(&[KeySpec::counted(2, &["RW", "access", "update"]).notes(ANY_WRITE)])
        .origin("scripting", "2.6.0")
        .summary("Run a script in Lua")
        .complexity(OF_SCRIPT)
        .arguments(&[
            Arg::string("script"),
            Arg::integer("numkeys"),
            Arg::key("key", 0).optional().multiple(),
            Arg::string("arg").optional().multiple(),
        ]),
    Spec::new("evalsha", -3)
        .flags(RUNS)
        .categories(SCRIPTING)
        .keys(&[KeySpec::counted(2, &["RW", "access", "update"])])
        .origin("scripting", "2.6.0")
        .summary("Run a script that the server has kept, by the SHA-1 digest of its text")
        .complexity(OF_SCRIPT)
        .arguments(&[
            Arg::string("sha1"),
            Arg::integer("numkeys"),
            Arg::key("key", 0).optional().multiple(),
            Arg::string("arg").optional().multiple(),
        ]),
    Spec::new("eval_ro", -3)
        .flags(READS)
        .categories(SCRIPTING)
        .keys(&[KeySpec::counted(2, &["RO", "access"]).notes(ANY_READ)])
        .origin("scripting", "7.0.0")
        .summary("Run a script in Lua that changes no keys")
        .complexity(OF_SCRIPT)
        .arguments(&[
            Arg::string("script"),
            Arg::integer("numkeys"),
            Arg::key("key", 0).optional().multiple(),
            Arg::string("arg").optional().multiple(),
        ]),
    Spec::new("evalsha_ro", -3)
        .flags(READS)
        .categories(SCRIPTING)
        .keys(&[KeySpec::counted(2, &["RO", "access"])])
        .origin("scripting", "7.0.0")
        .summary("Run a kept script that changes no keys, by the SHA-1 digest of its text")
        .complexity(OF_SCRIPT)
        .arguments(&[
            Arg::string("sha1"),
            Arg::integer("numkeys"),
            Arg::key("key", 0).optional().multiple(),
            Arg::string("arg").optional().multiple(),
        ]),
    Spec::new("fcall", -3)
        .flags(RUNS)
        .categories(SCRIPTING)
        .keys(&[KeySpec::counted(2, &["RW", "access", "update"]).notes(ANY_WRITE)])
        .origin("scripting", "7.0.0")
        .summary("Call a function of a library")
        .complexity(OF_FUNCTION)
        .arguments(&[
            Arg::string("function"),
            Arg::integer("numkeys"),
            Arg::key("key", 0).optional().multiple(),
            Arg::string("arg").optional().multiple(),
        ]),
    Spec::new("fcall_ro", -3)
        .flags(READS)
        .categories(SCRIPTING)
        .keys(&[KeySpec::counted(2, &["RO", "access"]).notes(ANY_READ)])
        .origin("scripting", "7.0.0")
        .summary("Call a function of a library that changes no keys")
        .complexity(OF_FUNCTION)
        .arguments(&[
            Arg::string("function"),
            Arg::integer("numkeys"),
            Arg::key("key", 0).optional().multiple(),
            Arg::string("arg").optional().multiple(),
        ]),
];

/// The rows of what manages scripts and libraries.
pub(crate) const MANAGEMENT: &[Spec] = &[
    Spec::container("script", SCRIPT)
        .origin("scripting", "2.6.0")
        .summary("Manage the scripts that the server keeps")
        .complexity("Depends on the subcommand"),
    Spec::container("function", FUNCTION)
        .origin("scripting", "7.0.0")
        .summary("Manage libraries of functions")
        .complexity("Depends on the subcommand"),
];

const SCRIPTING: &[Category] = &[Category::Scripting];
const RUNS: &[Flag] = &[NoScript, Stale, SkipMonitor, MayReplicate, NoMandatoryKeys];
const READS: &[Flag] = &[ReadOnly, NoScript, Stale, SkipMonitor, NoMandatoryKeys];
const ANY_WRITE: &str =
    "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE";
const ANY_READ: &str =
    "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS";
const OF_SCRIPT: &str = "Depends on the script";
const OF_FUNCTION: &str = "Depends on the function";

/// The modes of a flush, which change nothing here.
const FLUSH_MODES: &[Arg] = &[
    Arg::pure_token("async", "ASYNC"),
    Arg::pure_token("sync", "SYNC"),
];

/// SCRIPT's subcommands.
const SCRIPT: &[Spec] = &[
    Spec::new("debug", 3)
        .flags(&[NoScript])
        .categories(SCRIPTING)
        .origin("scripting", "3.2.0")
        .summary("Choose a mode of the debugger for scripts, which fanfare does not have")
        .complexity("O(1)")
        .arguments(&[Arg::one_of(
            "mode",
            &[
                Arg::pure_token("yes", "YES"),
                Arg::pure_token("sync", "SYNC"),
                Arg::pure_token("no", "NO"),
            ],
        )]),
    Spec::new("exists", -3)
        .flags(&[NoScript])
        .categories(SCRIPTING)
        .tips(&[
            "request_policy:all_shards",
            "response_policy:agg_logical_and",
        ])
        .origin("scripting", "2.6.0")
        .summary("Tell which scripts the server keeps")
        .complexity("O(N) for N digests")
        .arguments(&[Arg::string("sha1").multiple()]),
    Spec::new("flush", -2)
        .flags(&[NoScript])
        .categories(SCRIPTING)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .origin("scripting", "2.6.0")
        .summary("Forget all scripts")
        .complexity("O(N) for N scripts")
        .history(&[("6.2.0", "Takes `ASYNC` and `SYNC`.")])
        .arguments(&[Arg::one_of("flush-type", FLUSH_MODES)
            .since("6.2.0")
            .optional()]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .categories(SCRIPTING)
        .origin("scripting", "5.0.0")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("kill", 2)
        .flags(&[NoScript, AllowBusy])
        .categories(SCRIPTING)
        .tips(&["request_policy:all_shards", "response_policy:one_succeeded"])
        .origin("scripting", "2.6.0")
        .summary("End the script that runs, unless it has changed keys")
        .complexity("O(1)"),
    Spec::new("load", 3)
        .flags(&[NoScript, Stale])
        .categories(SCRIPTING)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .origin("scripting", "2.6.0")
        .summary("Keep a script without running it, and tell its digest")
        .complexity("O(N) for a script of N bytes")
        .arguments(&[Arg::string("script")]),
];

/// FUNCTION's subcommands.
const FUNCTION: &[Spec] = &[
    Spec::new("delete", 3)
        .flags(&[Write, NoScript])
        .categories(SCRIPTING)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .origin("scripting", "7.0.0")
        .summary("Delete a library and its functions")
        .complexity("O(N) for N functions")
        .arguments(&[Arg::string("library-name")]),
    Spec::new("dump", 2)
        .flags(&[NoScript])
        .categories(SCRIPTING)
        .origin("scripting", "7.0.0")
        .summary("Show all libraries in Redis's own format, which fanfare does not write")
        .complexity("O(1)"),
    Spec::new("flush", -2)
        .flags(&[Write, NoScript])
        .categories(SCRIPTING)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .origin("scripting", "7.0.0")
        .summary("Delete all libraries")
        .complexity("O(N) for N functions")
        .arguments(&[Arg::one_of("flush-type", FLUSH_MODES).optional()]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .categories(SCRIPTING)
        .origin("scripting", "7.0.0")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("kill", 2)
        .flags(&[NoScript, AllowBusy])
        .categories(SCRIPTING)
        .tips(&["request_policy:all_shards", "response_policy:one_succeeded"])
        .origin("scripting", "7.0.0")
        .summary("End the function that runs, unless it has changed keys")
        .complexity("O(1)"),
    Spec::new("list", -2)
        .flags(&[NoScript])
        .categories(SCRIPTING)
        .tips(&["nondeterministic_output_order"])
        .origin("scripting", "7.0.0")
        .summary("Show the libraries and their functions")
        .complexity("O(N) for N functions")
        .arguments(&[
            Arg::string("library-name-pattern")
                .token("LIBRARYNAME")
                .optional(),
            Arg::pure_token("withcode", "WITHCODE").optional(),
        ]),
    Spec::new("load", -3)
        .flags(&[Write, DenyOom, NoScript])
        .categories(SCRIPTING)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .origin("scripting", "7.0.0")
        .summary("Load a library")
        .complexity("O(N) for a text of N bytes, besides running it")
        .arguments(&[
            Arg::pure_token("replace", "REPLACE").optional(),
            Arg::string("function-code"),
        ]),
    Spec::new("restore", -3)
        .flags(&[Write, DenyOom, NoScript])
        .categories(SCRIPTING)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .origin("scripting", "7.0.0")
        .summary("Load libraries from Redis's own format, which fanfare does not read")
        .complexity("O(1)")
        .arguments(&[
            Arg::string("serialized-value"),
            Arg::one_of(
                "policy",
                &[
                    Arg::pure_token("flush", "FLUSH"),
                    Arg::pure_token("append", "APPEND"),
                    Arg::pure_token("replace", "REPLACE"),
                ],
            )
            .optional(),
        ]),
    Spec::new("stats", 2)
        .flags(&[NoScript, AllowBusy])
        .categories(SCRIPTING)
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ])
        .origin("scripting", "7.0.0")
        .summary("Show the function that runs, and how many libraries and functions there are")
        .complexity("O(1)"),
];
