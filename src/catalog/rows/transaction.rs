//! Rows: transactions.
//!
//! Layer `catalog`. A table of constants.

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
        .summary("Begin a transaction: the commands that follow wait for `EXEC`")
        .complexity("O(1)"),
    Spec::new("exec", 1)
        .flags(&[NoScript, Loading, Stale, SkipSlowlog])
        .in_multi(InMulti::Executes)
        .categories(&[Category::Transaction])
        .origin("transactions", "1.2.0")
        .summary("Run the commands since `MULTI` as one")
        .complexity("The sum of the commands'"),
    Spec::new("discard", 1)
        .flags(&[NoScript, Loading, Stale, Fast, AllowBusy])
        .in_multi(InMulti::GivesUp)
        .categories(&[Category::Transaction])
        .origin("transactions", "2.0.0")
        .summary("Give up the commands since `MULTI`")
        .complexity("O(N) for N commands"),
    Spec::new("watch", -2)
        .flags(&[NoScript, Loading, Stale, Fast, AllowBusy])
        .in_multi(InMulti::Runs)
        .categories(&[Category::Transaction])
        .keys(&[KeySpec::from(1, &["RO"])])
        .origin("transactions", "2.2.0")
        .summary("Let the next `EXEC` fail if one of the keys changes before it")
        .complexity("O(N) for N keys")
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("unwatch", 1)
        .flags(&[NoScript, Loading, Stale, Fast, AllowBusy])
        .categories(&[Category::Transaction])
        .origin("transactions", "2.2.0")
        .summary("Stop watching keys")
        .complexity("O(N) for N watched keys"),
];
