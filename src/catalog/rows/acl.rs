//! Rows: ACL.

use crate::catalog::spec::Flag::{Admin, Loading, NoScript, Stale};
use crate::catalog::spec::{Arg, Flag, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[Spec::container("acl", ACL)
    .origin("server", "6.0.0")
    .summary("A container for Access List Control commands ")
    .complexity("Depends on subcommand.")];

const ADMIN: &[Flag] = &[Admin, NoScript, Loading, Stale];

/// ACL's subcommands.
const ACL: &[Spec] = &[
    Spec::new("cat", -2)
        .flags(&[NoScript, Loading, Stale])
        .origin("server", "6.0.0")
        .summary("List the ACL categories or the commands inside a category")
        .complexity("O(1) since the categories and commands are a fixed set.")
        .arguments(&[Arg::string("categoryname").optional()]),
    Spec::new("deluser", -3)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("Remove the specified ACL users and the associated rules")
        .complexity("O(1) amortized time considering the typical user.")
        .arguments(&[Arg::string("username").multiple()]),
    Spec::new("dryrun", -4)
        .flags(ADMIN)
        .origin("server", "7.0.0")
        .summary(
            "Returns whether the user can execute the given command without executing the command.",
        )
        .complexity("O(1).")
        .arguments(&[
            Arg::string("username"),
            Arg::string("command"),
            Arg::string("arg").optional().multiple(),
        ]),
    Spec::new("genpass", -2)
        .flags(&[NoScript, Loading, Stale])
        .origin("server", "6.0.0")
        .summary("Generate a pseudorandom secure password to use for ACL users")
        .complexity("O(1)")
        .arguments(&[Arg::integer("bits").optional()]),
    Spec::new("getuser", 3)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("Get the rules for a specific ACL user")
        .complexity(
            "O(N). Where N is the number of password, command and pattern rules that the user has.",
        )
        .history(&[
            ("6.2.0", "Added Pub/Sub channel patterns."),
            (
                "7.0.0",
                "Added selectors and changed the format of key and channel patterns from a list to \
                 their rule representation.",
            ),
        ])
        .arguments(&[Arg::string("username")]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("server", "6.0.0")
        .summary("Show helpful text about the different subcommands")
        .complexity("O(1)"),
    Spec::new("list", 2)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("List the current ACL rules in ACL config file format")
        .complexity("O(N). Where N is the number of configured users."),
    Spec::new("load", 2)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("Reload the ACLs from the configured ACL file")
        .complexity("O(N). Where N is the number of configured users."),
    Spec::new("log", -2)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("List latest events denied because of ACLs in place")
        .complexity("O(N) with N being the number of entries shown.")
        .arguments(&[Arg::one_of(
            "operation",
            &[Arg::integer("count"), Arg::pure_token("reset", "RESET")],
        )
        .optional()]),
    Spec::new("save", 2)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("Save the current ACL rules in the configured ACL file")
        .complexity("O(N). Where N is the number of configured users."),
    Spec::new("setuser", -3)
        .flags(ADMIN)
        // Its rules may be passwords; Redis hides the name too.
        .hides(|_, index| index >= 2)
        .origin("server", "6.0.0")
        .summary("Modify or create the rules for a specific ACL user")
        .complexity("O(N). Where N is the number of rules provided.")
        .history(&[
            ("6.2.0", "Added Pub/Sub channel patterns."),
            ("7.0.0", "Added selectors and key based permissions."),
        ])
        .arguments(&[
            Arg::string("username"),
            Arg::string("rule").optional().multiple(),
        ]),
    Spec::new("users", 2)
        .flags(ADMIN)
        .origin("server", "6.0.0")
        .summary("List the username of all the configured ACL rules")
        .complexity("O(N). Where N is the number of configured users."),
    Spec::new("whoami", 2)
        .flags(&[NoScript, Loading, Stale])
        .origin("server", "6.0.0")
        .summary("Return the name of the user associated to the current connection")
        .complexity("O(1)"),
];
