//! Rows: ACL.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::spec::Flag::{Admin, Loading, NoScript, Stale};
use crate::catalog::spec::{Arg, Flag, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[Spec::container("acl", ACL)
    .origin("server", "6.0.0")
    .summary("Manage users and what they may do")
    .complexity("Depends on the subcommand")];

const ADMIN: &[Flag] = &[Admin, NoScript, Loading, Stale];

/// ACL's subcommands.
const ACL: &[Spec] = &[
    Spec::new("cat", -2)
        .flags(&[NoScript, Loading, Stale])
        .origin("server", "6.0.0")
        .summary("List the categories of commands, or the commands of one category")
        .complexity("O(N) for N commands")
        .arguments(&[Arg::string("categoryname").optional()]),
    Spec::new("deluser", -3)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("Delete users and close their connections")
        .complexity("O(N) for N connections")
        .arguments(&[Arg::string("username").multiple()]),
    Spec::new("dryrun", -4)
        .flags(ADMIN)
        .origin("server", "7.0.0")
        .summary("Tell whether a user may run a command, without running it")
        .complexity("O(N) for N rules of the user")
        .arguments(&[
            Arg::string("username"),
            Arg::string("command"),
            Arg::string("arg").optional().multiple(),
        ]),
    Spec::new("genpass", -2)
        .flags(&[NoScript, Loading, Stale])
        .origin("server", "6.0.0")
        .summary("Make up a random password")
        .complexity("O(1)")
        .arguments(&[Arg::integer("bits").optional()]),
    Spec::new("getuser", 3)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("Show a user's rules")
        .complexity("O(N) for N rules of the user")
        .history(&[
            ("6.2.0", "Shows the channel patterns."),
            (
                "7.0.0",
                "Shows selectors, and key and channel patterns as rules.",
            ),
        ])
        .arguments(&[Arg::string("username")]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("server", "6.0.0")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("list", 2)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("Show all users as lines for a file")
        .complexity("O(N) for N users"),
    Spec::new("load", 2)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("Read the users from the file again")
        .complexity("O(N) for N users"),
    Spec::new("log", -2)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("Show the latest commands, keys, channels and logins that were denied")
        .complexity("O(N) for N entries")
        .arguments(&[Arg::one_of(
            "operation",
            &[Arg::integer("count"), Arg::pure_token("reset", "RESET")],
        )
        .optional()]),
    Spec::new("save", 2)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("Write the users to the file")
        .complexity("O(N) for N users"),
    Spec::new("setuser", -3)
        .flags(ADMIN)
        // The rules may be passwords. Redis also hides the user's name.
        .hides(|_, index| index >= 2)
        .origin("server", "6.0.0")
        .summary("Create a user, or change one")
        .complexity("O(N) for N rules")
        .history(&[
            ("6.2.0", "Takes channel patterns."),
            (
                "7.0.0",
                "Takes selectors and key patterns that only allow reading or writing.",
            ),
        ])
        .arguments(&[
            Arg::string("username"),
            Arg::string("rule").optional().multiple(),
        ]),
    Spec::new("users", 2)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("List the names of all users")
        .complexity("O(N) for N users"),
    Spec::new("whoami", 2)
        .flags(&[NoScript, Loading, Stale])
        .origin("server", "6.0.0")
        .summary("Tell which user the connection is")
        .complexity("O(1)"),
];
