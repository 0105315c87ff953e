//! Rows: transactions.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{AllowBusy, Fast, Loading, NoScript, SkipSlowlog, Stale};
use crate::catalog::spec::{Arg, InMulti, KeySpec, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("multi", 1)
        .flags(&[NoScript, Loading, Stale, Fast, AllowBusy])
        .in_multi(InMulti::Runs)
        .categories(&[Category::Transaction])
        .origin("transactions", "1.2.0")
        .summary("Mark the start of a transaction block")
        .complexity("O(1)"),
    Spec::new("exec", 1)
        .flags(&[NoScript, Loading, Stale, SkipSlowlog])
        .in_multi(InMulti::Executes)
        .categories(&[Category::Transaction])
        .origin("transactions", "1.2.0")
        .summary("Execute all commands issued after MULTI")
        .complexity("Depends on commands in the transaction"),
    Spec::new("discard", 1)
        .flags(&[NoScript, Loading, Stale, Fast, AllowBusy])
        .in_multi(InMulti::GivesUp)
        .categories(&[Category::Transaction])
        .origin("transactions", "2.0.0")
        .summary("Discard all commands issued after MULTI")
        .complexity("O(N), when N is the number of queued commands"),
    Spec::new("watch", -2)
        .flags(&[NoScript, Loading, Stale, Fast, AllowBusy])
        .in_multi(InMulti::Runs)
        .categories(&[Category::Transaction])
        .keys(&[KeySpec::from(1, &["RO"])])
        .origin("transactions", "2.2.0")
        .summary("Watch the given keys to determine execution of the MULTI/EXEC block")
        .complexity("O(1) for every key.")
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("unwatch", 1)
        .flags(&[NoScript, Loading, Stale, Fast, AllowBusy])
        .categories(&[Category::Transaction])
        .origin("transactions", "2.2.0")
        .summary("Forget about all watched keys")
        .complexity("O(1)"),
];
