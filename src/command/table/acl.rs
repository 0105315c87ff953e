//! Rows: ACL.

use crate::command::acl;
use crate::command::spec::Flag::{Admin, Loading, NoScript, Stale};
use crate::command::spec::{Arg, Command, Flag};

/// The rows of this group.
pub(super) const ROWS: &[Command] = &[Command::container("acl", ACL)
    .origin("server", "6.0.0")
    .summary("A container for Access List Control commands ")
    .complexity("Depends on subcommand.")];

const ADMIN: &[Flag] = &[Admin, NoScript, Loading, Stale];
const ADMIN_CATEGORIES: &[&str] = &["admin", "slow", "dangerous"];

/// ACL's subcommands.
const ACL: &[Command] = &[
    Command::new("cat", -2, acl::cat)
        .flags(&[NoScript, Loading, Stale])
        .categories(&["slow"])
        .origin("server", "6.0.0")
        .summary("List the ACL categories or the commands inside a category")
        .complexity("O(1) since the categories and commands are a fixed set.")
        .arguments(&[Arg::string("categoryname").optional()]),
    Command::new("deluser", -3, acl::deluser)
        .flags(ADMIN)
        .categories(ADMIN_CATEGORIES)
        .origin("server", "6.0.0")
        .summary("Remove the specified ACL users and the associated rules")
        .complexity("O(1) amortized time considering the typical user.")
        .arguments(&[Arg::string("username").multiple()]),
    Command::new("dryrun", -4, acl::dryrun)
        .flags(ADMIN)
        .categories(ADMIN_CATEGORIES)
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
    Command::new("genpass", -2, acl::genpass)
        .flags(&[NoScript, Loading, Stale])
        .categories(&["slow"])
        .origin("server", "6.0.0")
        .summary("Generate a pseudorandom secure password to use for ACL users")
        .complexity("O(1)")
        .arguments(&[Arg::integer("bits").optional()]),
    Command::new("getuser", 3, acl::getuser)
        .flags(ADMIN)
        .categories(ADMIN_CATEGORIES)
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
    Command::new("help", 2, acl::help)
        .flags(&[Loading, Stale])
        .categories(&["slow"])
        .origin("server", "6.0.0")
        .summary("Show helpful text about the different subcommands")
        .complexity("O(1)"),
    Command::new("list", 2, acl::list)
        .flags(ADMIN)
        .categories(ADMIN_CATEGORIES)
        .origin("server", "6.0.0")
        .summary("List the current ACL rules in ACL config file format")
        .complexity("O(N). Where N is the number of configured users."),
    Command::new("load", 2, acl::load)
        .flags(ADMIN)
        .categories(ADMIN_CATEGORIES)
        .origin("server", "6.0.0")
        .summary("Reload the ACLs from the configured ACL file")
        .complexity("O(N). Where N is the number of configured users."),
    Command::new("log", -2, acl::log)
        .flags(ADMIN)
        .categories(ADMIN_CATEGORIES)
        .origin("server", "6.0.0")
        .summary("List latest events denied because of ACLs in place")
        .complexity("O(N) with N being the number of entries shown.")
        .arguments(&[Arg::one_of(
            "operation",
            &[Arg::integer("count"), Arg::pure_token("reset", "RESET")],
        )
        .optional()]),
    Command::new("save", 2, acl::save)
        .flags(ADMIN)
        .categories(ADMIN_CATEGORIES)
        .origin("server", "6.0.0")
        .summary("Save the current ACL rules in the configured ACL file")
        .complexity("O(N). Where N is the number of configured users."),
    Command::new("setuser", -3, acl::setuser)
        .flags(ADMIN)
        // Its rules may be passwords; Redis hides the name too.
        .hides(|_, index| index >= 2)
        .categories(ADMIN_CATEGORIES)
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
    Command::new("users", 2, acl::users)
        .flags(ADMIN)
        .categories(ADMIN_CATEGORIES)
        .origin("server", "6.0.0")
        .summary("List the username of all the configured ACL rules")
        .complexity("O(N). Where N is the number of configured users."),
    Command::new("whoami", 2, acl::whoami)
        .flags(&[NoScript, Loading, Stale])
        .categories(&["slow"])
        .origin("server", "6.0.0")
        .summary("Return the name of the user associated to the current connection")
        .complexity("O(1)"),
];
